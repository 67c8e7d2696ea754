//! Logs: lines on stdout, and the same records over OTLP.

use std::io::{IsTerminal, stdout};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{LogRecord, Severity};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::LogExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogProcessor, SdkLogRecord, SdkLoggerProvider,
};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt};

use super::delivery::{Counted, Delivery};
use super::json_lines::JsonLines;
use super::settings::Settings;
use crate::config::{LogFormat, Process};
use crate::identity::Identity;

/// Installs the subscriber that takes every event and span of `tracing`, and leads it to log lines, to spans and to log
/// records. Each way out has a filter of its own.
pub(super) fn install(
    process: &Process,
    identity: &Identity,
    tracer: Option<&SdkTracer>,
    records: Option<&SdkLoggerProvider>,
) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
    let levels = levels(process);
    let subscriber = tracing_subscriber::registry()
        .with(lines(process, identity).with_filter(levels.clone().and(filter_fn(is_line))))
        .with(tracer.map(spans))
        .with(records.map(|provider| {
            OpenTelemetryTracingBridge::new(provider)
                .with_filter(levels.and(filter_fn(is_not_of_the_exporter)))
        }));
    tracing::subscriber::set_global_default(subscriber)
}

fn lines<S>(process: &Process, identity: &Identity) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    match process.log_format {
        LogFormat::Json => fmt::layer().event_format(JsonLines::new(identity)).boxed(),
        LogFormat::Text => fmt::layer().with_target(false).with_ansi(stdout().is_terminal()).boxed(),
    }
}

/// `#[tracing::instrument]` makes spans; those of this crate become OpenTelemetry's. Without the filter, each library's
/// own would come alive. Events are log records, not events of a span.
fn spans<S>(tracer: &SdkTracer) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer.clone())
        // What these would add to every span is either not in the semantic conventions or the path of a build machine.
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
        .with_level(false)
        .with_filter(
            Targets::new()
                .with_target("handson", LevelFilter::INFO)
                .and(filter_fn(|metadata| metadata.is_span())),
        )
}

/// `RUST_LOG`, or else `LOG_LEVEL` for all but the exporters, whose every failure would be a line: [`super::delivery`]
/// tells of those. What a collector takes and then rejects, a "partial success", only the exporter knows.
fn levels(process: &Process) -> Targets {
    process.rust_log.clone().unwrap_or_else(|| {
        Targets::new()
            .with_default(LevelFilter::from(process.log_level))
            .with_target("opentelemetry", LevelFilter::OFF)
            .with_target("opentelemetry-otlp", LevelFilter::WARN)
    })
}

/// An event, unless it says of one export what [`super::delivery`] says of all.
fn is_line(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && !metadata.name().starts_with("Export.")
}

/// What the exporter's own HTTP client logs (at `RUST_LOG=debug`) must not be exported, or it would feed itself.
fn is_not_of_the_exporter(event: &Metadata<'_>) -> bool {
    let transport = ["h2", "hyper", "opentelemetry", "reqwest", "rustls", "tonic", "tower"];
    event.is_event() && !transport.iter().any(|name| event.target().starts_with(name))
}

/// Log records wait in a queue, and leave in batches from a thread of their own.
pub(super) fn provider(
    resource: Resource,
    exporter: LogExporter,
    delivery: &Arc<Delivery>,
    settings: &Settings,
) -> SdkLoggerProvider {
    let batching = BatchConfigBuilder::default()
        .with_max_queue_size(settings.log_records.max_queue_size)
        .with_max_export_batch_size(settings.log_records.max_export_batch_size)
        .build();
    let exporter = Counted::new(exporter, delivery);
    let batches = BatchLogProcessor::builder(exporter).with_batch_config(batching).build();
    SdkLoggerProvider::builder()
        .with_resource(resource)
        .with_log_processor(Queue { batches, delivery: Arc::clone(delivery) })
        .build()
}

/// Lets a record into the SDK's queue where there is room, and counts it where there is not.
#[derive(Debug)]
struct Queue {
    batches: BatchLogProcessor,
    delivery: Arc<Delivery>,
}

impl LogProcessor for Queue {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        // Unless an event is given a name, `tracing` calls it by its place in the source of the machine that built it.
        if record.event_name().is_some_and(|name| name.starts_with("event ")) {
            record.set_event_name("");
        }
        if self.delivery.log_records.admit() {
            self.batches.emit(record, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn event_enabled(&self, severity: Severity, target: &str, name: Option<&str>) -> bool {
        self.batches.event_enabled(severity, target, name)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

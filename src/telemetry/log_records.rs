// ANCHOR: log-correlation
//! Logs over OTLP: the same events as the lines on stdout.

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
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::delivery::{Counted, Delivery};
use super::logs;
use super::settings::Settings;
use crate::config::Process;

/// Log records over OTLP, of the same events.
pub(super) fn layer<S>(provider: &SdkLoggerProvider, process: &Process) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    OpenTelemetryTracingBridge::new(provider)
        .with_filter(logs::levels(process).and(filter_fn(is_not_of_the_exporter)))
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
// ANCHOR_END: log-correlation

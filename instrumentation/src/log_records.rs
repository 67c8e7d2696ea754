//! Logs over OTLP: the same events as the lines on stdout, as log records with the ids of their span.

use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::LogRecord;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord, SdkLoggerProvider};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::registry::LookupSpan;

/// Crates that an OTLP exporter uses for sending, in addition to OpenTelemetry's own. Their events must not
/// be exported, because each export would cause another one.
const TRANSPORT: [&str; 7] = ["h2", "hyper", "hyper_util", "reqwest", "rustls", "tonic", "tower"];

/// The bridge of `opentelemetry-appender-tracing`, which makes log records from `tracing`'s events, except
/// those of the exporter's own transport (at `RUST_LOG=debug`). `levels` defines which levels of which
/// modules are recorded.
pub fn layer<S>(provider: &SdkLoggerProvider, levels: Targets) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    OpenTelemetryTracingBridge::new(provider).with_filter(levels.and(filter_fn(is_not_of_the_transport)))
}

fn is_not_of_the_transport(event: &Metadata<'_>) -> bool {
    if !event.is_event() {
        return false;
    }
    let crate_name = event.target().split("::").next().unwrap_or_default();
    !crate_name.starts_with("opentelemetry") && !TRANSPORT.contains(&crate_name)
}

/// Removes generated event names: `tracing` names an event `event src/shop.rs:42` after its location in the
/// source on the build machine. Add it before the processor that exports.
#[derive(Debug, Default)]
pub struct WithoutPlaceNames;

/// Whether `name` is `event FILE:LINE`. A service may name an event `event received`.
fn is_place(name: &str) -> bool {
    let line = name.strip_prefix("event ").and_then(|place| place.rsplit_once(':')).map(|(_, line)| line);
    line.is_some_and(|line| line.parse::<u32>().is_ok())
}

impl LogProcessor for WithoutPlaceNames {
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        if record.event_name().is_some_and(is_place) {
            record.set_event_name("");
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

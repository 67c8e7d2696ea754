//! Items that are lost on the way to the collector are counted and reported.

mod encoded;
mod end;
mod gate;
mod lines;
mod nothing_lost;
mod outage;
mod queue_full;

use instrumentation::delivery::Delivery;
use instrumentation::settings::Settings;
use opentelemetry::logs::{LogRecord, Logger, LoggerProvider};
use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otlp::{Behaviour, Receiver};
use tokio::task::block_in_place;

use crate::support::Telemetry;

/// Settings with a collector at `endpoint` and additional variables.
fn settings(endpoint: &str, others: &[(&str, &str)]) -> Settings {
    let settings = Settings::from_lookup(|name| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(endpoint.to_owned()),
        _ => others.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()),
    });
    settings.expect("the settings are valid")
}

/// A collector with this behaviour.
async fn collector(behaviour: Behaviour) -> Receiver {
    let collector = Receiver::start().await.expect("a free port");
    collector.set(behaviour);
    collector
}

/// Makes spans that end at once.
fn make_spans(provider: &SdkTracerProvider, count: usize) {
    let tracer = provider.tracer("test");
    (0..count).for_each(|_| tracer.in_span("work", |_| ()));
}

/// Makes spans, and waits until their export has succeeded or failed.
fn export_spans(provider: &SdkTracerProvider, count: usize) {
    make_spans(provider, count);
    // The result of the export shows in the counts.
    let _ = block_in_place(|| provider.force_flush());
}

fn make_log_records(provider: &SdkLoggerProvider, count: usize) {
    let logger = provider.logger("test");
    for _ in 0..count {
        let mut record = logger.create_log_record();
        record.set_body("work".into());
        logger.emit(record);
    }
}

/// Makes log records, and waits until their export has succeeded or failed.
fn export_log_records(provider: &SdkLoggerProvider, count: usize) {
    make_log_records(provider, count);
    let _ = block_in_place(|| provider.force_flush());
}

/// The counts of one signal, from its metrics.
#[derive(Debug, PartialEq)]
struct Counts {
    exported: i64,
    failed: i64,
    queue_full: i64,
}

/// The counts of `delivery`, which reports to `telemetry`. `item` is `span` or `log`.
fn counts(telemetry: &Telemetry, item: &str) -> Counts {
    let series = |metric: &str, attributes: &[String]| {
        let all = telemetry.numbers(metric);
        let found = all.iter().find(|(found, _)| found == attributes);
        found.unwrap_or_else(|| panic!("{metric} has no series {attributes:?}, but {all:?}")).1
    };
    let exporter = format!("otel.component.type=\"otlp_http_{item}_exporter\"");
    let processor = format!("otel.component.type=\"batching_{item}_processor\"");
    let (exported, processed) =
        (format!("otel.sdk.exporter.{item}.exported"), format!("otel.sdk.processor.{item}.processed"));
    Counts {
        exported: series(&exported, std::slice::from_ref(&exporter)),
        failed: series(&exported, &["error.type=\"export_failed\"".to_owned(), exporter]),
        queue_full: series(&processed, &["error.type=\"queue_full\"".to_owned(), processor]),
    }
}

/// A delivery whose counts are also metrics.
fn reported(settings: &Settings) -> (Delivery, Telemetry) {
    let (delivery, telemetry) = (Delivery::new(settings), Telemetry::new());
    delivery.report_to(&telemetry.meters);
    delivery.watch();
    (delivery, telemetry)
}

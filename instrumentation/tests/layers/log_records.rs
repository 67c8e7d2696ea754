//! Log records of `tracing` events.

use instrumentation::log_records::{self, WithoutPlaceNames};
use opentelemetry::logs::{AnyValue, Severity};
use opentelemetry::trace::{TraceContextExt, Tracer};
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLogRecord, SdkLoggerProvider};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::support::Telemetry;

/// The log records of the events that `log` creates.
fn records(levels: Targets, log: impl FnOnce()) -> Vec<SdkLogRecord> {
    let exporter = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder()
        .with_log_processor(WithoutPlaceNames)
        .with_simple_exporter(exporter.clone())
        .build();
    let subscriber = tracing_subscriber::registry().with(log_records::layer(&provider, levels));
    tracing::subscriber::with_default(subscriber, log);
    let logs = exporter.get_emitted_logs().expect("the exporter is not shut down");
    logs.into_iter().map(|log| log.record).collect()
}

fn all() -> Targets {
    Targets::new().with_default(LevelFilter::TRACE)
}

fn body(record: &SdkLogRecord) -> &str {
    match record.body() {
        Some(AnyValue::String(body)) => body.as_str(),
        other => panic!("expected a text, got {other:?}"),
    }
}

#[test]
fn a_record_has_body_severity_fields_and_the_ids_of_the_current_span() {
    let tracer = Telemetry::new().tracer();
    let mut ids = None;
    let records = records(all(), || {
        tracer.in_span("request", |context| {
            ids = Some(context.span().span_context().clone());
            tracing::warn!(handson.user = "1", attempt = 2, "query is {}", "slow");
        });
        tracing::error!("outside");
    });
    let [inside, outside] = records.as_slice() else { panic!("expected two records, got {records:?}") };
    let ids = ids.expect("the span was made");
    let context = inside.trace_context().expect("the record has ids");
    assert_eq!((context.trace_id, context.span_id), (ids.trace_id(), ids.span_id()));
    assert_eq!(body(inside), "query is slow");
    assert_eq!((inside.severity_number(), inside.severity_text()), (Some(Severity::Warn), Some("WARN")));
    let mut fields: Vec<_> =
        inside.attributes_iter().map(|(key, value)| (key.to_string(), value.clone())).collect();
    fields.sort_by_key(|(key, _)| key.clone());
    let expected =
        [("attempt".to_owned(), AnyValue::Int(2)), ("handson.user".to_owned(), AnyValue::from("1"))];
    assert_eq!(fields, expected);

    assert!(outside.trace_context().is_none(), "{outside:?}");
    assert_eq!((body(outside), outside.severity_number()), ("outside", Some(Severity::Error)));
}

#[test]
fn events_of_the_exporters_transport_are_not_recorded() {
    let records = records(all(), || {
        tracing::error!(target: "hyper", "hyper");
        tracing::error!(target: "hyper::client::conn", "hyper");
        tracing::error!(target: "hyper_util::client::legacy", "hyper-util");
        tracing::error!(target: "h2::codec", "h2");
        tracing::error!(target: "reqwest::connect", "reqwest");
        tracing::error!(target: "rustls::client", "rustls");
        tracing::error!(target: "tonic::transport", "tonic");
        tracing::error!(target: "tower::buffer", "tower");
        tracing::error!(target: "opentelemetry", "opentelemetry");
        tracing::error!(target: "opentelemetry_sdk", "opentelemetry-sdk");
        tracing::error!(target: "opentelemetry-otlp", "opentelemetry-otlp");
        tracing::error!(target: "tower_http::trace", "tower-http is recorded");
        tracing::error!(target: "hyperlocal", "hyperlocal is recorded");
        tracing::error!(target: "shop::hyper", "a module of the service is recorded");
    });
    assert_eq!(
        records.iter().map(body).collect::<Vec<_>>(),
        ["tower-http is recorded", "hyperlocal is recorded", "a module of the service is recorded"]
    );
}

#[test]
fn the_levels_decide_what_is_recorded() {
    let levels = Targets::new().with_default(LevelFilter::INFO).with_target("shop", LevelFilter::WARN);
    let records = records(levels, || {
        tracing::debug!("no");
        tracing::info!("yes");
        tracing::info!(target: "shop::orders", "no");
        tracing::warn!(target: "shop::orders", "yes");
        let _span = tracing::error_span!("a span is not an event").entered();
    });
    assert_eq!(records.iter().map(body).collect::<Vec<_>>(), ["yes", "yes"]);
}

#[test]
fn a_generated_event_name_is_removed_and_a_chosen_one_is_kept() {
    let records = records(all(), || {
        tracing::info!("an event without a name");
        tracing::info!(name: "order.paid", "paid");
        tracing::info!(name: "event received", "received");
    });
    let names: Vec<_> = records.iter().map(|record| record.event_name().unwrap_or_default()).collect();
    assert_eq!(names, ["", "order.paid", "event received"]);
}

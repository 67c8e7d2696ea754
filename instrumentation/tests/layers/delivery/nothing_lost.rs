//! Items that are not exported on purpose do not count as lost.

use instrumentation::otlp::Exporters;
use opentelemetry::trace::{Link, SpanKind, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample};
use tokio::task::block_in_place;

use super::gate::Gate;
use super::{Counts, counts, lines, make_log_records, make_spans, reported, settings};
use crate::http::client;

const NOTHING: Counts = Counts { exported: 0, failed: 0, queue_full: 0 };
const TINY: (&str, &str) = ("OTEL_BSP_MAX_QUEUE_SIZE", "1");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_exporter_nothing_is_counted() {
    lines::collect();
    client();
    let endpoint = "http://not-exported.invalid";
    let none = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none"), TINY];
    let settings = settings(endpoint, &none);
    let (delivery, telemetry) = reported(&settings);
    let exporters = Exporters::new(&settings, &delivery).expect("a client");
    let spans = exporters.span_processor().expect("no exporter");
    let spans = SdkTracerProvider::builder().with_span_processor(spans).build();
    let logs = exporters.log_processor().expect("no exporter");
    let logs = SdkLoggerProvider::builder().with_log_processor(logs).build();
    make_spans(&spans, 50);
    make_log_records(&logs, 50);
    block_in_place(|| spans.shutdown().and(logs.shutdown())).expect("nothing is left to send");
    delivery.report_the_end();
    assert_eq!((counts(&telemetry, "span"), counts(&telemetry, "log")), (NOTHING, NOTHING));
    assert!(lines::so_far("http://localhost").is_empty() && lines::so_far(endpoint).is_empty());
}

/// A sampler that records spans without sampling them.
#[derive(Clone, Debug)]
struct RecordOnly;

impl ShouldSample for RecordOnly {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: SamplingDecision::RecordOnly,
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_that_are_not_sampled_are_not_counted() {
    lines::collect();
    let endpoint = "http://not-sampled.invalid";
    let (delivery, telemetry) = reported(&settings(endpoint, &[TINY]));
    let gate = Gate::new(true);
    let processor = delivery.span_processor(Some(gate.clone()));
    let spans = SdkTracerProvider::builder().with_sampler(RecordOnly).with_span_processor(processor).build();
    make_spans(&spans, 50);
    block_in_place(|| spans.shutdown()).expect("nothing is to be sent");
    delivery.report_the_end();
    assert_eq!(counts(&telemetry, "span"), NOTHING);
    assert_eq!(gate.exported(), 0);
    assert!(lines::so_far(endpoint).is_empty());
}

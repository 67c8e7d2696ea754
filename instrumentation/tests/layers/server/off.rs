//! The server layer with telemetry off, completely or in part.

use std::sync::Arc;

use instrumentation::Instrumentation;
use opentelemetry::trace::SpanKind;
use tokio::sync::Notify;

use super::{header, start};
use crate::http::send_lines;
use crate::support::Telemetry;

const PARENT: &str = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn without_a_tracer_provider_requests_pass_through_unchanged() {
    let telemetry = Telemetry::new();
    for off in [Instrumentation::new(), Instrumentation::new().with_meter_provider(&telemetry.meters)] {
        let address = start(&off, &Arc::new(Notify::new())).await;
        let response = send_lines(address, &["GET /items/1 HTTP/1.1", "host: shop", PARENT]).await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("an item"), "{response}");
        assert_eq!(header(&response, "traceresponse"), None);
    }
    assert!(telemetry.metric_names().is_empty(), "{:?}", telemetry.metric_names());
}

#[tokio::test]
async fn without_a_meter_provider_there_are_spans_and_no_metrics() {
    let telemetry = Telemetry::new();
    let address = start(&telemetry.without_metrics(), &Arc::new(Notify::new())).await;
    let response = send_lines(address, &["GET /items/1 HTTP/1.1", "host: shop", PARENT]).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert_eq!(telemetry.span(SpanKind::Server).name, "GET /items/{id}");
    assert!(telemetry.metric_names().is_empty(), "{:?}", telemetry.metric_names());
}

#[tokio::test]
async fn without_a_propagator_the_callers_ids_are_ignored() {
    let telemetry = Telemetry::new();
    let deaf = Instrumentation::new().with_tracer_provider(&telemetry.traces);
    let address = start(&deaf, &Arc::new(Notify::new())).await;
    let response = send_lines(address, &["GET /items/1 HTTP/1.1", "host: shop", PARENT]).await;
    let ids = header(&response, "traceresponse").expect("the span has ids");
    assert!(!ids.contains("0af7651916cd43dd8448eb211c80319c"), "{ids}");
}

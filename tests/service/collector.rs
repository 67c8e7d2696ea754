//! Sends telemetry through a real Collector with `infrastructure/local/collector.yaml`: `.ci/run collector`.

mod configuration;
mod process;
mod sampling;

use crate::support::TIMEOUT;
use crate::support::client::Answer;
use crate::support::queries::{Instrument, Queries};
use crate::support::service::{Service, Setup};
use crate::traces::TREE;
use otlp::model::{Attributes, Telemetry, Value};
use otlp::{Received, Receiver};
use process::Otelcol;

/// The headers of a person who uses curl.
const CURL: &[(&str, &str)] = &[("user-agent", "curl/8.14.1")];
/// Number of spans of a successful request.
const SPANS: usize = 9;

async fn by_hand(service: &Service) -> Answer {
    let answer = service.get_with("/handson", CURL).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Waits until a trace has this many spans.
async fn until_whole(upstream: &Receiver, trace_id: &str, spans: usize) -> Telemetry {
    let is_whole = |all: &Telemetry| all.trace(trace_id).spans.len() == spans;
    let whole = |all: &Received| is_whole(&all.accepted).then(|| all.accepted.clone());
    upstream.until(TIMEOUT, whole).await.expect("all spans of the trace")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Collector: .ci/run collector"]
async fn the_trace_of_one_request_passes_through_the_collector_completely() {
    let upstream = Receiver::start().await.unwrap();
    let otelcol = Otelcol::start(&upstream, 0).await;
    let service = Setup::exporting_to_endpoint(&otelcol.http_endpoint()).start().await;
    let trace_id = by_hand(&service).await.trace_id();
    service.stop().await;

    let received = until_whole(&upstream, &trace_id, SPANS).await;
    assert_eq!(received.trace(&trace_id).shape(), TREE);
    otelcol.stop().await;
    assert_eq!(upstream.telemetry().spans.len(), SPANS, "once, and nothing else");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Collector: .ci/run collector"]
async fn a_trace_also_passes_through_the_collector_over_grpc() {
    let upstream = Receiver::start().await.unwrap();
    let otelcol = Otelcol::start(&upstream, 0).await;
    let setup = Setup::exporting_to_endpoint(&otelcol.grpc_endpoint());
    let service = setup.with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").start().await;
    let trace_id = by_hand(&service).await.trace_id();
    service.stop().await;

    let received = until_whole(&upstream, &trace_id, SPANS).await;
    assert_eq!(received.trace(&trace_id).shape(), TREE);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Collector: .ci/run collector"]
async fn the_collector_removes_the_callers_address_and_adds_its_mark() {
    let upstream = Receiver::start().await.unwrap();
    let otelcol = Otelcol::start(&upstream, 0).await;
    let service = Setup::exporting_to_endpoint(&otelcol.http_endpoint()).start().await;
    by_hand(&service).await;
    service.stop().await;
    otelcol.stop().await;

    let received = upstream.telemetry();
    let server = &received.span("GET /handson").attributes;
    assert_eq!(server.get("client.address"), None, "{server:#?}");
    assert_eq!(server["url.path"], "/handson", "the rest is as it was: {server:#?}");
    for attributes in received.spans.iter().map(|span| &span.attributes) {
        assert_eq!(attributes.get("handson.via"), Some(&Value::from("collector")), "{attributes:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Collector: .ci/run collector"]
async fn logs_and_metrics_of_the_service_pass_through_the_collector() {
    let upstream = Receiver::start().await.unwrap();
    let otelcol = Otelcol::start(&upstream, 0).await;
    let service = Setup::exporting_to_endpoint(&otelcol.http_endpoint()).start().await;
    let trace_id = by_hand(&service).await.trace_id();
    service.stop().await;
    otelcol.stop().await;

    let received = upstream.telemetry();
    let line = received.log_records.iter().find(|record| record.body == "dbQuery").expect("a log record");
    assert_eq!(line.trace_id, Some(trace_id));
    assert_eq!(received.total("http.server.request.duration", |_| true), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Collector: .ci/run collector"]
async fn metrics_are_computed_from_all_spans_and_not_only_from_sampled_ones() {
    const REQUESTS: f64 = 20.0;
    let upstream = Receiver::start().await.unwrap();
    let otelcol = Otelcol::start(&upstream, 0).await;
    let service = Setup::exporting_to_endpoint(&otelcol.http_endpoint()).start().await;
    for _ in 0..REQUESTS as usize {
        assert_eq!(service.get("/handson").await.status, 200);
    }
    service.stop().await;

    let server = |attributes: &Attributes| {
        attributes["span.name"] == "GET /handson"
            && attributes["http.response.status_code"].to_string().contains("200")
    };
    let calls = |all: &Received| all.accepted.total("traces.span.metrics.calls", server);
    upstream.until(TIMEOUT, |all| (calls(all) == REQUESTS).then_some(())).await.expect("the calls");
    otelcol.stop().await;

    let received = upstream.telemetry();
    assert_eq!(received.spans.len(), 0, "all traces were ordinary, and no share of them should be kept");
    let durations = received.newest("traces.span.metrics.duration");
    let duration = durations.iter().find(|point| server(point.attributes)).expect("durations");
    assert_eq!((duration.instrument, duration.metric.unit.as_str()), (Instrument::Histogram, "s"));
    assert_eq!(duration.value, REQUESTS);
    assert_eq!(duration.metric.resource["service.name"], "handson");
    let own = received.newest("http.server.request.duration");
    assert_eq!(duration.bounds, own[0].bounds, "comparable with what the service measures itself");
}

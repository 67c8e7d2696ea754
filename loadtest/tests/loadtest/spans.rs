//! `--otlp`: every iteration is a CLIENT span, and the target continues its trace.

mod naming;

use std::collections::{HashMap, HashSet};

use otlp::Receiver;
use otlp::model::{Span, SpanKind, StatusCode, Telemetry, Value};
use serde_json::json;

use crate::support::program::{Ended, Setup};
use crate::support::{reserve_target, start_target};
use upstream::{Call, Reaction, Upstream};

/// A run that exports its spans to `collector`.
fn exporting(target: &Upstream, collector: &Receiver, options: &str) -> Setup {
    let setup = Setup::against(target, options).and("--otlp");
    setup.variable("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
}

/// Runs ten requests whose responses `react` chooses, and returns the results.
async fn run(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> (Upstream, Ended, Telemetry) {
    let (target, collector) = (start_target(react), Receiver::start().await.unwrap());
    let ended = exporting(&target, &collector, "--rate 50 --duration 200ms --timeout 500ms").run().await;
    ended.assert_code(0);
    (target, ended, collector.telemetry())
}

fn assert_attributes(span: &Span, expected: &serde_json::Value) {
    assert_eq!(Value::Map(span.attributes.clone()), *expected, "all of them, of the same type");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_names_its_own_span_which_arrives() {
    let (target, ended, received) = run(|_| Reaction::Answer).await;
    let calls = target.calls();
    assert_eq!((calls.len(), received.spans.len()), (10, 10), "all arrive before the end");
    let sent: HashSet<String> =
        calls.iter().map(|call| call.header("traceparent").unwrap().to_owned()).collect();
    let spans: HashSet<String> =
        received.spans.iter().map(|span| format!("00-{}-{}-01", span.trace_id, span.span_id)).collect();
    assert_eq!(sent, spans, "the target's parents are the spans");
    assert_eq!(sent.len(), 10);
    let traces: HashSet<&String> = received.spans.iter().map(|span| &span.trace_id).collect();
    assert_eq!(traces.len(), 10, "a trace for each iteration");
    assert!(calls.iter().all(|call| call.header("tracestate").is_none()));
    assert_eq!(
        ended.output.stdout.iter().filter(|line| line.trim() == "spans: 10, 0 of them lost").count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_describes_its_request_by_the_conventions() {
    let (target, _, received) = run(|_| Reaction::Answer).await;
    for span in &received.spans {
        assert_eq!((span.name.as_str(), span.kind), ("GET", SpanKind::Client));
        assert_eq!((&span.parent_span_id, span.status), (&None, StatusCode::Unset));
        assert!(span.start < span.end && span.events.is_empty());
        let expected = json!({
            "http.request.method": "GET",
            "url.full": target.url("/handson"),
            "server.address": "127.0.0.1",
            "server.port": target.port(),
            "http.response.status_code": 200,
            "network.protocol.version": "1.1",
        });
        assert_attributes(span, &expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_request_is_an_error_with_its_type() {
    let (_, _, received) = run(|call| match call.number {
        0 => Reaction::Status(404),
        1 => Reaction::Status(503),
        2 => Reaction::Status(302),
        3 => Reaction::Hold,
        4 => Reaction::BreakOff,
        _ => Reaction::Answer,
    })
    .await;
    let mut seen = HashMap::new();
    for span in &received.spans {
        let (status, error) =
            (span.attributes.int("http.response.status_code"), span.attributes.text("error.type"));
        assert_eq!(span.status == StatusCode::Error, error.is_some(), "{span:?}");
        assert_eq!(status.is_some(), span.attributes.contains_key("network.protocol.version"), "{span:?}");
        *seen.entry((status, error)).or_insert(0) += 1;
    }
    let expected = HashMap::from([
        ((Some(404), Some("404")), 1),
        ((Some(503), Some("503")), 1),
        ((Some(302), None), 1),
        ((None, Some("timeout")), 1),
        ((None, Some("request")), 1),
        ((Some(200), None), 5),
    ]);
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_connections_are_recorded_on_spans() {
    let (target, collector) = (reserve_target(|_| Reaction::Answer), Receiver::start().await.unwrap());
    let ended = exporting(&target, &collector, "--rate 50 --duration 100ms").run().await;
    ended.assert_code(0);
    let received = collector.telemetry();
    assert_eq!(received.spans.len(), 5);
    for span in &received.spans {
        assert_eq!((span.status, span.attributes.text("error.type")), (StatusCode::Error, Some("connect")));
        assert_eq!(span.attributes.int("server.port"), Some(target.port().into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_request_also_has_a_span() {
    let (target, collector) = (start_target(|_| Reaction::Hold), Receiver::start().await.unwrap());
    let ended = exporting(&target, &collector, "--rate 50 --duration 100ms --graceful-stop 0s").run().await;
    ended.assert_code(0);
    assert_eq!(target.calls().len(), 5);
    assert_eq!(collector.telemetry().spans.len(), 5, "the target's spans have a parent");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_thousand_requests_per_second_no_span_is_lost() {
    let (target, collector) = (start_target(|_| Reaction::Answer), Receiver::start_counting().await.unwrap());
    let ended = exporting(&target, &collector, "--rate 1000 --duration 1s").run().await;
    ended.assert_code(0);
    let iterations = ended.count("iterations");
    assert_eq!(iterations + ended.count("dropped_iterations"), 1000);
    assert_eq!(collector.received().spans, iterations);
}

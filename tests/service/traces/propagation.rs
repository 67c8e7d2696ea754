//! The trace context of requests and of calls.

use std::collections::BTreeSet;

use axum::http::Method;

use super::TREE;
use crate::support::queries::Queries;
use crate::support::service::Setup;
use crate::support::start_upstream;
use otlp::Receiver;
use otlp::model::SpanKind;
use upstream::Reaction;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID: &str = "00f067aa0ba902b7";
const REMOTE: [(&str, &str); 3] = [
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("tracestate", "vendor=value"),
    ("baggage", "team=sakura"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_parent_is_honoured_and_passed_on() {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|_| Reaction::Answer);
    let service = Setup::exporting_to(&collector).calling(&upstream).start().await;
    let answer = service.get_with("/handson", &REMOTE).await;
    service.stop().await;

    assert_eq!(answer.trace_id(), TRACE_ID);
    let received = collector.telemetry();
    let server = received.span("GET /handson");
    assert_eq!(server.trace_id, TRACE_ID);
    assert_eq!(server.parent_span_id.as_deref(), Some(PARENT_ID));
    assert_eq!(server.trace_state, "vendor=value");
    assert_eq!(received.trace(TRACE_ID).shape(), TREE);
    for call in upstream.calls() {
        assert_eq!(call.header("tracestate"), Some("vendor=value"), "{call:?}");
        assert_eq!(call.header("baggage"), Some("team=sakura"), "{call:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_names_its_own_client_span() {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|_| Reaction::Answer);
    let service = Setup::exporting_to(&collector).calling(&upstream).start().await;
    service.get("/handson").await;
    service.stop().await;

    let received = collector.telemetry();
    let injected: BTreeSet<String> = upstream
        .calls()
        .iter()
        .map(|call| format!("{} {}", call.method, call.header("traceparent").unwrap()))
        .collect();
    let expected: BTreeSet<String> = received
        .spans
        .iter()
        .filter(|span| span.attributes.contains_key("url.full"))
        .map(|span| format!("{} 00-{}-{}-01", span.name, span.trace_id, span.span_id))
        .collect();
    assert_eq!(injected.len(), 4, "four calls, four spans");
    assert_eq!(injected, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_is_not_sampled_leaves_no_span_and_is_propagated_upstream() {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|_| Reaction::Answer);
    let service = Setup::exporting_to(&collector).calling(&upstream).start().await;
    let traceparent = format!("00-{TRACE_ID}-{PARENT_ID}-00");
    let answer = service.get_with("/handson", &[("traceparent", &traceparent)]).await;
    let output = service.stop().await;

    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.trace_id(), TRACE_ID);
    assert!(answer.header("traceresponse").ends_with("-00"), "{answer:?}");
    assert_eq!(collector.telemetry().spans.len(), 0);
    assert_eq!(output.with_message("dbQuery")[0]["trace_id"], TRACE_ID, "log lines still correlate");
    for call in upstream.calls() {
        let traceparent = call.header("traceparent").unwrap();
        assert!(traceparent.starts_with(&format!("00-{TRACE_ID}-")), "{traceparent}");
        assert!(traceparent.ends_with("-00"), "{traceparent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_traceparent_starts_a_new_trace() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let answer = service.get_with("/handson", &[("traceparent", "00-nonsense-01")]).await;
    service.stop().await;

    assert_eq!(answer.status, 200, "{answer:?}");
    let received = collector.telemetry();
    assert_eq!(received.span("GET /handson").parent_span_id, None);
    assert_eq!(received.trace(&answer.trace_id()).shape(), TREE);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_propagators_no_trace_is_continued_or_propagated() {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|_| Reaction::Answer);
    let setup = Setup::exporting_to(&collector).calling(&upstream).with("OTEL_PROPAGATORS", "none");
    let service = setup.start().await;
    let answer = service.get_with("/handson", &REMOTE).await;
    service.stop().await;

    assert_ne!(answer.trace_id(), TRACE_ID);
    let received = collector.telemetry();
    assert_eq!(received.trace(&answer.trace_id()).shape(), TREE);
    assert_eq!(received.span("GET /handson").parent_span_id, None);
    for call in upstream.calls() {
        assert_eq!(call.header("traceparent"), None, "{call:?}");
        assert_eq!(call.header("baggage"), None, "{call:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stand_in_as_a_second_service_continues_the_trace() {
    let collector = Receiver::start().await.unwrap();
    let httpbin = Setup::exporting_to(&collector).arguments(&["httpbin", "--port", "0"]).start().await;
    let setup = Setup::exporting_to(&collector).with("HTTPBIN_URL", httpbin.url(""));
    let service = setup.start().await;
    let answer = service.get("/handson").await;
    service.stop().await;
    httpbin.stop().await;

    let received = collector.telemetry();
    let spans = received.trace(&answer.trace_id()).spans;
    assert_eq!(spans.len(), 9 + 4, "nine spans of the service, one a call of the stand-in");
    let theirs: Vec<_> = spans.iter().filter(|span| span.service() == "httpbin").collect();
    let mut names: Vec<&str> = theirs.iter().map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["GET /get", "GET /get", "POST /post", "PUT /put"]);
    for span in theirs {
        assert_eq!(span.kind, SpanKind::Server);
        let parent = spans.iter().find(|other| Some(&other.span_id) == span.parent_span_id.as_ref());
        let parent = parent.unwrap_or_else(|| panic!("no parent of {span:?}"));
        assert_eq!((parent.service(), parent.kind), ("handson", SpanKind::Client));
        let method = span.attributes["http.request.method"].as_str().unwrap();
        assert_eq!(parent.name, method, "the call and its answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_stand_in_is_not_traced() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    service.client().request(Method::GET, service.url("/handson")).send().await.unwrap();
    service.stop().await;

    let received = collector.telemetry();
    let servers = received.spans.iter().filter(|span| span.kind == SpanKind::Server).count();
    assert_eq!(servers, 1);
}

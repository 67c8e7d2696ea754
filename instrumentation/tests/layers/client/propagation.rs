//! The headers that the called service receives, and the parent of a client span.

use opentelemetry::trace::{FutureExt, SpanId, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, baggage::BaggageExt};

use super::{Callee, call, recorded};
use crate::support::{Telemetry, ids};

#[tokio::test]
async fn the_injected_traceparent_names_the_span_of_its_own_call() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let client = recorded(&telemetry.instrumentation());
    let parent = Context::current_with_span(telemetry.tracer().start("parent"));
    let calls = async {
        let call = || client.get(callee.url("/echo")).send();
        let (first, second, third) = tokio::try_join!(call(), call(), call()).expect("the server answers");
        let read = tokio::try_join!(first.text(), second.text(), third.text());
        let (first, second, third) = read.expect("the bodies arrive");
        vec![first, second, third]
    };
    let mut received = calls.with_context(parent.clone()).await;

    let spans = telemetry.spans_of(SpanKind::Client);
    for span in &spans {
        assert_eq!(span.parent_span_id, parent.span().span_context().span_id());
        assert_eq!(span.span_context.trace_id(), parent.span().span_context().trace_id());
    }
    let mut own: Vec<_> = spans.iter().map(ids).collect();
    own.sort();
    received.sort();
    assert_eq!(received, own);
}

#[tokio::test]
async fn a_call_outside_of_a_span_starts_a_trace() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let received = call(&recorded(&telemetry.instrumentation()), callee.url("/echo")).await;
    let span = telemetry.span(SpanKind::Client);
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert_eq!(received, ids(&span));
}

#[tokio::test]
async fn baggage_of_the_context_is_propagated() {
    let telemetry = Telemetry::new();
    let baggage = |headers: axum::http::HeaderMap| async move {
        headers.get("baggage").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let router = axum::Router::new().route("/", axum::routing::get(baggage));
    let address = crate::http::serve(router).await;
    let client = recorded(&telemetry.instrumentation());
    let context = Context::new().with_baggage([KeyValue::new("tenant", "sakura")]);
    let sent = call(&client, format!("http://{address}/")).with_context(context).await;
    assert_eq!(sent, "tenant=sakura");
}

#[tokio::test]
async fn a_call_of_a_span_that_is_not_sampled_is_not_recorded_and_propagates_the_decision() {
    let callee = Callee::start().await;
    let telemetry = Telemetry::new();
    let parent = opentelemetry::trace::SpanContext::new(
        opentelemetry::trace::TraceId::from(7),
        SpanId::from(8),
        opentelemetry::trace::TraceFlags::NOT_SAMPLED,
        true,
        Default::default(),
    );
    let context = Context::new().with_remote_span_context(parent);
    let client = recorded(&telemetry.instrumentation());
    let received = call(&client, callee.url("/echo")).with_context(context).await;
    assert!(telemetry.spans().is_empty());
    assert!(received.starts_with("00-00000000000000000000000000000007-"), "{received}");
    assert!(received.ends_with("-00"), "{received}");
}

//! The propagator of `OTEL_PROPAGATORS`.

use std::collections::HashMap;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::valid;

/// The names of the injected headers, except empty ones.
fn written(propagators: Option<&str>) -> Vec<String> {
    let variables: Vec<_> = propagators.map(|value| ("OTEL_PROPAGATORS", value)).into_iter().collect();
    let state = TraceState::from_key_value([("vendor", "a")]).expect("a valid state");
    let span = SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, false, state);
    let context = Context::new().with_remote_span_context(span);
    let context = context.with_baggage([KeyValue::new("tenant", "sakura")]);
    let mut headers = HashMap::new();
    valid(&variables).propagator().inject_context(&context, &mut headers);
    let mut names: Vec<_> =
        headers.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name).collect();
    names.sort();
    names
}

#[test]
fn the_headers_are_those_of_the_propagators() {
    let (parent, all) = (["traceparent", "tracestate"], ["baggage", "traceparent", "tracestate"]);
    assert_eq!(written(None), all);
    assert_eq!(written(Some("tracecontext,baggage")), all);
    assert_eq!(written(Some(" Baggage , TraceContext ")), all);
    assert_eq!(written(Some("tracecontext")), parent);
    assert_eq!(written(Some("baggage")), ["baggage"]);
    assert_eq!(written(Some("none")), [""; 0]);
}

#[test]
fn injected_headers_can_be_extracted_again() {
    let propagator = valid(&[]).propagator();
    let span = SpanContext::new(
        TraceId::from(1),
        SpanId::from(2),
        TraceFlags::SAMPLED,
        false,
        TraceState::from_key_value([("vendor", "a")]).expect("a valid state"),
    );
    let context = Context::new().with_remote_span_context(span.clone());
    let context = context.with_baggage([KeyValue::new("tenant", "sakura shop,桜")]);
    let mut headers = HashMap::new();
    propagator.inject_context(&context, &mut headers);

    let read = propagator.extract_with_context(&Context::new(), &headers);
    let found = read.span().span_context().clone();
    assert!(found.is_remote());
    assert_eq!((found.trace_id(), found.span_id()), (span.trace_id(), span.span_id()));
    assert_eq!(found.trace_state().header(), "vendor=a");
    let tenant = read.baggage().get("tenant").map(|tenant| tenant.to_string());
    assert_eq!(tenant.as_deref(), Some("sakura shop,桜"));
}

#[test]
fn headers_are_those_of_the_sdk_without_an_empty_tracestate() {
    for (trace, span, flags) in [
        (1, 2, TraceFlags::SAMPLED),
        (u128::MAX, u64::MAX, TraceFlags::default()),
        (0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, 0x00f0_67aa_0ba9_02b7, TraceFlags::new(3)),
    ] {
        let span =
            SpanContext::new(TraceId::from(trace), SpanId::from(span), flags, false, TraceState::default());
        let context = Context::new().with_remote_span_context(span);
        let (mut ours, mut of_the_sdk) = (HashMap::new(), HashMap::new());
        valid(&[("OTEL_PROPAGATORS", "tracecontext")]).propagator().inject_context(&context, &mut ours);
        TraceContextPropagator::new().inject_context(&context, &mut of_the_sdk);
        assert_eq!(of_the_sdk.remove("tracestate").as_deref(), Some(""));
        assert_eq!(ours, of_the_sdk);
    }
}

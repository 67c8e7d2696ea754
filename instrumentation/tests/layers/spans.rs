//! Spans of `#[tracing::instrument]`.

use instrumentation::json_lines::JsonLines;
use instrumentation::spans;
use opentelemetry::trace::{SpanId, SpanKind, TraceContextExt, Tracer};
use tracing_subscriber::prelude::*;

use crate::json_lines::{Lines, identity};
use crate::support::{Telemetry, attributes};

/// Runs `work` with the layer for this crate, whose name is `layers`.
fn observed(telemetry: &Telemetry, work: impl FnOnce()) {
    let layer = spans::layer(&telemetry.traces, "layers", "1.2.3");
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
}

#[tracing::instrument(name = "handson.book", skip_all, fields(handson.seats = seats))]
fn book(seats: i64) {
    tracing::info!("an event becomes a log record, and no event of the span");
    pay();
}

#[tracing::instrument(name = "handson.pay")]
fn pay() {}

#[test]
fn a_span_has_its_fields_and_nothing_else() {
    let telemetry = Telemetry::new();
    observed(&telemetry, || book(3));
    let spans = telemetry.spans();
    let [pay, book] = spans.as_slice() else { panic!("expected two spans, got {spans:?}") };
    assert_eq!((pay.name.as_ref(), book.name.as_ref()), ("handson.pay", "handson.book"));
    assert_eq!(attributes(&book.attributes), ["handson.seats=3"]);
    assert!(pay.attributes.is_empty(), "{pay:?}");
    assert!(book.events.events.is_empty(), "{book:?}");
    assert_eq!(book.span_kind, SpanKind::Internal);
    assert_eq!(pay.parent_span_id, book.span_context.span_id());
    let scope = &book.instrumentation_scope;
    assert_eq!((scope.name(), scope.version()), ("layers", Some("1.2.3")));
    assert_eq!(scope.schema_url(), Some(instrumentation::SCHEMA_URL));
}

#[test]
fn only_spans_of_the_crate_and_its_modules_are_recorded() {
    let telemetry = Telemetry::new();
    observed(&telemetry, || {
        let _hyper = tracing::error_span!(target: "hyper::client", "of hyper").entered();
        let _similar =
            tracing::error_span!(target: "layers_of_others", "of a crate with a longer name").entered();
        let _detailed = tracing::debug_span!("a detail").entered();
        let _module = tracing::info_span!(target: "layers::deep::inside", "of a module").entered();
        let _crate = tracing::info_span!(target: "layers", "of the crate").entered();
    });
    let spans = telemetry.spans();
    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(names, ["of the crate", "of a module"]);
    assert_eq!(spans[1].parent_span_id, SpanId::INVALID, "spans that are not recorded are not parents");
}

#[test]
fn a_span_is_the_child_of_the_opentelemetry_span_around_it_and_the_parent_of_those_inside() {
    let telemetry = Telemetry::new();
    let tracer = telemetry.tracer();
    observed(&telemetry, || {
        tracer.in_span("request", |_| {
            let _booking = tracing::info_span!("booking").entered();
            tracer.in_span("query", |_| ());
        });
    });
    let spans = telemetry.spans();
    let [query, booking, request] = spans.as_slice() else { panic!("expected three spans, got {spans:?}") };
    assert_eq!(query.parent_span_id, booking.span_context.span_id());
    assert_eq!(booking.parent_span_id, request.span_context.span_id());
    assert_eq!(query.span_context.trace_id(), request.span_context.trace_id());
}

#[test]
fn a_line_inside_a_span_has_its_ids() {
    let telemetry = Telemetry::new();
    let lines = Lines::default();
    let writer = lines.clone();
    let format = JsonLines::new(&identity()).with_span_ids();
    let subscriber = tracing_subscriber::registry()
        .with(spans::layer(&telemetry.traces, "layers", "1.2.3"))
        .with(tracing_subscriber::fmt::layer().event_format(format).with_writer(move || writer.clone()));
    tracing::subscriber::with_default(subscriber, || {
        let _booking = tracing::info_span!("booking").entered();
        tracing::info!("inside");
    });
    let booking = telemetry.span(SpanKind::Internal);
    let line = lines.objects().remove(0);
    assert_eq!(line["trace_id"], booking.span_context.trace_id().to_string());
    assert_eq!(line["span_id"], booking.span_context.span_id().to_string());
}

#[test]
fn the_current_trace_id_is_that_of_the_span_around() {
    let telemetry = Telemetry::new();
    assert_eq!(spans::current_trace_id(), None);
    telemetry.tracer().in_span("request", |context| {
        let expected = context.span().span_context().trace_id().to_string();
        assert_eq!(spans::current_trace_id(), Some(expected));
    });
    assert_eq!(spans::current_trace_id(), None);
}

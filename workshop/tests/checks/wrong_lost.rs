//! Spans and log records that are made, but lost, not sampled, or never ended: the report must not blame the
//! layer that makes them.

use otlp::model::{Span, SpanKind};
use workshop::evidence::Evidence;

use super::{assert_fails, failures, with};

const SERVER: &str = "GET /handson";
const LOST: &str = "lost or not sampled";
const NEVER_ENDED: &str = "that span is started, but never ended";

/// The answer's evidence without the spans that `is_lost` selects. The first span of each run is not lost.
fn without(is_lost: impl Fn(&Span) -> bool) -> Evidence {
    with(|evidence| {
        for run in [&mut evidence.calm, &mut evidence.errors] {
            run.telemetry.spans.retain(|span| !is_lost(span));
        }
    })
}

/// Whether a sampler that decides by the id of a span drops it.
fn is_dropped(span: &Span) -> bool {
    span.span_id.as_bytes()[0].is_multiple_of(2)
}

fn is_call(span: &Span) -> bool {
    span.kind == SpanKind::Client && span.attributes.get("url.full").is_some()
}

#[test]
fn spans_of_each_kind_that_a_sampler_drops_are_reported_as_lost() {
    let wrong = without(|span| span.name == SERVER && is_dropped(span));
    assert_fails("server-spans", &wrong, LOST);
    assert!(!failures("server-spans", &wrong).contains("set it when the span is built"));
    let wrong = without(|span| is_call(span) && is_dropped(span));
    assert_fails("client-spans", &wrong, LOST);
    assert!(!failures("client-spans", &wrong).contains("Add the middleware"));
    let wrong = without(|span| span.name == "SELECT users" && is_dropped(span));
    assert_fails("db-spans", &wrong, LOST);
    assert!(!failures("db-spans", &wrong).contains("without the request's context"));
    let wrong = without(|span| span.name == "handson.dbQuery" && is_dropped(span));
    assert_fails("db-spans", &wrong, LOST);
    assert!(failures("log-correlation", &wrong).contains(LOST));
    let wrong = without(|span| span.name == "handson.randomError" && is_dropped(span));
    assert!(failures("errors", &wrong).contains("Other requests have this span"));
}

#[test]
fn a_request_without_any_span_among_others_with_spans_is_reported_as_lost() {
    let id = &super::recording::right().calm.exchanges[3].parent.clone().unwrap().trace_id;
    let wrong = without(|span| span.trace_id == *id);
    assert!(failures("server-spans", &wrong).contains("Other requests have this span"));
}

#[test]
fn a_lost_span_that_a_line_names_is_reported_as_lost() {
    // Neither the span nor its child arrived.
    let wrong = without(|span| {
        ["handson.dbQuery", "SELECT users"].contains(&span.name.as_str()) && {
            let id = &super::recording::right().calm.exchanges[3].parent.as_ref().unwrap().trace_id;
            span.trace_id == *id
        }
    });
    let reported = failures("log-correlation", &wrong);
    assert!(reported.contains("Other requests have this span"), "{reported}");
}

#[test]
fn spans_of_each_kind_that_are_never_ended_are_reported() {
    let wrong = without(|span| span.name == SERVER);
    assert_fails("server-spans", &wrong, NEVER_ENDED);
    let wrong = without(is_call);
    assert_fails("client-spans", &wrong, "the span of the call is started, but never ended");
    let wrong = without(|span| span.name == "handson.dbQuery");
    assert_fails("db-spans", &wrong, NEVER_ENDED);
    assert!(failures("log-correlation", &wrong).contains(NEVER_ENDED));
}

#[test]
fn the_spans_of_cancelled_calls_that_are_never_ended_are_reported() {
    let right = super::recording::right();
    let failed: Vec<&str> = right
        .errors
        .upstream
        .iter()
        .filter(|call| call.status == 503)
        .filter_map(|call| Some(call.traceparent()?.0))
        .collect();
    let first = |id: &str| right.errors.upstream.iter().find(|call| call.traceparent().unwrap().0 == id);
    let wrong = without(|span| {
        let is_first =
            first(&span.trace_id).is_some_and(|call| call.traceparent().unwrap().1 == span.span_id);
        failed.contains(&span.trace_id.as_str()) && is_call(span) && span.name != "POST" && !is_first
    });
    let reported = failures("client-spans", &wrong);
    assert!(
        reported.contains("End it on every path, also when the call fails or is cancelled"),
        "{reported}"
    );
}

#[test]
fn log_records_that_are_lost_at_the_end_are_reported() {
    let words = "shut the logger provider down when requests are over";
    let wrong = with(|evidence| {
        let records = &mut evidence.errors.telemetry.log_records;
        let middle = records[records.len() / 2].when();
        records.retain(|record| record.when() < middle);
    });
    assert_fails("log-correlation", &wrong, words);
    // The calm run is shorter than the delay of the processor.
    let wrong = with(|evidence| evidence.calm.telemetry.log_records.clear());
    assert_fails("log-correlation", &wrong, words);
    // Only records without a query are lost.
    let wrong = with(|evidence| {
        let records = &mut evidence.errors.telemetry.log_records;
        let errors = records.iter().filter(|record| record.severity_number >= 17);
        let last = errors.map(|record| record.when()).max().unwrap();
        records.retain(|record| record.when() < last);
    });
    assert_fails("log-correlation", &wrong, words);
}

//! Spans that the program makes, but that do not arrive: they are lost, not sampled, or never ended.
//!
//! Without this, a check would report that the layer which makes them is missing.

use std::collections::BTreeSet;

use super::{Served, trace_id_of};
use crate::evidence::{Exchange, Run, UpstreamCall};
use crate::messages::Message;
use crate::text;
use otlp::model::{Span, Trace};

/// Why a span of this request is missing, if another span names it as its parent; `None` if none does.
pub(in crate::checks) fn cause_of_lost_parent(
    run: &Run,
    exchange: &Exchange,
    trace: &Trace<'_>,
) -> Option<Message> {
    let caller = exchange.parent.as_ref().map(|parent| parent.span_id.as_str());
    let is_local = |span: &&Span| span.parent_span_id.as_deref() != caller;
    trace.spans.iter().copied().filter(is_local).find_map(|span| cause_for(run, span))
}

/// The same for the spans above one span.
pub(in crate::checks) fn cause_of_lost_parent_of(served: &Served<'_>, span: &Span) -> Option<Message> {
    let above = std::iter::successors(Some(span), |span| served.trace.parent(span));
    // There are at most as many ancestors as spans; ids that form a cycle would never end.
    let top = above.take(served.trace.spans.len()).last()?;
    (top.span_id != served.server.span_id).then(|| cause_for(served.run, top))?
}

/// Why the CLIENT span of a call is missing, if the `traceparent` of a call names a span of this request that
/// was not received.
pub(in crate::checks) fn cause_of_lost_call(served: &Served<'_>) -> Option<Message> {
    let run = served.run;
    let received = received(run);
    let requests: BTreeSet<&str> = run.exchanges.iter().filter_map(trace_id_of).collect();
    let is_lost = |call: &&UpstreamCall| {
        call.traceparent().is_some_and(|(trace, span)| requests.contains(trace) && !received.contains(span))
    };
    let is_own = |call: &&UpstreamCall| call.traceparent().is_some_and(|(trace, _)| trace == served.trace.id);
    let lost = run.upstream.iter().find(|call| is_own(call) && is_lost(call))?;
    let (method, path) = (&lost.method, &lost.path);
    let span = lost.traceparent().map(|(_, span)| span).unwrap_or_default();
    // A call may also be cancelled, and its span forgotten.
    if served.cancelled(lost) || run.upstream.iter().all(|call| is_lost(&call)) {
        return Some(text!(
            "{method} {path} carried the span {span}, which was not received: the span of the call is started, but never ended, and only a \
             span that has ended is exported. End it on every path, also when the call fails or is cancelled.",
            method,
            path,
            span
        ));
    }
    Some(text!(
        "{method} {path} carried the span {span}, which was not received, although those of other calls were: spans are lost or not \
         sampled. {where_to_look}",
        method,
        path,
        span,
        where_to_look = where_spans_are_lost()
    ))
}

/// Why a span that no other span names is missing in one request, if other requests have theirs.
pub(in crate::checks) fn lost_or_not_sampled() -> Message {
    text!(
        "Other requests have this span, so it is made, but lost or not sampled. {where_to_look}",
        where_to_look = where_spans_are_lost()
    )
}

/// Whether the parent of `span` was not received; if so, why.
fn cause_for(run: &Run, span: &Span) -> Option<Message> {
    let (name, parent) = (&span.name, span.parent_span_id.as_deref()?);
    let received = received(run);
    if received.contains(parent) {
        return None;
    }
    let mut same = run.telemetry.spans.iter().filter(|other| other.name == span.name);
    // If the parents of all spans of this name are missing, they are most likely never ended.
    if same.all(|other| other.parent_span_id.as_deref().is_some_and(|parent| !received.contains(parent))) {
        return Some(text!(
            "{name} names the parent {parent}, which was not received, and no such parent was in any request: that span is started, but never \
             ended, and only a span that has ended is exported. End it on every path, also when its work fails.",
            name,
            parent
        ));
    }
    Some(text!(
        "{name} names the parent {parent}, which was not received, although those of other requests were: spans are lost or not sampled. \
         {where_to_look}",
        name,
        parent,
        where_to_look = where_spans_are_lost()
    ))
}

fn where_spans_are_lost() -> Message {
    text!(
        "Is there a sampler that decides for itself and not by the parent (OTEL_TRACES_SAMPLER), a queue that is too small \
         (OTEL_BSP_MAX_QUEUE_SIZE), or is the provider shut down before the span has ended?"
    )
}

/// The ids of all spans that were received.
fn received(run: &Run) -> BTreeSet<&str> {
    run.telemetry.spans.iter().map(|span| span.span_id.as_str()).collect()
}

//! The traces of SERVER spans: each request has its own, or that of its caller.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::assert::{Check, each, ensure};
use crate::checks::requests::{strays, trace_id_of, tree};
use crate::evidence::Run;
use crate::messages::Message;
use crate::text;
use crate::verdict::{Expectation, Failure};
use otlp::model::{Span, SpanKind};

/// The failure if SERVER spans arrive, but none continues a trace: most likely there is no propagator.
pub(super) fn no_continued_trace(run: &Run) -> Option<Expectation> {
    let servers = || run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Server);
    let ours =
        |id: &str| run.exchanges.iter().filter_map(|e| e.parent.as_ref()).any(|parent| parent.trace_id == id);
    let first = servers().next()?;
    if servers().any(|span| ours(&span.trace_id)) {
        return None;
    }
    let cause = cause_of_current_span(run).unwrap_or_else(|| {
        text!(
            "Each request starts a separate trace: give the layer a propagator (with_propagator), or extract the parent from \
             the request's headers yourself."
        )
    });
    Some(Expectation::new(
        text!("the SERVER span continues the trace that the caller's traceparent names"),
        Err(Failure::new(tree(&run.telemetry.trace(&first.trace_id)), cause)),
    ))
}

/// Every SERVER span must belong to a request of the run, or to one that somebody else sent.
pub(super) fn is_made_by_a_request(run: &Run) -> Check {
    let traces: BTreeSet<&str> = run.exchanges.iter().filter_map(trace_id_of).collect();
    let servers = run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Server);
    let strays: BTreeSet<&str> = strays(run).into_iter().map(|span| span.span_id.as_str()).collect();
    each(servers, |server| {
        ensure!(
            traces.contains(server.trace_id.as_str()) || strays.contains(server.span_id.as_str()),
            text!(
                "{name} in the trace {id}, which is not the trace of a request",
                name = &server.name,
                id = &server.trace_id
            ),
            text!("Each received request creates one SERVER span, and nothing else creates one.")
        );
        Ok(())
    })
}

/// The cause if several requests have the same parent, which is not the span of a caller: it is current while
/// they arrive.
pub(super) fn cause_of_current_span(run: &Run) -> Option<Message> {
    let callers: BTreeSet<&str> = run
        .exchanges
        .iter()
        .filter_map(|exchange| Some(exchange.parent.as_ref()?.span_id.as_str()))
        .collect();
    let servers = || run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Server);
    let own: BTreeSet<&str> = servers().map(|span| span.span_id.as_str()).collect();
    let mut children: BTreeMap<&str, usize> = BTreeMap::new();
    for parent in servers().filter_map(|span| span.parent_span_id.as_deref()) {
        *children.entry(parent).or_default() += 1;
    }
    let (parent, count) = children
        .into_iter()
        .find(|(parent, count)| *count > 1 && !callers.contains(parent) && !own.contains(parent))?;
    let name = run.telemetry.spans.iter().find(|span| span.span_id == parent);
    let name = name.map_or(parent, |span| span.name.as_str());
    Some(text!(
        "{count} requests have the same parent, {name}, which is not a span of a caller: that span is current outside of requests, such as one \
         around all of main. End it before the server accepts requests; without traceparent, the span of a request is a root.",
        count,
        name
    ))
}

/// Whether the SERVER spans of one trace ran one after the other, as those of several requests do, but not
/// those of two layers.
pub(super) fn shares_a_trace(run: &Run) -> bool {
    let servers: Vec<&Span> =
        run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Server).collect();
    servers
        .iter()
        .any(|one| servers.iter().any(|other| one.trace_id == other.trace_id && one.end < other.start))
}

//! The requests of a run, each with its trace.

mod lost;
mod strays;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::assert::{Check, fail};
use crate::evidence::{Evidence, Exchange, Purpose, Run, Unusual, UpstreamCall};
use crate::messages::Message;
use crate::text;
use crate::verdict::{Expectation, Failure};
use otlp::model::{Span, SpanKind, Telemetry, Trace};

pub(super) use lost::{
    cause_of_lost_call, cause_of_lost_parent, cause_of_lost_parent_of, lost_or_not_sampled,
};
pub(super) use strays::{advice_about_strays, are_values_of_strays, methods_of_strays, strays};

/// Allowed difference between the clock of the service and ours, in nanoseconds.
pub(super) const CLOCK_TOLERANCE: u64 = 2_000_000;
/// Allowed difference between two spans of one process whose clock has a resolution of nanoseconds or
/// microseconds.
const SPAN_TOLERANCE: u64 = 20_000;
/// Some SDKs read the start of a span with a resolution of milliseconds.
pub(super) const COARSE_GRAIN: u64 = 1_000_000;
/// Another thread may end a span, which takes longer on a busy machine.
const END_TOLERANCE: u64 = 50_000_000;

/// The id of the trace of a request: from the `traceparent` that it carried, otherwise from the response.
pub(super) fn trace_id_of(exchange: &Exchange) -> Option<&str> {
    let named = || exchange.answer.as_ref().ok()?.header("traceresponse")?.split('-').nth(1);
    exchange.parent.as_ref().map(|parent| parent.trace_id.as_str()).or_else(named)
}

/// The failure of a request whose trace is unknown.
pub(super) fn no_traceresponse() -> Check {
    fail(
        text!("a request without traceparent was answered without traceresponse"),
        text!("Set the header traceresponse in every response, to the ids of the SERVER span."),
    )
}

/// The answered requests to `/handson` of both runs, each with its trace and its SERVER span. Step 3 reports
/// those without one.
pub(super) fn served<'a>(evidence: &'a Evidence) -> impl Iterator<Item = Served<'a>> {
    served_in(&evidence.calm).chain(served_in(&evidence.errors))
}

/// The same for one run.
pub(super) fn served_in<'a>(run: &'a Run) -> impl Iterator<Item = Served<'a>> {
    let ids = Rc::new(Ids::from_run(run));
    run.exchanges.iter().enumerate().filter(|(_, exchange)| exchange.path == "/handson").filter_map(
        move |(index, exchange)| {
            let trace = ids.trace_of(exchange)?;
            let server = trace.of_kind(SpanKind::Server).into_iter().next()?;
            let status = exchange.answer.as_ref().ok()?.status;
            Some(Served { run, index, exchange, status, trace, server, ids: Rc::clone(&ids) })
        },
    )
}

/// Spans and calls of a run by their ids.
pub(super) struct Ids<'a> {
    /// By trace id.
    spans: BTreeMap<&'a str, Vec<&'a Span>>,
    /// By trace id and span id of `traceparent`.
    calls: BTreeMap<(&'a str, &'a str), &'a UpstreamCall>,
}

impl<'a> Ids<'a> {
    /// The trace of a request; it has no spans if none was received.
    pub(super) fn trace_of(&self, exchange: &Exchange) -> Option<Trace<'a>> {
        let id = trace_id_of(exchange)?;
        Some(Trace::new(id, self.spans.get(id).into_iter().flatten().copied()))
    }

    /// Whether a trace has a SERVER span.
    pub(super) fn has_server_spans(&self) -> bool {
        self.spans.values().flatten().any(|span| span.kind == SpanKind::Server)
    }

    pub(super) fn from_run(run: &'a Run) -> Self {
        let mut spans: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
        for span in &run.telemetry.spans {
            spans.entry(&span.trace_id).or_default().push(span);
        }
        let mut calls = BTreeMap::new();
        for call in &run.upstream {
            if let Some(ids) = call.traceparent() {
                calls.entry(ids).or_insert(call);
            }
        }
        Self { spans, calls }
    }
}

/// A request that was traced.
pub(super) struct Served<'a> {
    pub(super) run: &'a Run,
    pub(super) index: usize,
    pub(super) exchange: &'a Exchange,
    pub(super) status: u16,
    pub(super) trace: Trace<'a>,
    pub(super) server: &'a Span,
    ids: Rc<Ids<'a>>,
}

impl<'a> Served<'a> {
    /// The call of httpbin whose `traceparent` names this span.
    pub(super) fn call_of(&self, span: &Span) -> Option<&'a UpstreamCall> {
        self.ids.calls.get(&(span.trace_id.as_str(), span.span_id.as_str())).copied()
    }

    /// Whether httpbin failed one of its calls, so that the other calls were cancelled and nothing came after
    /// them.
    pub(super) fn stopped_at_httpbin(&self) -> bool {
        self.exchange.purpose == Purpose::UpstreamFails
    }

    /// Whether this call may have been cancelled before it was answered, because another one failed.
    pub(super) fn cancelled(&self, call: &UpstreamCall) -> bool {
        let first = self.run.upstream_of(self.index).map(|call| call.arrived).min();
        self.stopped_at_httpbin() && call.status < 400 && Some(call.arrived) != first
    }
}

/// Whether a request failed because its query did.
pub(super) fn fails_at_the_query(served: &Served<'_>) -> bool {
    served.exchange.purpose == Purpose::Unusual(Unusual::DatabaseFails)
}

/// The error type of a request of the run with errors, if it fails.
pub(super) fn kind_of_failure(exchange: &Exchange) -> &'static str {
    if exchange.purpose == Purpose::UpstreamFails { "HttpbinError" } else { "RandomError" }
}

/// The trace as a tree. It is not translated.
pub(super) fn tree(trace: &Trace<'_>) -> Message {
    Message::verbatim(trace.tree())
}

/// The allowed difference between the times of two spans, from the resolution of their clocks.
pub(super) fn span_tolerance(one: &Span, other: &Span) -> u64 {
    let is_coarse = |span: &Span| span.start.is_multiple_of(COARSE_GRAIN);
    SPAN_TOLERANCE + if is_coarse(one) || is_coarse(other) { COARSE_GRAIN } else { 0 }
}

/// The only expectation of a step that needs SERVER spans, if there are none.
pub(super) fn no_server_spans(evidence: &Evidence) -> Option<Expectation> {
    served(evidence).next().is_none().then(|| {
        Expectation::new(
            text!("a trace with a SERVER span for each request, as of step server-spans"),
            Err(spans_received(&evidence.calm.telemetry)),
        )
    })
}

/// What was received at all, and why an expected span may be missing.
pub(super) fn spans_received(telemetry: &Telemetry) -> Failure {
    if let Some(refused) = telemetry.refused.first() {
        return Failure::new(
            text!("no span; the receiver refused {refused}", refused),
            text!(
                "The exporter sends to an address that is not an OTLP endpoint. Over HTTP, a complete endpoint ends in /v1/traces; \
                 OTEL_EXPORTER_OTLP_ENDPOINT is a base, to which the SDK adds that path."
            ),
        );
    }
    let Some(first) = telemetry.spans.first() else {
        return Failure::new(
            text!("no span was received at all"),
            text!(
                "Nothing was exported. Is there a tracer provider with an OTLP exporter, does the exporter read \
                 OTEL_EXPORTER_OTLP_ENDPOINT, and is the provider shut down before the process ends? A provider that is \
                 merely dropped, or an exporter shut down alone, loses what waits in the queue."
            ),
        );
    };
    let (count, tree) = (telemetry.spans.len(), telemetry.trace(&first.trace_id).tree());
    Failure::new(
        text!("{count} spans were received, such as\n{tree}", count, tree),
        text!("Spans arrive, but not this one: is it made at all, under this name, for every request?"),
    )
}

/// The span must be below the SERVER span of its request, and within the time of its parent.
pub(super) fn is_in_place(served: &Served<'_>, span: &Span) -> Check {
    let parent = served.trace.parent(span).filter(|_| served.trace.is_below(span, served.server));
    match parent {
        Some(parent) => is_within(&served.trace, span, parent),
        None => Err(Failure::new(
            text!("{name} is not below GET /handson\n{tree}", name = &span.name, tree = served.trace.tree()),
            cause_of_lost_parent_of(served, span).unwrap_or_else(|| text!(
                "The context was lost on the way, over try_join! or spawn: a guard that is held over an .await, or a span entered \
                 in another task. Instrument the future instead."
            )),
        )),
    }
}

/// The span must be within the time of the span around it.
pub(super) fn is_within(trace: &Trace<'_>, span: &Span, around: &Span) -> Check {
    if span.start > span.end {
        let (name, tree) = (&span.name, trace.tree());
        return Err(Failure::new(
            text!("{name} ends before it starts\n{tree}", name, tree),
            text!(
                "Start and end of a span are read from one clock: when the work begins, and when it is done."
            ),
        ));
    }
    let tolerance = span_tolerance(span, around);
    if span.start.saturating_add(tolerance) >= around.start
        && span.start <= around.end.saturating_add(tolerance)
        && span.end <= around.end.saturating_add(END_TOLERANCE)
        && (span.start < around.end || around.duration() > 0)
    {
        return Ok(());
    }
    let (name, outer, tree) = (&span.name, &around.name, trace.tree());
    Err(Failure::new(
        text!("{name} is not within the time of {outer}\n{tree}", name, outer, tree),
        text!(
            "A span lasts as long as its work, and the span around it lasts longer: {outer} must be started before {name} and \
             be ended after it.",
            outer,
            name
        ),
    ))
}

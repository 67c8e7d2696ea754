//! The spans that show a fault.

use otlp::model::{Span, StatusCode};

use super::evidence::{Call, Evidence, Signal, called_path, is_query, served_path};
use super::fault::{Fault, Plan};

/// Shorter waits are usual on a busy machine.
const SLOW_QUERY: u64 = 250_000_000;
const SLOW_ANSWER: u64 = 400_000_000;
const WAIT_FOR_CONNECTION: u64 = 200_000_000;
/// The time between two computers that is no skew.
const USUAL_SKEW: u64 = 1_000_000_000;

/// One time at which a fault showed.
pub struct Incident<'a> {
    /// When, by the clock of the service, in nanoseconds since 1970.
    pub at: u64,
    /// The spans that show it; there is at least one.
    pub spans: Vec<&'a Span>,
}

impl<'a> Incident<'a> {
    fn of_call(call: Call<'a>) -> Self {
        let at = call.span.start;
        Self { at, spans: std::iter::once(call.span).chain(call.served).collect() }
    }

    /// The trace to open.
    pub fn trace(&self) -> Option<&'a str> {
        self.spans.first().map(|span| span.trace_id.as_str())
    }
}

/// What a fault needs in the telemetry, so that it can be seen.
pub fn needs(fault: Fault) -> &'static [Signal] {
    match fault {
        Fault::SlowQuery => &[Signal::Queries],
        Fault::FlakyUpstream => &[Signal::Calls],
        Fault::SlowUpstream | Fault::Pool | Fault::RetryStorm | Fault::LostContext | Fault::ClockSkew => {
            &[Signal::Calls, Signal::Served, Signal::Linked]
        }
    }
}

/// The first signal that a fault needs and that is missing.
pub fn missing(fault: Fault, evidence: &Evidence) -> Option<Signal> {
    needs(fault).iter().copied().find(|signal| !evidence.has(*signal))
}

/// The times at which the fault of the plan showed since `began`, earliest first.
pub fn incidents<'a>(plan: &Plan, evidence: &'a Evidence, began: u64) -> Vec<Incident<'a>> {
    let calls = || evidence.calls().into_iter().filter(move |call| call.span.start >= began);
    let of_the_endpoint = |call: &Call| call.path == plan.endpoint;
    match plan.fault {
        Fault::SlowQuery => {
            let queries = evidence.queries().filter(|query| query.end >= began && waits_for_lock(query));
            let with_parent = queries.map(|query| {
                let parent = evidence.parent(query).filter(|parent| evidence.is_around_a_query(parent));
                Incident { at: query.start, spans: std::iter::once(query).chain(parent).collect() }
            });
            with_parent.collect()
        }
        Fault::SlowUpstream => calls()
            .filter(|call| of_the_endpoint(call) && is_served_late(call))
            .map(Incident::of_call)
            .collect(),
        Fault::Pool => calls().filter(waits_for_connection).map(Incident::of_call).collect(),
        Fault::RetryStorm => {
            calls().filter(|call| of_the_endpoint(call) && is_repeated(call)).map(Incident::of_call).collect()
        }
        Fault::LostContext => {
            let roots: Vec<&Span> = evidence
                .served()
                .filter(|span| is_orphan(span) && served_path(span) == Some(plan.endpoint))
                .collect();
            let alone = calls().filter(|call| of_the_endpoint(call) && call.served.is_empty());
            let with_root = alone.filter_map(|call| {
                let during = call.span.start..=call.span.end;
                let root = roots.iter().find(|root| during.contains(&root.start))?;
                Some(Incident { at: call.span.start, spans: vec![call.span, root] })
            });
            with_root.collect()
        }
        Fault::ClockSkew => {
            let skewed = calls().filter(is_skewed);
            skewed.map(|call| Incident { at: call.span.start, spans: call.served }).collect()
        }
        Fault::FlakyUpstream => {
            calls().filter(|call| of_the_endpoint(call) && is_refused(call)).map(Incident::of_call).collect()
        }
    }
}

/// Whether a span is at the place that the fault of the plan breaks, whether it shows it or not.
pub fn is_at_the_place(plan: &Plan, evidence: &Evidence, span: &Span) -> bool {
    let path = || called_path(span).or_else(|| served_path(span));
    match plan.fault {
        Fault::SlowQuery => is_query(span) || evidence.is_around_a_query(span),
        Fault::Pool => path().is_some(),
        Fault::ClockSkew => served_path(span).is_some(),
        Fault::SlowUpstream | Fault::RetryStorm | Fault::LostContext | Fault::FlakyUpstream => {
            path() == Some(plan.endpoint)
        }
    }
}

/// A driver without a timeout for locks fails at once, instead of waiting.
fn waits_for_lock(query: &Span) -> bool {
    query.duration() >= SLOW_QUERY || query.status == StatusCode::Error
}

fn is_served_late(call: &Call) -> bool {
    call.span.duration() >= SLOW_ANSWER && call.served.iter().any(|span| span.duration() >= SLOW_ANSWER)
}

fn waits_for_connection(call: &Call) -> bool {
    wait(call).is_some_and(|wait| wait >= WAIT_FOR_CONNECTION)
}

/// How much longer a call took than httpbin worked on it; `None` if httpbin has no span of it.
pub(super) fn wait(call: &Call) -> Option<u64> {
    let first = call.served.iter().map(|span| span.start).min()?;
    let last = call.served.iter().map(|span| span.end).max()?;
    Some(call.span.duration().saturating_sub(last.saturating_sub(first)))
}

/// Whether httpbin was called more than once.
pub(super) fn is_repeated(call: &Call) -> bool {
    call.served.len() > 1
}

/// Whether a span of httpbin begins a trace of its own.
pub(super) fn is_orphan(served: &Span) -> bool {
    served.parent_span_id.is_none()
}

/// Whether httpbin began before the call or after it.
pub(super) fn is_skewed(call: &Call) -> bool {
    let during = call.span.start.saturating_sub(USUAL_SKEW)..=call.span.end.saturating_add(USUAL_SKEW);
    call.served.first().is_some_and(|served| !during.contains(&served.start))
}

/// Whether the answer was a 5xx.
pub(super) fn is_refused(call: &Call) -> bool {
    let status = |key| call.span.attributes.int(key);
    let status = status("http.response.status_code").or_else(|| status("http.status_code"));
    status.is_some_and(|status| status >= 500)
}

//! What the telemetry says against a fault: a measurement of what the fault would change, and a trace.

use otlp::model::Span;

use super::evidence::{Call, Evidence};
use super::fault::Fault;
use super::incident::{is_orphan, is_refused, is_repeated, is_skewed, wait};
use super::judge::duration;
use crate::messages::Message;
use crate::text;

/// Of the values since the start of the fault, the one that 9 of 10 do not exceed is compared: single slow
/// spans are usual on a busy machine.
const PERCENTILE: usize = 90;

/// The measurement, and the id of a trace with a typical value.
pub(super) fn contradiction(fault: Fault, evidence: &Evidence, began: u64) -> (Message, Option<String>) {
    let calls = evidence.calls();
    let recent: Vec<&Call> = calls.iter().filter(|call| call.span.start >= began).collect();
    match fault {
        Fault::SlowQuery => {
            let queries = evidence.queries().map(|query| Value::new(query, query.duration()));
            let Compared { now, before, trace } = Compared::new(queries, began);
            (text!("9 of 10 queries take at most {now} now; at first it was {before}", now, before), trace)
        }
        Fault::SlowUpstream => {
            let served = calls.iter().flat_map(|call| {
                let at = call.span.start;
                call.served.iter().map(move |span| Value { at, ..Value::new(span, span.duration()) })
            });
            let Compared { now, before, trace } = Compared::new(served, began);
            (
                text!(
                    "9 of 10 spans of httpbin itself take at most {now} now; at first it was {before}",
                    now,
                    before
                ),
                trace,
            )
        }
        Fault::Pool => {
            let waits = calls.iter().filter_map(|call| Some(Value::new(call.span, wait(call)?)));
            let Compared { now, before, trace } = Compared::new(waits, began);
            (
                text!(
                    "9 of 10 calls take at most {now} longer than httpbin works on them; at first it was {before}",
                    now,
                    before
                ),
                trace,
            )
        }
        Fault::RetryStorm => {
            let served: Vec<&Call> = recent.into_iter().filter(|call| !call.served.is_empty()).collect();
            let (n, count, trace) = shares(&served, |call| is_repeated(call), |call| &call.span.trace_id);
            (text!("{n} of {count} calls have more than one span of httpbin below them", n, count), trace)
        }
        Fault::LostContext => {
            // From the beginning, because the clock of httpbin may be wrong.
            let served: Vec<&Span> = evidence.served().collect();
            let (n, count, trace) = shares(&served, is_orphan, |span| &span.trace_id);
            (text!("{n} of {count} spans of httpbin have no parent", n, count), trace)
        }
        Fault::ClockSkew => {
            let served: Vec<&Call> = recent.into_iter().filter(|call| !call.served.is_empty()).collect();
            let (n, count, trace) = shares(&served, |call| is_skewed(call), |call| &call.span.trace_id);
            (
                text!(
                    "{n} of {count} spans of httpbin began before or after the span of their call",
                    n,
                    count
                ),
                trace,
            )
        }
        Fault::FlakyUpstream => {
            let (n, count, trace) = shares(&recent, |call| is_refused(call), |call| &call.span.trace_id);
            (text!("{n} of {count} calls of httpbin were answered with a 5xx", n, count), trace)
        }
    }
}

/// How many of `all` show something, how many there are, and the trace of the newest that does not.
fn shares<'a, T>(
    all: &[&'a T],
    shows: impl Fn(&T) -> bool,
    trace: impl Fn(&'a T) -> &'a String,
) -> (usize, usize, Option<String>) {
    let showing = all.iter().filter(|one| shows(one)).count();
    let other = all.iter().rev().find(|one| !shows(one)).or(all.last());
    (showing, all.len(), other.map(|one| trace(one).clone()))
}

/// A duration that was measured.
struct Value<'a> {
    at: u64,
    nanoseconds: u64,
    trace: &'a str,
}

impl<'a> Value<'a> {
    fn new(span: &'a Span, nanoseconds: u64) -> Self {
        Self { at: span.start, nanoseconds, trace: &span.trace_id }
    }
}

/// The percentile since the start of the fault, and before, as texts.
struct Compared {
    now: String,
    before: String,
    /// The trace of the first.
    trace: Option<String>,
}

impl Compared {
    fn new<'a>(values: impl Iterator<Item = Value<'a>>, began: u64) -> Self {
        let (mut now, mut before): (Vec<_>, Vec<_>) = values.partition(|value| value.at >= began);
        let (now, before) = (percentile(&mut now), percentile(&mut before));
        // The console drops the oldest spans first, so there may be none from before.
        let text =
            |value: Option<&Value>| value.map_or("–".to_owned(), |value| duration(value.nanoseconds));
        Self { now: text(now), before: text(before), trace: now.map(|value| value.trace.to_owned()) }
    }
}

fn percentile<'v, 'a>(values: &'v mut [Value<'a>]) -> Option<&'v Value<'a>> {
    values.sort_by_key(|value| value.nanoseconds);
    values.get((values.len() * PERCENTILE / 100).min(values.len().saturating_sub(1)))
}

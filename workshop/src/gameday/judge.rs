//! Compares an answer with the telemetry. The judge knows what was broken, and since when, and says of each
//! part of the answer whether it is right, or what contradicts it, but not what is right instead.

use std::time::Duration;

use otlp::model::{StatusCode, now};

use super::answer::{Answer, utc};
use super::contradiction::contradiction;
use super::evidence::Evidence;
use super::incident::{Incident, incidents, is_at_the_place, missing};
use super::{GameDay, place, reveal};
use crate::messages::Message;
use crate::text;

/// How much earlier or later an answer may be. Charts show intervals of five seconds.
const TOLERANCE: u64 = Duration::from_secs(10).as_nanos() as u64;
/// After this time, a fault that does not show cannot reach the service.
const SHOWS_WITHIN: u64 = Duration::from_secs(60).as_nanos() as u64;

/// What the judge says about one part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is right.
    pub right: bool,
    /// What the telemetry shows.
    pub text: Message,
    /// The id of a trace that shows it.
    pub trace: Option<String>,
}

impl Finding {
    /// Without a trace, which could give away the other parts of the answer.
    pub(super) fn right(text: Message) -> Self {
        Self { right: true, text, trace: None }
    }

    pub(super) fn wrong(text: Message, trace: Option<&str>) -> Self {
        Self { right: false, text, trace: trace.map(str::to_owned) }
    }
}

/// What the judge says about an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The telemetry does not show the fault, for this reason.
    NotShown(Message),
    /// What it shows.
    Judged {
        /// About what is broken.
        what: Finding,
        /// About where.
        place: Finding,
        /// About since when.
        since: Finding,
        /// If all are right: the fault, and how to find it.
        reveal: Vec<Message>,
    },
}

impl GameDay {
    /// Judges an answer by the telemetry.
    pub fn judge(&self, answer: &Answer, evidence: &Evidence) -> Judgement {
        let Some(began) = self.began() else { return not_yet(evidence) };
        if let Some(signal) = missing(self.plan.fault, evidence) {
            let (signal, step) = signal.describe();
            return Judgement::NotShown(text!(
                "The telemetry of this service cannot show what is broken: it has no {signal}. The step {step} gives them.",
                signal,
                step
            ));
        }
        let incidents = incidents(&self.plan, evidence, began);
        let (Some(first), Some(last)) = (incidents.first(), incidents.last()) else {
            if now() < began + SHOWS_WITHIN {
                return not_yet(evidence);
            }
            return Judgement::NotShown(text!(
                "Something is broken, but it does not reach this service: does it get requests, and does it use HTTPBIN_URL and DATABASE_URL?"
            ));
        };
        let what = self.judge_what(answer, evidence, &incidents, began);
        let place = place::judge(&answer.place, &self.plan, evidence, &incidents);
        let since = self.judge_since(answer, evidence, &incidents, began);
        let is_right = what.right && place.right && since.right;
        let reveal = if is_right { reveal::reveal(self, evidence, first, last) } else { Vec::new() };
        Judgement::Judged { what, place, since, reveal }
    }

    fn judge_what(
        &self,
        answer: &Answer,
        evidence: &Evidence,
        incidents: &[Incident],
        began: u64,
    ) -> Finding {
        if answer.what == self.plan.fault {
            return Finding::right(text!(
                "the telemetry has shown it {count} times",
                count = incidents.len()
            ));
        }
        if let Some(signal) = missing(answer.what, evidence) {
            let (signal, step) = signal.describe();
            return Finding::wrong(
                text!(
                    "the telemetry of this service cannot show it: it has no {signal}, which the step {step} gives",
                    signal,
                    step
                ),
                None,
            );
        }
        let (text, trace) = contradiction(answer.what, evidence, began);
        Finding::wrong(text, trace.as_deref())
    }

    fn judge_since(
        &self,
        answer: &Answer,
        evidence: &Evidence,
        incidents: &[Incident],
        began: u64,
    ) -> Finding {
        let since = answer.since.within(&(self.started.saturating_sub(TOLERANCE)..=now()));
        let first = incidents.first().map_or(began, |incident| incident.at);
        if since > first.max(began) + TOLERANCE {
            // The last one before that time, and not the first of all, which would be the answer.
            let earlier = incidents.iter().rev().find(|incident| incident.at < since);
            return Finding::wrong(
                text!("it has shown before {time}, for example in this trace", time = utc(since)),
                earlier.and_then(Incident::trace),
            );
        }
        if since + TOLERANCE < began {
            let between = since..began;
            let healthy = evidence
                .spans()
                .find(|span| between.contains(&span.start) && is_at_the_place(&self.plan, evidence, span));
            return Finding::wrong(
                match healthy {
                    Some(_) => text!(
                        "this trace began after {time}, and nothing in it is unusual: it began later",
                        time = utc(since)
                    ),
                    None => text!("nothing had arrived yet at {time}", time = utc(since)),
                },
                healthy.map(|span| span.trace_id.as_str()),
            );
        }
        Finding::right(text!("{time} is within 10 s of the first time it showed", time = utc(since)))
    }
}

fn not_yet(evidence: &Evidence) -> Judgement {
    let requests = evidence.requests().count();
    let failed = evidence.requests().filter(|request| request.status == StatusCode::Error).count();
    Judgement::NotShown(text!(
        "Nothing in the telemetry is unusual yet: {requests} requests, {failed} of them failed. Keep watching.",
        requests,
        failed
    ))
}

/// A duration with three digits: `51.2 ms`.
pub(super) fn duration(nanoseconds: u64) -> String {
    let milliseconds = nanoseconds as f64 / 1e6;
    match milliseconds {
        ms if ms >= 1_000.0 => format!("{:.2} s", ms / 1_000.0),
        ms if ms >= 100.0 => format!("{ms:.0} ms"),
        ms if ms >= 10.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.2} ms"),
    }
}

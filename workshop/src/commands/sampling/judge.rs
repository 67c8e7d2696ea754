//! What should arrive, and what it means if it does not.

use std::collections::HashMap;

use otlp::model::{Span, Telemetry};

use super::collector::last_lines;
use super::configuration::Configuration;
use super::load::{Kind, LATE_AFTER, Load, ROUTES, SPANS, Trace};
use super::span_metrics;
use crate::messages::Message;
use crate::text;
use crate::verdict::{Expectation, Failure};

/// The share of the ordinary traces that should be kept.
const SHARE: f64 = 0.1;
/// A right configuration misses the share by more standard deviations once in two million runs.
const DEVIATIONS: f64 = 5.0;
/// What the Collector logs when an exporter drops telemetry.
const QUEUE_IS_FULL: &str = "sending queue is full";
/// Number of traces that a failure names.
const MAX_NAMED: usize = 3;

type Check = Result<(), Failure>;

/// Compares what arrives with what was sent.
pub(super) struct Judge<'a> {
    pub(super) load: &'a Load,
    pub(super) configuration: &'a Configuration,
}

/// The spans that arrived, by the ids of their traces.
struct Arrived<'a>(HashMap<&'a str, Vec<&'a Span>>);

impl<'a> Arrived<'a> {
    fn new(telemetry: &'a Telemetry) -> Self {
        let mut traces: HashMap<&str, Vec<&Span>> = HashMap::new();
        for span in &telemetry.spans {
            traces.entry(&span.trace_id).or_default().push(span);
        }
        Self(traces)
    }

    fn has(&self, trace: &Trace) -> bool {
        self.0.contains_key(trace.id.as_str())
    }

    /// Number of spans of a trace, and how many of them differ.
    fn spans(&self, trace: &Trace) -> (usize, usize) {
        let spans = self.0.get(trace.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        let mut ids: Vec<&String> = spans.iter().map(|span| &span.span_id).collect();
        ids.sort();
        ids.dedup();
        (spans.len(), ids.len())
    }
}

impl Judge<'_> {
    /// Whether the metrics that the pipeline makes of spans count all requests.
    pub(super) fn has_all_metrics(&self, telemetry: &Telemetry) -> bool {
        let (all, _) = self.load.requests();
        let counted = span_metrics::requests(&telemetry.metrics).map(|requests| requests.all);
        self.configuration.metrics_interval.is_none() || counted >= Some(all as u64)
    }

    /// What arrived, in numbers.
    pub(super) fn summary(&self, telemetry: &Telemetry) -> Message {
        let arrived = Arrived::new(telemetry);
        let counts = |kind| {
            let (kept, all) = self.kept(&arrived, |trace| trace.kind == kind);
            format!("{} / {all}", kept.len())
        };
        text!(
            "Arrived: failed traces {failed}, slow traces {slow}, others {others}",
            failed = counts(Kind::Failed),
            slow = counts(Kind::Slow),
            others = counts(Kind::Ordinary)
        )
    }

    /// All expectations; only the first one if nothing has arrived. `log` is the Collector's log.
    pub(super) fn expectations(&self, telemetry: &Telemetry, log: &str) -> Vec<Expectation> {
        let arrived = Arrived::new(telemetry);
        let arrives = Expectation::new(
            text!("traces arrive at `${{env:COLLECTOR_UPSTREAM}}`"),
            self.something_arrives(&arrived, log),
        );
        if !arrives.is_met() {
            return vec![arrives];
        }
        let failed = text!("every trace with a failed span is kept");
        let slow = text!("every slow trace is kept");
        let rest = text!("about 10 % of the other traces are kept, on every route");
        let whole = text!("a trace is kept with all its spans, each once, or not at all");
        let counts = text!("metrics made of spans count all requests, and not only those that are kept");
        let advice = self.configuration.metrics_interval.is_none().then(|| {
            text!(
                "This pipeline makes no metrics of spans, so the number of requests must come from elsewhere, such as the SDK's metrics: \
                 it cannot be counted from the traces that are kept."
            )
        });
        vec![
            arrives,
            Expectation::new(failed, self.keeps_all(&arrived, Kind::Failed, log)),
            Expectation::new(slow, self.keeps_all(&arrived, Kind::Slow, log)),
            Expectation::new(rest, self.keeps_a_share(&arrived)),
            Expectation::new(whole, self.keeps_traces_whole(&arrived)),
            Expectation::new(counts, self.counts_all(&arrived, telemetry)).with_advice(advice),
        ]
    }

    fn something_arrives(&self, arrived: &Arrived, log: &str) -> Check {
        if !arrived.0.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            text!("no span arrived; the Collector's log ends with\n{log}", log = last_lines(log)),
            text!(
                "A pipeline of traces must end in an exporter that sends here: `otlp_http` with `endpoint: ${{env:COLLECTOR_UPSTREAM}}`. \
                 Or no policy of tail sampling keeps anything."
            ),
        ))
    }

    /// The traces that arrived of those that satisfy `is`, and the number of these.
    fn kept<'a>(&'a self, arrived: &Arrived, is: impl Fn(&Trace) -> bool) -> (Vec<&'a Trace>, usize) {
        let all: Vec<&Trace> = self.load.traces.iter().filter(|trace| is(trace)).collect();
        let count = all.len();
        (all.into_iter().filter(|trace| arrived.has(trace)).collect(), count)
    }

    fn keeps_all(&self, arrived: &Arrived, kind: Kind, log: &str) -> Check {
        let (kept, all) = self.kept(arrived, |trace| trace.kind == kind);
        let is_lost = |trace: &&Trace| trace.kind == kind && !arrived.has(trace);
        let lost: Vec<&Trace> = self.load.traces.iter().filter(is_lost).collect();
        if lost.is_empty() {
            return Ok(());
        }
        let late = lost.iter().filter(|trace| trace.is_late).count();
        let seen = text!(
            "{kept} of {all} arrived; of those that are lost, {late} of {lost} were exported in two parts, {seconds} s apart",
            kept = kept.len(),
            all,
            late,
            lost = lost.len(),
            seconds = LATE_AFTER.as_secs()
        );
        Err(Failure::new(seen, self.cause_of_loss(kind, &kept, &lost, log)))
    }

    fn cause_of_loss(&self, kind: Kind, kept: &[&Trace], lost: &[&Trace], log: &str) -> Message {
        let configuration = self.configuration;
        let policy = if kind == Kind::Failed { "status_code" } else { "latency" };
        let longest_lost = lost.iter().map(|trace| trace.milliseconds).max().unwrap_or_default();
        let longer = kept.iter().filter(|trace| trace.milliseconds > longest_lost).count();
        if !configuration.has_tail_sampling {
            text!(
                "No pipeline has the processor tail_sampling. A sampler that decides when a trace begins, or by its id alone, \
                 is head sampling: it cannot know that a trace will fail or be slow."
            )
        } else if !configuration.policies.iter().any(|kind| kind == policy || kind == "ottl_condition") {
            text!(
                "tail_sampling has no policy of the type {policy}, so that these traces are kept only by chance, like the others.",
                policy
            )
        } else if let Some(cause) = self.too_few_traces() {
            cause
        } else if configuration.decision_wait <= LATE_AFTER || lost.iter().all(|trace| trace.is_late) {
            text!(
                "decision_wait is {wait}: the decision was made before the second part of these traces arrived. It must be longer \
                 than the time between the first and the last span of a trace: here more than {seconds} s.",
                wait = humantime::format_duration(configuration.decision_wait).to_string(),
                seconds = LATE_AFTER.as_secs() + 1
            )
        } else if log.contains(QUEUE_IS_FULL) {
            text!(
                "The Collector's log says `sending queue is full`: the exporter has dropped traces after the decision, because tail sampling \
                 passes on each trace by itself. Give the exporter a larger queue that makes batches: sending_queue, queue_size and batch."
            )
        } else if kind == Kind::Slow && longer * 2 > kept.len() {
            text!(
                "All slow traces longer than {lost} ms are kept, and shorter ones are lost: threshold_ms of the policy latency is too high, \
                 and should be 300.",
                lost = longest_lost
            )
        } else {
            text!(
                "The policy {policy} exists, and does not select these traces: is it inside of an `and` with another one, does a policy \
                 drop them, or is something before tail_sampling that drops spans?",
                policy
            )
        }
    }

    /// The cause if tail sampling cannot hold all traces until it decides.
    fn too_few_traces(&self) -> Option<Message> {
        let (limit, traces) = (self.configuration.num_traces, self.load.traces.len());
        (limit < traces as u64).then(|| {
            text!(
                "num_traces is {limit}, and {traces} traces wait at the same time: the oldest are dropped before the decision. \
                 Raise it above what arrives within decision_wait.",
                limit,
                traces
            )
        })
    }

    fn keeps_a_share(&self, arrived: &Arrived) -> Check {
        let is_ordinary = |trace: &Trace| trace.kind == Kind::Ordinary;
        let of_route = |route: &'static str| {
            self.share(arrived, |trace| is_ordinary(trace) && trace.route == route, Some(route)).err()
        };
        let wrong: Vec<Failure> = ROUTES.into_iter().filter_map(of_route).collect();
        match &wrong[..] {
            [Failure { seen, .. }] => Err(Failure::new(
                seen.clone(),
                text!("The share differs between routes: a policy selects the traces of one of them."),
            )),
            _ => self.share(arrived, is_ordinary, None),
        }
    }

    fn share(&self, arrived: &Arrived, is: impl Fn(&Trace) -> bool, route: Option<&str>) -> Check {
        let (kept, all) = self.kept(arrived, &is);
        let mean = all as f64 * SHARE;
        let tolerance = DEVIATIONS * (mean * (1.0 - SHARE)).sqrt();
        let (from, to) = ((mean - tolerance).ceil(), (mean + tolerance).floor());
        if (from..=to).contains(&(kept.len() as f64)) {
            return Ok(());
        }
        let percent = format!("{:.1}", 100.0 * kept.len() as f64 / all as f64);
        let on = route.map_or(text!("all routes"), Message::verbatim);
        let seen = text!(
            "{kept} of {all} ({percent} %) on {on}; expected {from} to {to}, which is 10 % and five standard deviations",
            kept = kept.len(),
            all,
            percent = percent.as_str(),
            on,
            from = from.to_string(),
            to = to.to_string()
        );
        Err(Failure::new(seen, self.cause_of_share(arrived, &kept, all, &percent)))
    }

    fn cause_of_share(&self, arrived: &Arrived, kept: &[&Trace], all: usize, percent: &str) -> Message {
        if kept.len() == all && !self.configuration.has_tail_sampling {
            return text!("No pipeline has the processor tail_sampling, so everything is sent on.");
        }
        if kept.len() == all {
            return text!(
                "Everything is sent on: a policy selects every trace (always_sample, sampling_percentage: 100), or another pipeline \
                 sends all traces to the same exporter."
            );
        }
        if kept.is_empty() {
            return text!(
                "No policy keeps a part of the ordinary traces: add one of the type probabilistic, with sampling_percentage: 10. \
                 Without it, nobody knows what is normal."
            );
        }
        if let Some(cause) = self.too_few_traces() {
            return cause;
        }
        // With a low threshold, all traces above it are kept, and the tenth of those below.
        let is_lost = |trace: &&Trace| trace.kind == Kind::Ordinary && !arrived.has(trace);
        let longest_lost = self.load.traces.iter().filter(is_lost).map(|trace| trace.milliseconds).max();
        let longest_lost = longest_lost.unwrap_or_default();
        let above = kept.iter().filter(|trace| trace.milliseconds > longest_lost).count();
        if above * 4 > kept.len() {
            return text!(
                "All ordinary traces longer than {lost} ms are kept: threshold_ms of the policy latency is too low, and should be 300.",
                lost = longest_lost
            );
        }
        text!(
            "The sampling keeps {percent} % here: look at sampling_percentage of the policy probabilistic. If there is a second sampler, \
             in the SDK or in front of tail_sampling, the two multiply.",
            percent
        )
    }

    fn keeps_traces_whole(&self, arrived: &Arrived) -> Check {
        let (kept, _) = self.kept(arrived, |_| true);
        let torn: Vec<&Trace> = kept.iter().copied().filter(|trace| arrived.spans(trace).1 < SPANS).collect();
        let twice = kept.iter().filter(|trace| arrived.spans(trace).0 > arrived.spans(trace).1).count();
        if torn.is_empty() && twice == 0 {
            return Ok(());
        }
        let named: Vec<String> = torn
            .iter()
            .take(MAX_NAMED)
            .map(|trace| format!("\n{}: {} / {SPANS}", trace.id, arrived.spans(trace).1))
            .collect();
        if torn.is_empty() {
            return Err(Failure::new(
                text!("spans of {twice} of {kept} traces arrived twice", twice, kept = kept.len()),
                text!(
                    "Two pipelines send the same traces to this exporter. The one that only counts must end in span_metrics."
                ),
            ));
        }
        let seen = text!(
            "{torn} of {kept} traces lack spans, for example{named}",
            torn = torn.len(),
            kept = kept.len(),
            named = named.concat()
        );
        let cause = self.too_few_traces().unwrap_or_else(|| {
            text!(
                "Spans of one trace were judged separately: a sampler decides about each span and not about each trace, or a filter \
                 removes some of them."
            )
        });
        Err(Failure::new(seen, cause))
    }

    fn counts_all(&self, arrived: &Arrived, telemetry: &Telemetry) -> Check {
        let Some(interval) = self.configuration.metrics_interval else { return Ok(()) };
        let (all, failed) = self.load.requests();
        let Some(requests) = span_metrics::requests(&telemetry.metrics) else {
            return Err(Failure::new(
                text!("no metric about the requests arrived"),
                text!(
                    "The connector sends every {interval} (metrics_flush_interval). It must be an exporter of a pipeline of traces, and the \
                     receiver of a pipeline of metrics that ends in the exporter.",
                    interval = humantime::format_duration(interval).to_string()
                ),
            ));
        };
        if (requests.all, requests.failed) == (all as u64, failed as u64) {
            return Ok(());
        }
        let seen = text!(
            "{counted} requests, {counted_failed} of them failed; {all} were sent, {failed} of them failed",
            counted = requests.all,
            counted_failed = requests.failed,
            all,
            failed
        );
        let (kept, _) = self.kept(arrived, |_| true);
        let cause = if requests.all <= kept.len() as u64 {
            text!(
                "The connector stands behind the sampling, so it counts only what is kept: {kept} traces. Give it a pipeline of its own that \
                 receives from otlp and does not sample.",
                kept = kept.len()
            )
        } else {
            text!("The connector does not see all spans: what is in front of it in its pipeline?")
        };
        Err(Failure::new(seen, cause))
    }
}

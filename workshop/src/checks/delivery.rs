//! Step `delivery`: nothing is lost in silence, and a faulty collector does not hurt the service.
//!
//! The truth is what the collector accepted: a request of the calm run shows how many spans and log records each request
//! makes, so what was made in a run is known, and what did not arrive is lost.

mod counts;
mod reports;

use super::words::{Wrong, expect, first_of, wrong};
use crate::evidence::{DeliveryRun, Ending, Evidence, Exchange, Fault};
use crate::verdict::Expectation;

pub(super) fn judge(evidence: &Evidence) -> Option<Vec<Expectation>> {
    let runs = match evidence.delivery.as_ref()? {
        Ok(runs) => runs,
        Err(reason) => {
            let expected = "the service starts and answers whatever the collector does";
            let cause =
                "An exporter that fails must neither end nor block the service, not even at the start.";
            return Some(vec![Expectation::failed(expected, reason, cause)]);
        }
    };
    let baseline = runs.iter().flat_map(|run| &run.before).map(duration).max().unwrap_or_default();
    let mut expectations = vec![
        expect(
            "every request is answered 200 while the collector is down, hangs, is slow, or answers 400 or 503",
            first_of(runs, |run| in_run(run, unanswered(run))),
        ),
        expect(
            "requests are as fast during the fault as before it: none waits for an exporter",
            first_of(runs, |run| in_run(run, slow(run, baseline))),
        ),
        expect(
            "SIGTERM ends the service in time, even if the collector still hangs",
            first_of(runs, |run| in_run(run, does_not_end(run))),
        ),
        expect(
            "one log line when the fault begins: at WARN or above, outside any request, with the fields `handson.otlp.endpoint` and `error.type`",
            first_of(runs, |run| in_run(run, reports::begin_is_wrong(run))),
        ),
        expect(
            "one log line when it ends, or else when the service ends: with the fields `handson.dropped.spans` and `handson.dropped.log_records`, \
             which are integers; and no other line at WARN or above, such as one for each failed export",
            first_of(runs, |run| in_run(run, reports::end_is_wrong(run))),
        ),
        expect(
            "the password in an endpoint is in no log line",
            first_of(runs, |run| in_run(run, reports::password_is_logged(run))),
        ),
    ];
    // Without these lines there is no number to compare.
    if expectations.iter().all(Expectation::is_met) {
        expectations.extend([
            expect(
                "`handson.dropped.spans` is the number of spans that did not arrive",
                first_of(runs, |run| in_run(run, counts::spans_are_wrong(evidence, run))),
            ),
            expect(
                "`handson.dropped.log_records` is the number of log records that did not arrive",
                first_of(runs, |run| in_run(run, counts::log_records_are_wrong(evidence, run))),
            ),
            expect(
                "otel.sdk.processor.span.processed and otel.sdk.processor.log.processed with error.type=queue_full count what the \
                 full queues dropped",
                first_of(runs, |run| in_run(run, counts::metrics_are_wrong(evidence, run))),
            ),
            expect(
                "what was answered with 400 is not sent again",
                first_of(runs, |run| in_run(run, counts::sent_again(run))),
            ),
        ]);
    }
    Some(expectations)
}

/// What was seen, with the fault of the run.
fn in_run(run: &DeliveryRun, found: Option<Wrong>) -> Option<Wrong> {
    found.map(|(seen, cause)| (format!("while {}: {seen}", run.fault.text()), cause))
}

fn duration(exchange: &Exchange) -> u64 {
    exchange.answered.saturating_sub(exchange.sent)
}

fn unanswered(run: &DeliveryRun) -> Option<Wrong> {
    first_of(run.exchanges(), |exchange| match &exchange.answer {
        Ok(answer) if answer.status == 200 => None,
        Ok(answer) => wrong(
            format!("status {}: {}", answer.status, answer.body),
            "A failed export must not become the failure of a request.",
        ),
        Err(error) => wrong(
            format!("GET /handson: {error}"),
            "The request waits for the exporter. A batch processor takes each item without waiting, and drops and counts it if the \
             queue is full.",
        ),
    })
}

/// A request that waits for an exporter takes as long as a timeout for each span, which is seconds, or as long as the fault.
fn slow(run: &DeliveryRun, baseline: u64) -> Option<Wrong> {
    let bound = 3 * baseline + 500_000_000;
    first_of(&run.during, |exchange| {
        (duration(exchange) > bound).then(|| {
            let (took, before) = (duration(exchange) / 1_000_000, baseline / 1_000_000);
            (
                format!("a request took {took} ms; before the fault, the slowest took {before} ms"),
                "The request waits for the exporter: a simple processor exports each span when it ends, on the thread of the \
                 request. Use a batch processor with a bounded queue."
                    .to_owned(),
            )
        })
    })
}

fn does_not_end(run: &DeliveryRun) -> Option<Wrong> {
    let seen = match run.ending {
        Ending::Ended { status: Some(0), .. } => return None,
        Ending::Ended { status: Some(status), after } => {
            format!("exit status {status}, {after:.1?} after SIGTERM")
        }
        Ending::Ended { status: None, .. } => "it was ended by a signal".to_owned(),
        Ending::Killed(after) => format!("it still ran {after:?} after SIGTERM, and was killed"),
    };
    let cause = match run.fault {
        Fault::HangsToTheEnd => {
            "The last export needs a timeout of its own; what it could not deliver is counted as dropped."
        }
        _ => {
            "The collector accepts everything again by then, so the last export is quick. Does a thread still wait for an old one?"
        }
    };
    wrong(seen, cause)
}

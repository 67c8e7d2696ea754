//! Step `delivery`: no telemetry is lost silently, and a faulty collector does not hurt the service.
//!
//! The check knows the number of spans and log records that each request makes from the calm run, and what
//! arrived from the collector. The difference is what was lost.

mod counts;
mod reports;

use super::assert::{Check, each, ensure, fail};
use crate::evidence::{DeliveryRun, Ending, Evidence, Exchange, Fault};
use crate::text;
use crate::verdict::{Expectation, Failure};

pub(super) fn judge(evidence: &Evidence) -> Option<Vec<Expectation>> {
    let runs = match evidence.delivery.as_ref()? {
        Ok(runs) => runs,
        Err(reason) => {
            let cause = text!(
                "An exporter that fails must neither end nor block the service, not even at the start."
            );
            return Some(vec![Expectation::new(
                text!("the service starts and answers, whatever the state of the collector"),
                fail(reason.clone(), cause),
            )]);
        }
    };
    let in_each = |check: &dyn Fn(&DeliveryRun) -> Check| each(runs, |run| during_fault(run, check(run)));
    let baseline = runs.iter().flat_map(|run| &run.before).map(duration).max().unwrap_or_default();
    let mut expectations = vec![
        Expectation::new(
            text!(
                "every request is answered 200 while the collector is down, hangs, is slow, or answers 400 or 503"
            ),
            in_each(&answers_requests),
        ),
        Expectation::new(
            text!("requests are as fast during the fault as before it: none waits for an exporter"),
            in_each(&|run| answers_as_fast(run, baseline)),
        ),
        Expectation::new(
            text!("SIGTERM ends the service in time, even if the collector still hangs"),
            in_each(&ends_in_time),
        ),
        Expectation::new(
            text!(
                "one log line when the fault begins: at WARN or above, outside any request, with the fields \
                 `handson.otlp.endpoint` and `error.type`"
            ),
            in_each(&reports::reports_beginning),
        ),
        Expectation::new(
            text!(
                "one log line when it ends, or else when the service ends: with the fields `handson.dropped.spans` and \
                 `handson.dropped.log_records`, which are integers; and no other line at WARN or above, such as one for each \
                 failed export"
            ),
            in_each(&reports::reports_end),
        ),
        Expectation::new(
            text!("the password in an endpoint is in no log line"),
            in_each(&reports::hides_password),
        ),
    ];
    // Without these log lines there is no number to compare.
    if expectations.iter().all(Expectation::is_met) {
        expectations.extend([
            Expectation::new(
                text!("`handson.dropped.spans` is the number of spans that did not arrive"),
                in_each(&|run| counts::reports_lost_spans(evidence, run)),
            ),
            Expectation::new(
                text!("`handson.dropped.log_records` is the number of log records that did not arrive"),
                in_each(&|run| counts::reports_lost_log_records(evidence, run)),
            ),
            Expectation::new(
                text!(
                    "otel.sdk.processor.span.processed and otel.sdk.processor.log.processed with error.type=queue_full count what \
                     the full queues dropped"
                ),
                in_each(&|run| counts::metrics_count_dropped(evidence, run)),
            ),
            Expectation::new(
                text!("what was answered with 400 is not sent again"),
                in_each(&counts::sends_nothing_again),
            ),
        ]);
    }
    Some(expectations)
}

/// Adds the fault of the run to a failure.
fn during_fault(run: &DeliveryRun, check: Check) -> Check {
    check.map_err(|Failure { seen, cause }| {
        Failure::new(text!("while {fault}: {seen}", fault = run.fault.text(), seen), cause)
    })
}

fn duration(exchange: &Exchange) -> u64 {
    exchange.answered.saturating_sub(exchange.sent)
}

fn answers_requests(run: &DeliveryRun) -> Check {
    each(run.exchanges(), |exchange| match &exchange.answer {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => fail(
            text!("status {status}: {body}", status = answer.status, body = &answer.body),
            text!("A failed export must not make a request fail."),
        ),
        Err(error) => fail(
            format!("GET /handson: {error}"),
            text!(
                "The request waits for the exporter. A batch processor takes each item without waiting; if the queue is full, it \
                 drops and counts the item."
            ),
        ),
    })
}

/// A request that waits for an exporter takes seconds, namely one timeout per span, or as long as the fault.
fn answers_as_fast(run: &DeliveryRun, baseline: u64) -> Check {
    let max_duration = 3 * baseline + 500_000_000;
    each(&run.during, |exchange| {
        ensure!(
            duration(exchange) <= max_duration,
            text!(
                "a request took {took} ms; before the fault, the slowest took {before} ms",
                took = duration(exchange) / 1_000_000,
                before = baseline / 1_000_000
            ),
            text!(
                "The request waits for the exporter: a simple processor exports each span when it ends, on the thread of the \
                 request. Use a batch processor with a bounded queue."
            )
        );
        Ok(())
    })
}

fn ends_in_time(run: &DeliveryRun) -> Check {
    let seen = match run.ending {
        Ending::Ended { status: Some(0 | 143), .. } => return Ok(()),
        Ending::Ended { status: Some(status), after } => {
            text!("exit status {status}, {time} after SIGTERM", status, time = format!("{after:.1?}"))
        }
        Ending::Ended { status: None, .. } => text!("it was ended by a signal"),
        Ending::Killed(after) => {
            text!("it still ran {time} after SIGTERM, and was killed", time = format!("{after:?}"))
        }
    };
    let cause = match run.fault {
        Fault::HangsToTheEnd => text!(
            "The last export needs its own timeout; items that it could not deliver are counted as dropped."
        ),
        _ => text!(
            "By then the collector accepts everything again, so the last export is quick. Does a thread still wait for an old one?"
        ),
    };
    fail(seen, cause)
}

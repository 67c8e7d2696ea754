//! The number of lost items: what was really lost, what the log reports, and what the metrics report.

use std::collections::{BTreeMap, BTreeSet};

use super::reports::{DROPPED, dropped};
use crate::checks::assert::{Check, ensure, fail};
use crate::checks::requests::Ids;
use crate::evidence::{DeliveryRun, Evidence, Fault, Run};
use crate::messages::Message;
use crate::text;
use crate::verdict::Failure;
use otlp::model::{Data, Metric, Span, Temporality};

/// The number of spans that were made in `run` and did not arrive.
fn lost_spans(evidence: &Evidence, run: &DeliveryRun) -> Result<u64, Failure> {
    let (per_request, others) = spans_made(&evidence.calm)?;
    let made = others + per_request * run.exchanges().count() as u64;
    let arrived = run.accepted.spans.iter().map(id).collect::<BTreeSet<_>>().len() as u64;
    made.checked_sub(arrived).ok_or_else(|| {
        Failure::new(
            text!("{arrived} spans arrived, although the requests create only {made}", arrived, made),
            text!("Each request should create the same spans, whatever the state of the collector."),
        )
    })
}

/// The number of spans that each request of the calm run has, where nothing is lost, and the number of spans
/// without a request.
fn spans_made(calm: &Run) -> Result<(u64, u64), Failure> {
    let ids = Ids::from_run(calm);
    let traces: Vec<_> = calm.answered().filter_map(|(exchange, _)| ids.trace_of(exchange)).collect();
    let counts: BTreeSet<usize> = traces.iter().map(|trace| trace.spans.len()).collect();
    let counts: Vec<usize> = counts.into_iter().collect();
    let [per_request] = counts[..] else {
        return Err(Failure::new(
            text!(
                "the requests of a run with a healthy collector have different numbers of spans: {counts}",
                counts = format!("{counts:?}")
            ),
            text!("Do steps 2 to 8 first: then every request has the same spans, and all of them arrive."),
        ));
    };
    let of_requests = per_request * traces.len();
    Ok((per_request as u64, calm.telemetry.spans.len().saturating_sub(of_requests) as u64))
}

/// The number of log records that were made in `run` and did not arrive. Each log line is also a record. If
/// some lines are not, such as the last one, the same lines are missing in the calm run.
fn lost_log_records(evidence: &Evidence, run: &DeliveryRun) -> i64 {
    let count = |items: usize| i64::try_from(items).unwrap_or(i64::MAX);
    let calm = &evidence.calm;
    let without_record = count(lines(&calm.stdout)) - count(calm.telemetry.log_records.len());
    count(lines(&run.stdout)) - without_record - count(run.accepted.log_records.len())
}

fn lines(stdout: &[String]) -> usize {
    stdout.iter().filter(|line| !line.trim().is_empty()).count()
}

pub(super) fn reports_lost_spans(evidence: &Evidence, run: &DeliveryRun) -> Check {
    let lost = lost_spans(evidence, run)?;
    ensure!(
        lost > 0 || run.fault != Fault::Slow,
        text!("no span was lost, although OTEL_BSP_MAX_QUEUE_SIZE=128 and the requests made far more"),
        text!(
            "The queue must be bounded by OTEL_BSP_MAX_QUEUE_SIZE, or memory grows while the collector is slow."
        )
    );
    let Some(reported) = last_report(run, DROPPED[0]) else { return Ok(()) };
    ensure!(
        reported == lost,
        text!("handson.dropped.spans = {reported}, and {lost} spans did not arrive", reported, lost),
        cause_of_difference(reported > lost)
    );
    Ok(())
}

pub(super) fn reports_lost_log_records(evidence: &Evidence, run: &DeliveryRun) -> Check {
    let lost = lost_log_records(evidence, run);
    let reported = last_report(run, DROPPED[1]).and_then(|reported| i64::try_from(reported).ok());
    let Some(reported) = reported else { return Ok(()) };
    // The report cannot count its own record or those of later lines.
    let is_right = match run.fault {
        Fault::HangsToTheEnd => (lost - 2..=lost).contains(&reported),
        _ => reported == lost,
    };
    ensure!(
        is_right,
        text!(
            "handson.dropped.log_records = {reported}, and {lost} log records did not arrive",
            reported,
            lost
        ),
        cause_of_difference(reported > lost)
    );
    Ok(())
}

/// The number in the last line that reports loss. Another expectation reports that it is missing.
fn last_report(run: &DeliveryRun, field: &str) -> Option<u64> {
    dropped(run.reports().last()?, field)
}

fn cause_of_difference(too_many: bool) -> Message {
    if too_many {
        text!(
            "Some are counted although they arrived, or are counted twice: an item that is sent again and then accepted is not lost."
        )
    } else {
        text!(
            "Some are not counted. Items get lost in two places: before the queue if it is full, and after it if their export \
             fails. When the service ends, those that are still waiting are lost, too."
        )
    }
}

/// While the collector is slow, items are lost only because a queue is full, so the metrics must equal the
/// number of lost items.
pub(super) fn metrics_count_dropped(evidence: &Evidence, run: &DeliveryRun) -> Check {
    if run.fault != Fault::Slow {
        return Ok(());
    }
    let log_records = u64::try_from(lost_log_records(evidence, run));
    // If these numbers are unknown, the expectations about the log lines have already failed.
    let (Ok(spans), Ok(log_records)) = (lost_spans(evidence, run), log_records) else { return Ok(()) };
    for (name, lost) in
        [("otel.sdk.processor.span.processed", spans), ("otel.sdk.processor.log.processed", log_records)]
    {
        let exports: Vec<&Metric> =
            run.accepted.metrics.iter().filter(|metric| metric.name == name).collect();
        ensure!(
            !exports.is_empty(),
            text!("{name} was not exported", name),
            text!(
                "The conventions define this counter for the items that a processor accepted or dropped. Make it an observable counter \
                 that reads your counts."
            )
        );
        let counted = queue_full(&exports);
        ensure!(
            counted == lost as f64,
            text!(
                "{name} with error.type=\"queue_full\" is {counted}, and {lost} were dropped by the full queue",
                name,
                counted,
                lost
            ),
            text!(
                "Export the same count that the log line reports, also when the service ends; items that were not dropped have no \
                 error.type."
            )
        );
    }
    Ok(())
}

/// The value at the end of the run, summed over all series with this `error.type`.
fn queue_full(exports: &[&Metric]) -> f64 {
    let mut series: BTreeMap<Vec<String>, f64> = BTreeMap::new();
    for metric in exports {
        let Data::Sum { temporality, points, .. } = &metric.data else { continue };
        for point in points.iter().filter(|point| point.attributes.text("error.type") == Some("queue_full")) {
            // Exporters may change the order of attributes.
            let mut key: Vec<String> =
                point.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
            key.sort();
            key.push(metric.scope.name.clone());
            let value = series.entry(key).or_default();
            match temporality {
                Temporality::Delta => *value += point.value,
                _ => *value = point.value,
            }
        }
    }
    // The sum of an empty list of floats is -0.
    series.values().fold(0.0, |sum, value| sum + value)
}

/// OTLP allows a retry only after 429, 502, 503 or 504.
pub(super) fn sends_nothing_again(run: &DeliveryRun) -> Check {
    if run.fault != Fault::Answers(400) {
        return Ok(());
    }
    let mut sent = BTreeSet::new();
    match run.refused.spans.iter().chain(&run.accepted.spans).find(|span| !sent.insert(id(span))) {
        None => Ok(()),
        Some(span) => fail(
            text!("span {id} ({name}) was sent more than once", id = &span.span_id, name = &span.name),
            text!(
                "400 means that the request itself is not valid, which another attempt would not change: drop \
                 the items, and count them. Only 429, 502, 503 and 504 may be retried (https://opentelemetry.io/docs/specs/otlp/#failures-1)."
            ),
        ),
    }
}

fn id(span: &Span) -> (&str, &str) {
    (&span.trace_id, &span.span_id)
}

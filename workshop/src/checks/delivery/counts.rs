//! How much was lost, by the truth, by the log and by the metrics.

use std::collections::{BTreeMap, BTreeSet};

use super::reports::{DROPPED, dropped};
use crate::checks::words::{Wrong, trace_of, wrong};
use crate::evidence::{DeliveryRun, Evidence, Fault, Run};
use otlp::model::{Data, Metric, Span, Temporality};

/// Spans that were made in `run` and did not arrive.
fn lost_spans(evidence: &Evidence, run: &DeliveryRun) -> Result<u64, Wrong> {
    let (of_each, of_none) = spans_made(&evidence.calm)?;
    let made = of_none + of_each * run.exchanges().count() as u64;
    let arrived = run.accepted.spans.iter().map(id).collect::<BTreeSet<_>>().len() as u64;
    made.checked_sub(arrived).ok_or_else(|| {
        let seen = format!("{arrived} spans arrived, though the requests make only {made}");
        (seen, "Each request makes the same spans, whatever the collector does.".to_owned())
    })
}

/// Spans of each request of the calm run, in which nothing is lost, and spans that belong to no request.
fn spans_made(calm: &Run) -> Result<(u64, u64), Wrong> {
    let traces: Vec<_> =
        calm.answered().filter_map(|(exchange, _)| trace_of(&calm.telemetry, exchange)).collect();
    let counts: BTreeSet<usize> = traces.iter().map(|trace| trace.spans.len()).collect();
    let counts: Vec<usize> = counts.into_iter().collect();
    let [of_each] = counts[..] else {
        return Err((
            format!(
                "the requests of a run with a healthy collector have different numbers of spans: {counts:?}"
            ),
            "Steps 2 to 8 come first: every request has the same spans, and all of them arrive.".to_owned(),
        ));
    };
    let of_requests = of_each * traces.len();
    Ok((of_each as u64, calm.telemetry.spans.len().saturating_sub(of_requests) as u64))
}

/// Log records that were made in `run` and did not arrive. Each line of the log is a record too; if some lines are not, such as
/// the last, then so in the calm run.
fn lost_log_records(evidence: &Evidence, run: &DeliveryRun) -> i64 {
    let count = |items: usize| i64::try_from(items).unwrap_or(i64::MAX);
    let calm = &evidence.calm;
    let without_record = count(lines(&calm.stdout)) - count(calm.telemetry.log_records.len());
    count(lines(&run.stdout)) - without_record - count(run.accepted.log_records.len())
}

fn lines(stdout: &[String]) -> usize {
    stdout.iter().filter(|line| !line.trim().is_empty()).count()
}

pub(super) fn spans_are_wrong(evidence: &Evidence, run: &DeliveryRun) -> Option<Wrong> {
    let lost = match lost_spans(evidence, run) {
        Ok(lost) => lost,
        Err(wrong) => return Some(wrong),
    };
    if lost == 0 && run.fault == Fault::Slow {
        return wrong(
            "no span was lost, though OTEL_BSP_MAX_QUEUE_SIZE=128 and the requests made far more",
            "The queue must be bounded by OTEL_BSP_MAX_QUEUE_SIZE, or memory grows while the collector is slow.",
        );
    }
    let reported = dropped(run.reports().last()?, DROPPED[0])?;
    (reported != lost).then(|| {
        (
            format!("handson.dropped.spans = {reported}, and {lost} spans did not arrive"),
            differs(reported > lost).to_owned(),
        )
    })
}

pub(super) fn log_records_are_wrong(evidence: &Evidence, run: &DeliveryRun) -> Option<Wrong> {
    let lost = lost_log_records(evidence, run);
    let reported = i64::try_from(dropped(run.reports().last()?, DROPPED[1])?).ok()?;
    // The record of the line itself, and of the lines after it, can no longer be in its own number.
    let is_right = match run.fault {
        Fault::HangsToTheEnd => (lost - 2..=lost).contains(&reported),
        _ => reported == lost,
    };
    (!is_right).then(|| {
        (
            format!("handson.dropped.log_records = {reported}, and {lost} log records did not arrive"),
            differs(reported > lost).to_owned(),
        )
    })
}

fn differs(too_many: bool) -> &'static str {
    if too_many {
        "Some are counted that arrived, or twice: an item that is sent again and accepted is not lost."
    } else {
        "Some are not counted. Items get lost in two places: before the queue, if it is full, and after it, if their export fails. At \
         the end of the service, those that still wait are lost too."
    }
}

/// Only a full queue loses anything while the collector is slow, so there the metrics must equal the truth.
pub(super) fn metrics_are_wrong(evidence: &Evidence, run: &DeliveryRun) -> Option<Wrong> {
    if run.fault != Fault::Slow {
        return None;
    }
    let spans = lost_spans(evidence, run).ok()?;
    let log_records = u64::try_from(lost_log_records(evidence, run)).ok()?;
    let metrics =
        [("otel.sdk.processor.span.processed", spans), ("otel.sdk.processor.log.processed", log_records)];
    metrics.into_iter().find_map(|(name, lost)| {
        let exports: Vec<&Metric> = run.accepted.metrics.iter().filter(|metric| metric.name == name).collect();
        if exports.is_empty() {
            return wrong(
                format!("{name} was not exported"),
                "It is the conventions' counter of what a processor took and dropped: an observable counter that reads your counts.",
            );
        }
        let counted = queue_full(&exports);
        (counted != lost as f64).then(|| {
            (
                format!("{name} with error.type=\"queue_full\" is {counted}, and {lost} were dropped by the full queue"),
                "Export the same count that the log line reports, also when the service ends; error.type is absent for items that were \
                 not dropped."
                    .to_owned(),
            )
        })
    })
}

/// The value at the end of the run, over all series with this `error.type`.
fn queue_full(exports: &[&Metric]) -> f64 {
    let mut series: BTreeMap<Vec<String>, f64> = BTreeMap::new();
    for metric in exports {
        let Data::Sum { temporality, points, .. } = &metric.data else { continue };
        for point in points.iter().filter(|point| point.attributes.text("error.type") == Some("queue_full")) {
            // Exporters do not keep the order of attributes.
            let mut key: Vec<String> =
                point.attributes.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
            key.sort();
            key.push(metric.scope.name.clone());
            let value = series.entry(key).or_default();
            match temporality {
                Temporality::Delta => *value += point.value,
                _ => *value = point.value,
            }
        }
    }
    // The sum of no floats is -0.
    series.values().fold(0.0, |sum, value| sum + value)
}

/// OTLP: only 429, 502, 503 and 504 may be answered by another attempt.
pub(super) fn sent_again(run: &DeliveryRun) -> Option<Wrong> {
    if run.fault != Fault::Answers(400) {
        return None;
    }
    let mut seen = BTreeSet::new();
    let again = run.refused.spans.iter().chain(&run.accepted.spans).find(|span| !seen.insert(id(span)))?;
    wrong(
        format!("span {} ({}) was sent more than once", again.span_id, again.name),
        "400 says that the request itself is bad, and it will be so the next time: drop it and count it. Only 429, 502, 503 and 504 are \
         worth another attempt (https://opentelemetry.io/docs/specs/otlp/#failures-1).",
    )
}

fn id(span: &Span) -> (&str, &str) {
    (&span.trace_id, &span.span_id)
}

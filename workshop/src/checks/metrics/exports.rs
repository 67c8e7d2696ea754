//! The exports of a metric, and whether they are of one reader.

use std::collections::BTreeMap;

use crate::checks::assert::Check;
use crate::evidence::{Run, Unusual};
use crate::messages::Message;
use crate::text;
use crate::verdict::Failure;
use otlp::model::{Attributes, Data, Metric, Temporality};

/// The exports of this metric in a run, in the order of arrival.
pub(super) fn exports<'a>(run: &'a Run, name: &str) -> Result<Vec<&'a Metric>, Failure> {
    let found: Vec<&Metric> = run.telemetry.metrics.iter().filter(|metric| metric.name == name).collect();
    if found.is_empty() {
        let mut names: Vec<&str> = run.telemetry.metrics.iter().map(|metric| metric.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        return Err(Failure::new(
            text!("{name} is not among {names}", name, names = names.join(", ")),
            text!(
                "Give the layers the meter provider (with_meter_provider), or record {name} with an instrument of your own.",
                name
            ),
        ));
    }
    Ok(found)
}

/// If two libraries record the same metric, each value is counted twice.
pub(super) fn has_one_scope(exports: &[&Metric]) -> Check {
    let mut scopes: Vec<&str> = exports.iter().map(|metric| metric.scope.name.as_str()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let Some(([one, other], first)) = scopes.first_chunk().zip(exports.first()) else { return Ok(()) };
    Err(Failure::new(
        text!("{name} is recorded by {one} and by {other}", name = &first.name, one = *one, other = *other),
        text!("Both count each value: let one library record the metric, and switch it off in the other."),
    ))
}

/// Two cumulative series that differ only in their start count the same values twice, if they run at the
/// same time. A series of another process has another resource, one that was reset starts when the other has
/// ended, and a delta starts again with each export.
///
/// <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#overlap>
pub(super) fn has_one_reader(exports: &[&Metric]) -> Check {
    let mut series: BTreeMap<String, BTreeMap<u64, u64>> = BTreeMap::new();
    for metric in exports {
        for (start, time, attributes) in cumulative_points(metric).into_iter().filter(|point| point.0 > 0) {
            let key = format!("{:?} {}", metric.resource, sorted(attributes));
            let last = series.entry(key).or_default().entry(start).or_default();
            *last = time.max(*last);
        }
    }
    let overlap = series.values().find_map(|series| {
        let starts: Vec<(u64, u64)> = series.iter().map(|(start, last)| (*start, *last)).collect();
        starts.windows(2).find(|pair| pair[1].0 < pair[0].1).map(|pair| (pair[0].0, pair[1].0))
    });
    let (Some((one, other)), Some(first)) = (overlap, exports.first()) else { return Ok(()) };
    Err(Failure::new(
        text!(
            "{name}: a series arrives twice in one process, with the start {one} and with the start {other}",
            name = &first.name,
            one,
            other
        ),
        text!(
            "Two readers export the same series, so a backend counts each value twice: give the meter provider one reader with an OTLP \
             exporter."
        ),
    ))
}

/// Start, time and attributes of each point that counts from its start.
fn cumulative_points(metric: &Metric) -> Vec<(u64, u64, &Attributes)> {
    match &metric.data {
        Data::Histogram { temporality: Temporality::Cumulative, points }
        | Data::ExponentialHistogram { temporality: Temporality::Cumulative, points } => {
            points.iter().map(|point| (point.start, point.time, &point.attributes)).collect()
        }
        Data::Sum { temporality: Temporality::Cumulative, points, .. } => {
            points.iter().map(|point| (point.start, point.time, &point.attributes)).collect()
        }
        _ => Vec::new(),
    }
}

/// The attributes as text, in the order of their keys.
fn sorted(attributes: &Attributes) -> String {
    let mut all: Vec<String> = attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    all.sort_unstable();
    all.join(",")
}

/// The cause if the last export, at `last`, was before the end of the request that was running at SIGTERM.
pub(super) fn cause_of_early_end(run: &Run, last: Option<u64>) -> Option<Message> {
    let (_, exchange) = run.unusual(Unusual::AtTheEnd)?;
    (exchange.answer.is_ok() && last? < exchange.answered).then(|| {
        text!(
            "The last export was before the last request had ended: the meter provider is shut down when SIGTERM arrives. Shut it down when \
             the last request has been answered."
        )
    })
}

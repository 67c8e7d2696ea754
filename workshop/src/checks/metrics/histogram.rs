//! Histograms of durations, compared with what the run did.

use super::exports::{exports, has_one_reader, has_one_scope};
use super::series::{
    CLIENT_POINT, DATABASE_POINT, Facts, SERVER_POINT, Series, for_calls, for_queries, for_requests,
};
use super::{CLIENT, DATABASE, SERVER};
use crate::checks::assert::{Check, each, ensure};
use crate::checks::attributes::{
    Attribute, ERRORS, advice_on, attributes_are, is_kind, recommended_are_missing,
};
use crate::checks::requests::{are_values_of_strays, kind_of_failure, strays};
use crate::evidence::Run;
use crate::messages::Message;
use crate::text;
use crate::verdict::Failure;
use otlp::model::{Data, HistogramPoint, Metric, Temporality};

/// A metric may read the clock at other moments than its span. The difference in seconds may be `GRAIN` for
/// each value, plus `BUSY` once for a busy machine.
const GRAIN: f64 = 0.000_2;
const BUSY: f64 = 0.05;

fn table(name: &str) -> &'static [Attribute<Facts>] {
    match name {
        SERVER => SERVER_POINT,
        CLIENT => CLIENT_POINT,
        _ => DATABASE_POINT,
    }
}

/// The histogram must have exactly these series, each with its values.
pub(super) fn equals(run: &Run, name: &str, series: &[Series]) -> Check {
    let exports = match name {
        CLIENT => exports_about_httpbin(run)?,
        _ => exports(run, name)?,
    };
    let mut points = points(&exports)?;
    points.retain(|point| is_counted(point, run, name));
    if name == SERVER {
        without_strays(&mut points, run);
        error_types_are_counted(&points, run)?;
    }
    let mut counts = vec![(0_u64, 0.0_f64); series.len()];
    for point in &points {
        ensure!(
            point.attributes.get("otel.metric.overflow").is_none(),
            text!("a point with otel.metric.overflow has {count} values", count = point.count),
            text!(
                "The SDK keeps a limited number of series of this instrument, and adds up the others in this point: the cardinality limit is \
                 too small, or an attribute has a different value in each request."
            )
        );
        let Some(index) = series_of(point, series) else { continue };
        attributes_are(&point.attributes, table(name), &series[index].facts)?;
        counts[index].0 = counts[index].0.saturating_add(point.count);
        counts[index].1 += point.sum.unwrap_or_default();
    }
    let all = counts.iter().fold(0_u64, |all, (count, _)| all.saturating_add(*count));
    let (least, most) =
        series.iter().fold((0, 0), |(least, most), series| (least + series.count.0, most + series.count.1));
    values_are_counted(all, least, most)?;
    each(series.iter().zip(&counts), |(series, (count, sum))| {
        values_are_counted(*count, series.count.0, series.count.1)?;
        durations_are_true(run, series, *count, *sum)
    })?;
    each(&points, |point| {
        is_consistent(point, run)?;
        // It is unknown if the span of a value is.
        let series = series_of(point, series).map(|index| &series[index]).filter(|it| it.spans.is_some());
        let shortest = series.map_or(f64::INFINITY, |series| series.shortest);
        // If a metric is much shorter than its span, the clock was read before the work ended.
        ensure!(
            point.min.is_none_or(|min| !shortest.is_finite() || min + GRAIN / 10.0 >= 0.3 * shortest),
            text!(
                "the smallest value is {min} s, but the shortest span takes {shortest} s",
                min = point.min.unwrap_or_default(),
                shortest = format!("{shortest:.6}")
            ),
            text!("Metric and span measure the same work, from its start to its end.")
        );
        Ok(())
    })
}

/// Each failed request has its own error type, and not that of another one.
fn error_types_are_counted(points: &[&HistogramPoint], run: &Run) -> Check {
    each(ERRORS, |kind| {
        let has_kind = |point: &&&HistogramPoint| {
            point.attributes.text("error.type").is_some_and(|seen| is_kind(seen, kind))
        };
        let counted =
            points.iter().filter(has_kind).fold(0_u64, |count, point| count.saturating_add(point.count));
        let failed = run
            .answered()
            .filter(|(exchange, answer)| answer.status >= 500 && kind_of_failure(exchange) == kind)
            .count();
        ensure!(
            usize::try_from(counted).is_ok_and(|counted| counted <= failed),
            text!(
                "{counted} values with error.type = {kind}, but {failed} requests failed by it",
                counted,
                kind,
                failed
            ),
            text!(
                "error.type is the class of the failure of this request: it is kept from another one, or the same for all."
            )
        );
        Ok(())
    })
}

/// The exports of the metric of calls. Another library may record other calls, such as exports of telemetry
/// or those of resource detectors.
pub(super) fn exports_about_httpbin(run: &Run) -> Result<Vec<&Metric>, Failure> {
    let calls_httpbin = |metric: &Metric| match &metric.data {
        Data::Histogram { points, .. } | Data::ExponentialHistogram { points, .. } => {
            points.iter().any(|point| is_about_httpbin(run, point))
        }
        _ => false,
    };
    let mut exports = exports(run, CLIENT)?;
    if exports.iter().any(|metric| calls_httpbin(metric)) {
        exports.retain(|metric| calls_httpbin(metric));
    }
    Ok(exports)
}

pub(super) fn is_about_httpbin(run: &Run, point: &HistogramPoint) -> bool {
    point.attributes.int("server.port") == Some(run.httpbin_port.into())
}

/// Removes the series of requests that the check did not send.
fn without_strays(points: &mut Vec<&HistogramPoint>, run: &Run) {
    let strays = strays(run);
    // With delta temporality, a series has a point in each export.
    let all = points.clone();
    points.retain(|point| {
        let same = all.iter().filter(|other| other.attributes == point.attributes);
        let count = same.fold(0_u64, |count, other| count.saturating_add(other.count));
        !are_values_of_strays(&strays, &point.attributes, count)
    });
}

/// Whether a point is about the requests of the run, not about exports of telemetry by the same client or
/// statements at the start.
pub(super) fn is_counted(point: &HistogramPoint, run: &Run, name: &str) -> bool {
    match name {
        // The program may also call itself.
        CLIENT => [run.collector_port, run.port]
            .iter()
            .all(|port| point.attributes.int("server.port") != Some(i64::from(*port))),
        DATABASE => !is_at_the_start(point.attributes.text("db.operation.name")),
        _ => true,
    }
}

/// Whether a program may run such a statement before it accepts requests.
fn is_at_the_start(operation: Option<&str>) -> bool {
    let operations = [
        "CREATE", "INSERT", "UPDATE", "PRAGMA", "BEGIN", "COMMIT", "CONNECT", "PING", "DELETE", "DROP",
        "ALTER",
    ];
    operation
        .is_some_and(|operation| operations.iter().any(|known| operation.to_uppercase().starts_with(known)))
}

pub(super) fn points<'a>(exports: &[&'a Metric]) -> Result<Vec<&'a HistogramPoint>, Failure> {
    if let Some(metric) = exports.iter().find(|metric| metric.unit != "s") {
        return Err(Failure::new(
            text!("unit {unit}", unit = format!("{:?}", metric.unit)),
            text!("The unit is s: durations are recorded in seconds, with_unit(\"s\") and as_secs_f64()."),
        ));
    }
    let mut points: Vec<&HistogramPoint> = Vec::new();
    has_one_scope(exports)?;
    has_one_reader(exports)?;
    for metric in exports {
        match &metric.data {
            // Each export has all values so far, so the last one counts.
            Data::Histogram { temporality: Temporality::Cumulative, points: all }
            | Data::ExponentialHistogram { temporality: Temporality::Cumulative, points: all } => {
                points = all.iter().collect();
            }
            Data::Histogram { temporality: Temporality::Delta, points: more }
            | Data::ExponentialHistogram { temporality: Temporality::Delta, points: more } => {
                points.extend(more)
            }
            Data::Histogram { .. } | Data::ExponentialHistogram { .. } => {
                return Err(Failure::new(
                    text!("its temporality is unspecified"),
                    text!("A histogram is cumulative or delta; the SDK's exporter sets it."),
                ));
            }
            other => {
                let kind = format!("{other:?}");
                let kind = kind.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
                return Err(Failure::new(
                    text!("it is a {kind}", kind),
                    text!("A duration is recorded by a histogram: f64_histogram(…)."),
                ));
            }
        }
    }
    Ok(points)
}

/// The series with the method and status of the point; if there is none, the most similar one, whose facts
/// then show what is wrong.
fn series_of(point: &HistogramPoint, series: &[Series]) -> Option<usize> {
    let method = point.attributes.text("http.request.method");
    let status = point.attributes.int("http.response.status_code");
    let agrees = |series: &&Series| {
        let has_method = method.is_none_or(|method| method == series.facts.method);
        let has_status = status == series.facts.status.map(i64::from);
        u8::from(has_method) * 2 + u8::from(has_status)
    };
    let (index, _) = series.iter().enumerate().rev().max_by_key(|(_, series)| agrees(series))?;
    Some(index)
}

fn values_are_counted(count: u64, least: u64, most: u64) -> Check {
    let seen = text!("expected {expected} values, got {count}", expected = least, count);
    ensure!(
        count >= least,
        seen,
        text!(
            "Some are missing: is every request recorded, the failed ones too, and is the meter provider shut down at the end?"
        )
    );
    ensure!(
        count <= most,
        seen,
        text!("Some are counted twice: two layers record the same metric, or /healthz is counted too.")
    );
    Ok(())
}

fn durations_are_true(run: &Run, series: &Series, count: u64, sum: f64) -> Check {
    if count == 0 {
        return Ok(());
    }
    let mean = |sum: f64| format!("{:.6}", sum / count as f64);
    let (least, most) = series.sum;
    let grain = GRAIN * count as f64 + BUSY;
    ensure!(
        sum > 0.0 && sum + grain >= least,
        text!(
            "a mean of {mean} s, although httpbin alone took {least} s",
            mean = mean(sum),
            least = mean(least)
        ),
        text!(
            "The work takes longer: is the clock started before the work, and read after it? A future does nothing before it is awaited."
        )
    );
    ensure!(
        sum <= most + grain,
        text!("a mean of {mean} s, though the requests took {most} s", mean = mean(sum), most = mean(most)),
        text!("The values are milliseconds, and the unit says seconds: record as_secs_f64().")
    );
    if let Some(spans) = series.spans {
        // The end of a span may wait for its export. A clock that is read after it also measures that.
        let may_wait = exports_each_span(run) && sum > spans;
        ensure!(
            may_wait || (sum - spans).abs() <= 0.05 * spans + grain,
            text!("a mean of {mean} s, and of {spans} s in the spans", mean = mean(sum), spans = mean(spans)),
            text!("Metric and span measure the same work, from its start to its end.")
        );
    }
    Ok(())
}

/// Whether each span had an export of its own, as simple processors make.
fn exports_each_span(run: &Run) -> bool {
    run.exports >= run.telemetry.spans.len() as u64
}

/// Count, sum, minimum, maximum and buckets of a point must describe the same values.
fn is_consistent(point: &HistogramPoint, run: &Run) -> Check {
    if let Some(first) = point.bounds.iter().find(|bound| **bound > 0.0) {
        // The smallest bucket in the conventions ends at 5 ms, for a database at 1 ms. The SDK's default
        // buckets are made for milliseconds.
        ensure!(
            *first < 1.0,
            text!("the first bucket of a histogram ends at {first} s, which is too coarse", first = *first),
            text!(
                "Give it the buckets of the conventions, with_boundaries(…), or by a view if a library creates it: 0.005, 0.01, 0.025 \
                 and so on to 10."
            )
        );
    }
    let in_buckets = point.bucket_counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    ensure!(
        point.bucket_counts.is_empty() || in_buckets == point.count,
        text!(
            "count {count}, and {buckets} values in the buckets",
            count = point.count,
            buckets = in_buckets
        ),
        text!(
            "The SDK counts each value once in the count and once in a bucket; a processor on the way has changed one of them."
        )
    );
    let filled = || point.bucket_counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let lower =
        |index: usize| index.checked_sub(1).and_then(|index| point.bounds.get(index)).copied().unwrap_or(0.0);
    let upper = |index: usize| point.bounds.get(index).copied().unwrap_or(f64::INFINITY);
    let least: f64 = filled().map(|(index, count)| *count as f64 * lower(index)).sum();
    let most: f64 = filled().map(|(index, count)| *count as f64 * upper(index)).sum();
    let extremes = point.min.is_none_or(|min| {
        filled().next().is_none_or(|(index, _)| (lower(index)..=upper(index)).contains(&min))
    }) && point.max.is_none_or(|max| {
        filled().next_back().is_none_or(|(index, _)| (lower(index)..=upper(index)).contains(&max))
    });
    // A sum of floats has rounding errors.
    let (count, slack) = (point.count as f64, 1.0 + 1e-9);
    let sum = point.sum.unwrap_or_default();
    let is_between = point.min.is_none_or(|min| count * min <= sum * slack)
        && point.max.is_none_or(|max| sum <= count * max * slack);
    ensure!(
        is_between && (in_buckets == 0 || (least <= sum && sum <= most && extremes)),
        text!(
            "sum {sum}, minimum {min}, maximum {max} and the buckets describe different values",
            sum = sum,
            min = format!("{:?}", point.min),
            max = format!("{:?}", point.max)
        ),
        text!(
            "The SDK counts each value once in the count and once in a bucket; a processor on the way has changed one of them."
        )
    );
    ensure!(
        (run.started..=run.ended).contains(&point.time),
        text!("a point of the time {time}", time = point.time),
        text!("The time of a point is that of its export, in nanoseconds since 1970.")
    );
    Ok(())
}

/// The recommended attributes of the points that are missing.
pub(super) fn advice(run: &Run) -> Option<Message> {
    let mut missing: Vec<&str> = Vec::new();
    for (name, series) in
        [(SERVER, for_requests(run)), (CLIENT, for_calls(run)), (DATABASE, for_queries(run))]
    {
        let points = exports(run, name).and_then(|exports| points(&exports)).unwrap_or_default();
        for point in points {
            let Some(index) = series_of(point, &series) else { continue };
            missing.extend(recommended_are_missing(&point.attributes, table(name), &series[index].facts));
        }
    }
    missing.sort_unstable();
    missing.dedup();
    advice_on(missing)
}

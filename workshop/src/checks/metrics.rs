//! Step 8: the four metrics, with unit, attributes and plausible values.

use super::words::{Want, Wrong, attribute, expect, first_of, wrong};
use crate::evidence::{Evidence, Run};
use crate::verdict::Expectation;
use otlp::model::{Attributes, Data, HistogramPoint, Metric, Temporality};

/// A histogram that is expected.
struct Wanted<'a> {
    name: &'a str,
    /// How many values, in the calm run.
    count: u64,
    attributes: &'a [(&'a str, Want<'a>, &'a [&'a str])],
}

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let calm = &evidence.calm;
    let requests = calm.answered().count() as u64;
    if calm.telemetry.metrics.is_empty() {
        return vec![Expectation::failed(
            "metrics arrive over OTLP",
            "no metric was received",
            "Build a meter provider with a periodic OTLP exporter, make it the global one before any instrument is made, and \
             shut it down at the end: the last export happens then.",
        )];
    }
    let server = Wanted {
        name: "http.server.request.duration",
        count: requests,
        attributes: &[
            ("http.request.method", Want::Text("GET"), &["http.method"]),
            ("http.route", Want::Text("/handson"), &[]),
            ("url.scheme", Want::Text("http"), &["http.scheme"]),
            ("http.response.status_code", Want::Int(200), &["http.status_code"]),
            ("network.protocol.version", Want::Text("1.1"), &["http.flavor"]),
        ],
    };
    let client = Wanted {
        name: "http.client.request.duration",
        count: requests * 4,
        attributes: &[
            ("http.request.method", Want::AnyText, &["http.method"]),
            ("server.address", Want::Text("127.0.0.1"), &["net.peer.name"]),
            ("server.port", Want::AnyInt, &["net.peer.port"]),
            ("http.response.status_code", Want::Int(200), &["http.status_code"]),
        ],
    };
    let database = Wanted {
        name: "db.client.operation.duration",
        count: requests,
        attributes: &[
            ("db.system.name", Want::Text("sqlite"), &["db.system"]),
            ("db.operation.name", Want::Text("SELECT"), &["db.operation"]),
            ("db.collection.name", Want::Text("users"), &["db.sql.table"]),
        ],
    };
    let mut expectations: Vec<Expectation> = [server, client, database]
        .iter()
        .map(|wanted| {
            let expected = format!("{}: a histogram in seconds, with {} values", wanted.name, wanted.count);
            expect(expected, histogram(calm, wanted))
        })
        .collect();
    expectations.push(expect(
        "http.server.active_requests: an up-down counter in {request}, which is 0 when all requests are answered",
        active(calm),
    ));
    expectations.push(expect("the health check is not counted", {
        let points = calm.telemetry.metrics.iter().flat_map(points_about);
        first_of(points, |about| {
            (about.text("http.route") == Some("/healthz")).then(|| {
                (
                    "a point with http.route = \"/healthz\"".to_owned(),
                    "It is no request of a user: keep it out of the layer.".to_owned(),
                )
            })
        })
    }));
    expectations
}

fn points_about(metric: &Metric) -> Vec<&Attributes> {
    match &metric.data {
        Data::Histogram { points, .. } => points.iter().map(|point| &point.attributes).collect(),
        Data::Sum { points, .. } | Data::Gauge(points) => {
            points.iter().map(|point| &point.attributes).collect()
        }
        _ => Vec::new(),
    }
}

fn exports<'a>(run: &'a Run, name: &str) -> Result<Vec<&'a Metric>, Wrong> {
    let found: Vec<&Metric> = run.telemetry.metrics.iter().filter(|metric| metric.name == name).collect();
    if found.is_empty() {
        let mut names: Vec<&str> = run.telemetry.metrics.iter().map(|metric| metric.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let cause = format!(
            "Give the layers the meter provider (with_meter_provider), or record {name} with an instrument of your own."
        );
        return Err((format!("{name} is not among {}", names.join(", ")), cause));
    }
    Ok(found)
}

fn histogram(run: &Run, wanted: &Wanted<'_>) -> Option<Wrong> {
    let exports = match exports(run, wanted.name) {
        Ok(exports) => exports,
        Err(wrong) => return Some(wrong),
    };
    if let Some(metric) = exports.iter().find(|metric| metric.unit != "s") {
        return wrong(
            format!("unit {:?}", metric.unit),
            "The unit is s: durations are recorded in seconds, with_unit(\"s\") and as_secs_f64().",
        );
    }
    let mut points: Vec<&HistogramPoint> = Vec::new();
    for metric in &exports {
        match &metric.data {
            // Each export says all; the last one counts.
            Data::Histogram { temporality: Temporality::Cumulative, points: all }
            | Data::ExponentialHistogram { temporality: Temporality::Cumulative, points: all } => {
                points = all.iter().collect();
            }
            Data::Histogram { points: more, .. } | Data::ExponentialHistogram { points: more, .. } => {
                points.extend(more)
            }
            other => {
                let kind = format!("{other:?}");
                let kind = kind.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
                return wrong(
                    format!("it is a {kind}"),
                    "A duration is recorded by a histogram: f64_histogram(…).",
                );
            }
        }
    }
    if let Some(found) = points.iter().find_map(|point| about(point, wanted)) {
        return Some(found);
    }
    let count: u64 = points.iter().map(|point| point.count).sum();
    if count != wanted.count {
        let cause = if count < wanted.count {
            "Some are missing: is every request recorded, the failed ones too, and the meter provider shut down at the end?"
        } else {
            "Some are counted twice: two layers record the same metric, or /healthz is counted too."
        };
        return wrong(format!("expected {} values, got {count}", wanted.count), cause);
    }
    plausible(run, &points).or_else(|| points.iter().find_map(|point| coarse(point)))
}

/// The conventions' buckets begin at 5 ms, for a database at 1 ms. Those of the SDK are made for milliseconds.
fn coarse(point: &HistogramPoint) -> Option<Wrong> {
    let first = point.bounds.iter().find(|bound| **bound > 0.0)?;
    (*first >= 1.0).then(|| {
        (
            format!("the first bucket of a histogram ends at {first} s, which is too coarse"),
            "Give it the buckets of the conventions, with_boundaries(…), or by a view where a library makes it: 0.005, 0.01, 0.025 \
             and so on to 10."
                .to_owned(),
        )
    })
}

fn about(point: &HistogramPoint, wanted: &Wanted<'_>) -> Option<Wrong> {
    wanted.attributes.iter().find_map(|(key, want, old)| attribute(&point.attributes, key, want, old))
}

/// No value can be longer than the longest request; one that is, is in another unit.
fn plausible(run: &Run, points: &[&HistogramPoint]) -> Option<Wrong> {
    let longest = run.answered().map(|(exchange, _)| exchange.answered.saturating_sub(exchange.sent)).max()?
        as f64
        / 1e9;
    let count: u64 = points.iter().map(|point| point.count).sum();
    let mean = points.iter().map(|point| point.sum).sum::<f64>() / count as f64;
    if mean <= 0.0 {
        return wrong(
            format!("a mean of {mean} s"),
            "Nothing takes no time: is the clock started before the request, and read after it?",
        );
    }
    (mean > longest).then(|| {
        let seen = format!("a mean of {mean:.3} s, though no request took longer than {longest:.3} s");
        (seen, "The values are milliseconds, and the unit says seconds: record as_secs_f64().".to_owned())
    })
}

fn active(run: &Run) -> Option<Wrong> {
    let exports = match exports(run, "http.server.active_requests") {
        Ok(exports) => exports,
        Err(wrong) => return Some(wrong),
    };
    let last = exports.last()?;
    if last.unit != "{request}" {
        return wrong(format!("unit {:?}", last.unit), "The unit is {request}.");
    }
    let Data::Sum { monotonic: false, temporality, .. } = &last.data else {
        return wrong(
            "it is no up-down counter",
            "It goes up and down: i64_up_down_counter(…), add(1) and add(-1).",
        );
    };
    let left: f64 = exports
        .iter()
        .skip(if *temporality == Temporality::Delta { 0 } else { exports.len() - 1 })
        .flat_map(|metric| match &metric.data {
            Data::Sum { points, .. } => points.iter().map(|point| point.value).collect(),
            _ => Vec::new(),
        })
        .sum();
    if left != 0.0 {
        return wrong(
            format!("{left} requests are active at the end"),
            "What is counted up must be counted down, also where the caller gives up: do it in a Drop.",
        );
    }
    let Data::Sum { points, .. } = &last.data else { return None };
    points.iter().find_map(|point| {
        attribute(&point.attributes, "http.request.method", &Want::Text("GET"), &["http.method"])
            .or_else(|| attribute(&point.attributes, "url.scheme", &Want::Text("http"), &["http.scheme"]))
    })
}

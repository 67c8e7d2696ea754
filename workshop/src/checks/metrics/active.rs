//! The number of requests that are currently handled.

use std::collections::BTreeMap;

use super::ACTIVE;
use super::exports::{cause_of_early_end, exports, has_one_reader, has_one_scope};
use crate::checks::assert::{Check, each, ensure, fail};
use crate::checks::attributes::{Attribute, Is, attributes_are, required, text};
use crate::checks::requests::methods_of_strays;
use crate::evidence::{Purpose, Run, Unusual};
use crate::text;
use otlp::model::{Data, Point, Temporality, Value};

static ACTIVE_POINT: &[Attribute<Vec<Value>>] = &[
    required("http.request.method", |methods| Is::OneOf(methods.clone()), &["http.method"]),
    required("url.scheme", |_| text("http"), &["http.scheme"]),
];

/// The methods of the requests in a run, and of those that the check did not send.
fn methods(run: &Run) -> Vec<Value> {
    let unusual = run.exchanges.iter().filter_map(|exchange| match exchange.purpose {
        Purpose::Unusual(kind) => Some(kind.method_attribute()),
        _ => None,
    });
    unusual.chain(["GET"]).map(Value::from).chain(methods_of_strays(run)).collect()
}

/// A request counts while it runs: in the exports that fall into the time in which one waits for httpbin.
pub(super) fn counts_what_runs(run: &Run) -> Check {
    let Some((index, _)) = run.unusual(Unusual::SlowUpstream) else { return Ok(()) };
    let Some(call) = run.upstream_of(index).next() else { return Ok(()) };
    let mut series: BTreeMap<String, f64> = BTreeMap::new();
    let mut seen = Vec::new();
    for metric in exports(run, ACTIVE)? {
        let Data::Sum { temporality, points, .. } = &metric.data else { continue };
        for point in points {
            let value = series.entry(format!("{:?}", point.attributes)).or_default();
            *value = if *temporality == Temporality::Delta { *value + point.value } else { point.value };
        }
        if points.iter().any(|point| (call.arrived..call.answered).contains(&point.time)) {
            seen.push(series.values().sum::<f64>());
        }
    }
    // A program that does not read OTEL_METRIC_EXPORT_INTERVAL may export only at its end.
    ensure!(
        seen.is_empty() || seen.iter().any(|active| *active >= 1.0),
        text!(
            "0 requests are active in each of {count} exports while a request waits for httpbin",
            count = seen.len()
        ),
        text!(
            "It is counted up and down at the same time: add(1) when the request begins, and add(-1) when its answer is complete."
        )
    );
    Ok(())
}

/// Each request must be counted up and down in the same series.
pub(super) fn returns_to_zero(run: &Run) -> Check {
    let exports = exports(run, ACTIVE)?;
    has_one_scope(&exports)?;
    has_one_reader(&exports)?;
    let mut series: BTreeMap<String, f64> = BTreeMap::new();
    let mut all: Vec<&Point> = Vec::new();
    for metric in &exports {
        ensure!(
            metric.unit == "{request}",
            text!("unit {unit}", unit = format!("{:?}", metric.unit)),
            text!("The unit is {{request}}.")
        );
        let Data::Sum { monotonic: false, temporality, points } = &metric.data else {
            return fail(
                text!("it is not an up-down counter"),
                text!("It goes up and down: i64_up_down_counter(…), add(1) and add(-1)."),
            );
        };
        ensure!(
            *temporality != Temporality::Unspecified,
            text!("its temporality is unspecified"),
            text!("A sum is cumulative or delta; the SDK's exporter sets it.")
        );
        for point in points {
            let value = series.entry(format!("{:?}", point.attributes)).or_default();
            *value = if *temporality == Temporality::Delta { *value + point.value } else { point.value };
        }
        all.extend(points);
    }
    ensure!(
        !all.is_empty(),
        text!("it has no point"),
        text!("Each request counts up when it begins: add(1).")
    );
    let methods = methods(run);
    each(&all, |point| attributes_are(&point.attributes, ACTIVE_POINT, &methods))?;
    let last = all.iter().map(|point| point.time).max();
    let left: Vec<f64> = series.into_values().filter(|value| *value != 0.0).collect();
    ensure!(
        left.is_empty(),
        text!(
            "{count} requests are active at the end",
            count = left.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
        ),
        cause_of_early_end(run, last).unwrap_or_else(|| text!(
            "Each request that is counted up must be counted down, with the same attributes, even if the caller disconnects: do it in `Drop`."
        ))
    );
    each(&all, |point| {
        ensure!(
            (run.started..=run.ended).contains(&point.time),
            text!("a point of the time {time}", time = point.time),
            text!("The time of a point is that of its export, in nanoseconds since 1970.")
        );
        Ok(())
    })
}

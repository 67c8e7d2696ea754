//! The summary in the format of k6's `--summary-export`.

use serde_json::{Map, Value, json};

use crate::metrics::{Metric, Metrics, NAMES, Trend, share};
use crate::thresholds::Threshold;

type OfTrend = fn(&Trend) -> f64;

/// The aggregations of a trend.
pub(super) const TREND: [(&str, OfTrend); 7] = [
    ("avg", Trend::avg),
    ("min", Trend::min),
    ("med", |trend| trend.percentile(50.0)),
    ("max", Trend::max),
    ("p(90)", |trend| trend.percentile(90.0)),
    ("p(95)", |trend| trend.percentile(95.0)),
    ("p(99)", |trend| trend.percentile(99.0)),
];

/// `root_group` with the checks, and `metrics`. Times are in milliseconds, shares from 0 to 1. As in k6, the
/// `passes` of `http_req_failed` are the failed requests, and `true` for a threshold means that it was
/// crossed.
pub fn summary(metrics: &Metrics, thresholds: &[Threshold]) -> Value {
    let check = |check: &crate::metrics::CheckCount| {
        let entry = json!({
            "name": check.name,
            "path": format!("::{}", check.name),
            "passes": check.passes,
            "fails": check.fails,
        });
        (check.name.clone(), entry)
    };
    let all = NAMES.iter().filter_map(|(name, _)| {
        let metric = metrics.get(name)?;
        // As in k6, a metric of certain responses is left out if there were none.
        if name.contains('{') && matches!(metric, Metric::Trend(trend) if trend.count() == 0) {
            return None;
        }
        let mut entry = numbers(metric);
        let crossed: Map<String, Value> = thresholds
            .iter()
            .filter(|threshold| threshold.metric == *name)
            .map(|threshold| (threshold.expression.clone(), (!threshold.holds(metrics)).into()))
            .collect();
        if !crossed.is_empty() {
            entry.insert("thresholds".to_owned(), crossed.into());
        }
        Some(((*name).to_owned(), Value::from(entry)))
    });
    json!({
        "root_group": {
            "name": "",
            "path": "",
            "groups": {},
            "checks": metrics.checks.iter().map(check).collect::<Map<_, _>>(),
        },
        "metrics": all.collect::<Map<_, _>>(),
    })
}

fn numbers(metric: Metric<'_>) -> Map<String, Value> {
    let numbers: Vec<(&str, Value)> = match metric {
        Metric::Counter { count, elapsed } => {
            let seconds = elapsed.as_secs_f64();
            let rate = if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
            vec![("count", count.into()), ("rate", rate.into())]
        }
        Metric::Gauge { value, min, max } => {
            vec![("value", value.into()), ("min", min.into()), ("max", max.into())]
        }
        Metric::Rate { passes, fails } => {
            let value = share(passes, passes + fails);
            vec![("passes", passes.into()), ("fails", fails.into()), ("value", value.into())]
        }
        Metric::Trend(trend) => TREND.iter().map(|(label, of)| (*label, of(trend).into())).collect(),
    };
    numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

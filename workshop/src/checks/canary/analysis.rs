//! The queries to Datadog in the analysis.

use serde_json::Value;

use super::stages::stages;
use crate::checks::assert::{Check, ensure};
use crate::deployment::app::{App, Metric, Stage};
use crate::text;
use crate::verdict::Failure;

pub(super) fn queries_by_version(app: &App, service: &str) -> Check {
    let mut analyses = stages(app).iter().filter(|stage| stage.name == "ANALYSIS");
    analyses
        .try_for_each(|stage| metrics(stage)?.iter().try_for_each(|metric| metric_is_right(metric, service)))
}

fn metrics(stage: &Stage) -> Result<Vec<Metric>, Failure> {
    let metrics = stage.with.get("metrics").and_then(Value::as_array).cloned().unwrap_or_default();
    if metrics.is_empty() || !stage.with.contains_key("duration") {
        return Err(Failure::new(
            text!("ANALYSIS has no metrics, or no duration"),
            text!("It watches metrics for some time, so it needs both."),
        ));
    }
    let metrics = metrics.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
    metrics.map_err(|error| {
        Failure::new(
            format!("metrics: {error}").into(),
            text!("Compare it with the metrics of handson-api-canary."),
        )
    })
}

fn metric_is_right(metric: &Metric, service: &str) -> Check {
    let (expected, query) = (&metric.expected, &metric.query);
    ensure!(
        expected.min.is_some() || expected.max.is_some(),
        text!("expected: neither min nor max"),
        text!("Any value would pass: write which values are expected.")
    );
    let mut services =
        query.split("service:").skip(1).filter_map(|rest| rest.split(['}', ',', ' ']).next()).peekable();
    ensure!(
        services.peek().is_some() && services.all(|queried| queried == service),
        query.clone(),
        text!("It should query service:{service}, and no other service.", service)
    );
    ensure!(
        query.contains("by {version}"),
        query.clone(),
        text!(
            "Without `by {{version}}`, the few requests of the new version are not visible among those of the old one."
        )
    );
    Ok(())
}

//! What the analysis asks of Datadog.

use serde_json::Value;

use super::stages::stages;
use crate::checks::words::{Wrong, wrong};
use crate::deployment::app::{App, Metric};

pub(super) fn analysis_is_wrong(app: &App, name: &str) -> Option<Wrong> {
    for stage in stages(app).iter().filter(|stage| stage.name == "ANALYSIS") {
        let metrics = stage.with.get("metrics").and_then(Value::as_array).cloned().unwrap_or_default();
        if metrics.is_empty() || !stage.with.contains_key("duration") {
            return wrong("ANALYSIS has no metrics, or no duration", "It looks at metrics, for a time.");
        }
        for metric in metrics {
            let metric: Metric = match serde_json::from_value(metric) {
                Ok(metric) => metric,
                Err(error) => {
                    return wrong(format!("metrics: {error}"), "Compare it with that of handson-api-canary.");
                }
            };
            if metric.expected.min.is_none() && metric.expected.max.is_none() {
                return wrong("expected: neither min nor max", "Any answer would do: say what is expected.");
            }
            let service = format!("handson-{name}");
            let mut services = metric
                .query
                .split("service:")
                .skip(1)
                .filter_map(|rest| rest.split(['}', ',', ' ']).next())
                .peekable();
            if services.peek().is_none() || services.any(|asked| asked != service) {
                return wrong(metric.query, format!("It asks for another service than service:{service}."));
            }
            if !metric.query.contains("by {version}") {
                return wrong(
                    metric.query,
                    "Without `by {version}` the few requests of the new version drown in those of the old one.",
                );
            }
        }
    }
    None
}

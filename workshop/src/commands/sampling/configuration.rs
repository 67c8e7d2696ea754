//! What the configuration of a Collector says about tail sampling. It decides how long to wait, and which
//! cause is named; the verdict depends only on what arrives.

use std::env;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::commands::fail;
use crate::error;
use crate::text;

/// The Collector's defaults.
const DECISION_WAIT: Duration = Duration::from_secs(30);
const METRICS_INTERVAL: Duration = Duration::from_secs(60);
const NUM_TRACES: u64 = 50_000;

/// A part of the configuration.
pub(super) struct Configuration {
    /// How long tail sampling waits from the first span of a trace; 0 if there is none.
    pub(super) decision_wait: Duration,
    /// How many traces it holds.
    pub(super) num_traces: u64,
    /// The types of all its policies, also of those in others.
    pub(super) policies: Vec<String>,
    /// Whether a pipeline has tail sampling.
    pub(super) has_tail_sampling: bool,
    /// How often the connector for span metrics sends; `None` if there is no such connector.
    pub(super) metrics_interval: Option<Duration>,
}

impl Configuration {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not YAML.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = error::read_to_string(file)?;
        Self::parse(&text).map_err(|error| {
            fail(text!(
                "{file} is not YAML: {error}",
                file = file.display().to_string(),
                error = error.to_string()
            ))
        })
    }

    /// The time from the last span to the last decision, or to the last metrics. The connector begins a new
    /// series with 0, so its count comes with the second export.
    pub(super) fn longest_wait(&self) -> Duration {
        self.decision_wait.max(2 * self.metrics_interval.unwrap_or_default())
    }

    fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        let yaml: Value = serde_saphyr::from_str(text)?;
        let sampler = component(&yaml["processors"], &["tail_sampling"]).unwrap_or(&Value::Null);
        let connector = component(&yaml["connectors"], &["span_metrics", "spanmetrics"]);
        let mut policies = Vec::new();
        collect_types(&sampler["policies"], &mut policies);
        let is_sampler = |name: &Value| name.as_str().is_some_and(|name| has_type(name, "tail_sampling"));
        let pipelines = yaml["service"]["pipelines"].as_object().into_iter().flatten();
        let has_tail_sampling = pipelines
            .filter_map(|(_, pipeline)| pipeline["processors"].as_array())
            .any(|processors| processors.iter().any(is_sampler));
        let decision_wait = duration(&sampler["decision_wait"]).unwrap_or(DECISION_WAIT);
        Ok(Self {
            decision_wait: if has_tail_sampling { decision_wait } else { Duration::ZERO },
            num_traces: resolved(&sampler["num_traces"])
                .and_then(|number| number.parse().ok())
                .unwrap_or(NUM_TRACES),
            policies,
            has_tail_sampling,
            metrics_interval: connector
                .map(|connector| duration(&connector["metrics_flush_interval"]).unwrap_or(METRICS_INTERVAL)),
        })
    }
}

/// The first component of one of these types: `TYPE` or `TYPE/NAME`.
fn component<'a>(components: &'a Value, types: &[&str]) -> Option<&'a Value> {
    let components = components.as_object()?.iter();
    let mut of_type = components.filter(|(name, _)| types.iter().any(|kind| has_type(name, kind)));
    of_type.next().map(|(_, component)| component)
}

fn has_type(name: &str, kind: &str) -> bool {
    name.split('/').next() == Some(kind)
}

/// Collects the values of all keys `type`.
fn collect_types(value: &Value, types: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_types(value, types)),
        Value::Object(members) => {
            types.extend(members.get("type").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| collect_types(value, types));
        }
        _ => {}
    }
}

/// The text of a scalar. `${env:NAME:-DEFAULT}` is replaced by the variable.
fn resolved(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Number(number) => return Some(number.to_string()),
        _ => return None,
    };
    let Some(variable) = text.strip_prefix("${env:").and_then(|text| text.strip_suffix('}')) else {
        return Some(text.to_owned());
    };
    let (name, default) = variable.split_once(":-").unwrap_or((variable, ""));
    Some(env::var(name).unwrap_or_else(|_| default.to_owned()))
}

/// A duration in Go's form, such as `1m30s` or `1.5s`.
fn duration(value: &Value) -> Option<Duration> {
    let text = resolved(value)?;
    let seconds = text.strip_suffix('s').and_then(|seconds| seconds.parse::<f64>().ok());
    let fraction = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    fraction.or_else(|| humantime::parse_duration(&text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_judge_needs_is_read_from_the_configuration() {
        let configuration = Configuration::parse(
            "processors:\n  tail_sampling/all:\n    decision_wait: ${env:NO_SUCH_VARIABLE:-1500ms}\n    num_traces: 70\n    policies:\n    \
             - {name: a, type: and, and: {and_sub_policy: [{name: b, type: latency}]}}\n    - {name: c, type: status_code}\n\
             connectors:\n  span_metrics: {metrics_flush_interval: 1m30s}\n\
             service:\n  pipelines:\n    traces: {processors: [batch, tail_sampling/all]}\n",
        )
        .map_err(|error| error.to_string());
        let Ok(configuration) = configuration else { panic!("{:?}", configuration.err()) };
        assert_eq!(configuration.decision_wait, Duration::from_millis(1_500));
        assert_eq!(configuration.metrics_interval, Some(Duration::from_secs(90)));
        assert_eq!((configuration.num_traces, configuration.has_tail_sampling), (70, true));
        assert_eq!(configuration.policies, ["and", "latency", "status_code"]);
    }

    #[test]
    fn without_tail_sampling_nothing_waits_and_otherwise_the_defaults_hold() {
        let Ok(configuration) = Configuration::parse("processors: {batch: }\n") else { panic!("it is YAML") };
        assert_eq!(configuration.decision_wait, Duration::ZERO);
        assert_eq!((configuration.metrics_interval, configuration.has_tail_sampling), (None, false));
        let sampling = "service: {pipelines: {traces: {processors: [tail_sampling]}}}";
        let Ok(configuration) = Configuration::parse(sampling) else { panic!("it is YAML") };
        assert_eq!(configuration.decision_wait, DECISION_WAIT);
    }

    #[test]
    fn durations_are_those_of_go() {
        for (text, milliseconds) in [("10s", 10_000), ("1.5s", 1_500), ("250ms", 250), ("2m", 120_000)] {
            assert_eq!(duration(&text.into()), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        assert_eq!(duration(&"soon".into()), None);
    }
}

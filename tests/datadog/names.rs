//! The received telemetry with Datadog's names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::rules::{self, LOG_KEYS, RESOURCE, TRACE_METRICS, Type};
use crate::run::Run;
use crate::support::queries::{Point, Queries};
use otlp::model::{Attributes, Span, StatusCode};

/// Tags of a series, or facets of an event, with their values.
pub type Tags = BTreeMap<String, String>;

/// A metric and its series.
#[derive(Debug)]
pub struct Metric {
    pub kind: Type,
    pub percentiles: bool,
    pub series: Vec<Tags>,
}

/// All names that can be used in queries.
#[derive(Debug, Default)]
pub struct Names {
    pub metrics: BTreeMap<String, Metric>,
    pub spans: Vec<Tags>,
    pub logs: Vec<Tags>,
}

impl Names {
    /// The names of a run.
    pub fn from_run(run: &Run) -> Self {
        let mut names = Self::default();
        let received = &run.received;
        received.points().iter().for_each(|point| names.add_point(point));
        let ours = |span: &Span| (span.service().to_owned(), span.span_id.clone());
        let known: BTreeSet<_> = received.spans.iter().map(ours).collect();
        for span in &received.spans {
            names.spans.push(of_span(span));
            // Requests enter a service at a span without a parent in the same service.
            let parent = |id: &String| known.contains(&(span.service().to_owned(), id.clone()));
            if !span.parent_span_id.as_ref().is_some_and(parent) {
                names.add_entry(span);
            }
        }
        names.logs = run.lines.iter().map(|line| of_line(line, run)).collect();
        names
    }

    fn add(&mut self, metric: String, kind: Type, percentiles: bool, tags: Tags) {
        let empty = Metric { kind, percentiles, series: Vec::new() };
        self.metrics.entry(metric).or_insert(empty).series.push(tags);
    }

    fn add_point(&mut self, point: &Point<'_>) {
        let mut tags = of_resource(&point.metric.resource);
        tags.extend(point.attributes.iter().map(|(name, value)| (name.to_owned(), tag(value))));
        self.add(rules::metric(&point.metric.name), rules::of_instrument(point.instrument), false, tags);
    }

    fn add_entry(&mut self, span: &Span) {
        let Some(operation) = rules::operation(span) else { return };
        for (suffix, kind, has_status_code) in TRACE_METRICS {
            if *suffix == ".errors" && span.status != StatusCode::Error {
                continue;
            }
            let mut tags = of_resource(&span.resource);
            tags.remove("service.instance.id");
            tags.insert("resource_name".to_owned(), rules::tag_value(&rules::resource(span)));
            if let Some(code) = span.attributes.get("http.response.status_code").filter(|_| *has_status_code)
            {
                tags.insert("http.status_code".to_owned(), tag(code));
            }
            let metric = format!("trace.{operation}{suffix}");
            self.add(metric, *kind, *kind == Type::Distribution, tags);
        }
    }
}

/// The tags from a resource.
fn of_resource(resource: &Attributes) -> Tags {
    let known = RESOURCE.iter().filter_map(|(otlp, tag)| Some(((*tag).to_owned(), resource.get(otlp)?)));
    known.map(|(name, value)| (name, tag(value))).collect()
}

fn of_span(span: &Span) -> Tags {
    let failed = span.status == StatusCode::Error;
    let mut facets = of_resource(&span.resource);
    facets.extend(span.attributes.iter().map(|(name, value)| (rules::facet(name), value.unquoted())));
    facets.insert("resource_name".to_owned(), rules::resource(span));
    facets.insert("status".to_owned(), if failed { "error" } else { "ok" }.to_owned());
    facets.insert("@duration".to_owned(), (span.end - span.start).to_string());
    facets.extend(rules::operation(span).map(|operation| ("operation_name".to_owned(), operation)));
    if failed {
        facets.insert("@otel.status_description".to_owned(), span.status_message.clone());
    }
    facets
}

/// A line as FireLens sends it: its keys, and the service and the tags of the task definition.
fn of_line(line: &Value, run: &Run) -> Tags {
    let container = run.task.container("handson-api");
    let tags = container.tags().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut facets: Tags = tags.collect();
    flatten("", line, &mut facets);
    for (key, name) in LOG_KEYS {
        facets.extend(line.get(key).map(|value| ((*name).to_owned(), text(value).to_lowercase())));
    }
    facets.insert("service".to_owned(), container.setting("dd_service").to_owned());
    facets
}

/// `{"error": {"kind": …}}` becomes `@error.kind`.
fn flatten(prefix: &str, value: &Value, facets: &mut Tags) {
    match value {
        Value::Object(members) => {
            let dot = if prefix.is_empty() { "" } else { "." };
            members.iter().for_each(|(name, value)| flatten(&format!("{prefix}{dot}{name}"), value, facets));
        }
        _ => drop(facets.insert(format!("@{prefix}"), text(value))),
    }
}

fn tag(value: &otlp::model::Value) -> String {
    rules::tag_value(&value.unquoted())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

//! Compares the names in queries with the emitted telemetry.

use crate::metric_query::MetricQuery;
use crate::names::{Metric, Names, Tags};
use crate::queries::{Kind, Query, queries};
use crate::rules::Type;
use crate::sources::Sources;

/// The columns that a list shows for every event.
const PARTS_OF_AN_EVENT: &[&str] = &["timestamp", "status_line", "content"];

/// Everything that is wrong, as messages; empty if nothing is.
pub fn complaints(sources: &Sources, names: &Names) -> Vec<String> {
    let (queries, mut found) = queries(sources);
    for Query { place, text, kind } in queries {
        let words = match kind {
            Kind::Metrics => of_metrics(&text, names),
            Kind::Spans(facets) => of_events("span", &text, &facets, &names.spans),
            Kind::Logs(facets) => of_events("log line", &text, &facets, &names.logs),
            Kind::ErrorTracking => of_error_tracking(&text, names),
        };
        found.extend(words.into_iter().map(|words| format!("{place}: {words}")));
    }
    found
}

fn of_metrics(text: &str, names: &Names) -> Vec<String> {
    match MetricQuery::parse_all(text) {
        Err(words) => vec![words],
        Ok(queries) if queries.is_empty() => vec![format!("asks for nothing: {text}")],
        Ok(queries) => queries.iter().flat_map(|query| of_metric(query, names)).collect(),
    }
}

fn of_metric(query: &MetricQuery, names: &Names) -> Vec<String> {
    let name = &query.metric;
    let Some(metric) = names.metrics.get(name) else {
        return vec![format!("nobody sends the metric {name}")];
    };
    let mut found = Vec::new();
    found.extend(unfit_aggregator(query, metric));
    for function in &query.functions {
        let counts = metric.kind == Type::Count
            || metric.kind == Type::Distribution && ["count", "sum"].contains(&query.aggregator.as_str());
        match function.as_str() {
            "as_count" | "as_rate" if counts => {}
            "as_count" | "as_rate" => {
                found.push(format!("{function} is for counts, {name} is a {:?}", metric.kind))
            }
            "rollup" => {}
            _ => found.push(format!("the function {function} is not known")),
        }
    }
    let series: Vec<&Tags> = metric.series.iter().filter(|tags| fits(tags, &query.filters)).collect();
    if series.is_empty() {
        found.push(format!("no series of {name} has {:?}", query.filters));
        return found;
    }
    let absent = query.by.iter().filter(|tag| !series.iter().any(|tags| tags.contains_key(*tag)));
    found.extend(absent.map(|tag| format!("{name} has no tag {tag}")));
    found
}

fn unfit_aggregator(query: &MetricQuery, metric: &Metric) -> Option<String> {
    let MetricQuery { aggregator, metric: name, .. } = query;
    let percentile = aggregator.strip_prefix('p').is_some_and(|digits| digits.parse::<u8>().is_ok());
    match aggregator.as_str() {
        "sum" | "avg" | "min" | "max" => None,
        "count" if metric.kind == Type::Distribution => None,
        "count" => Some(format!("count is for distributions, {name} is a {:?}", metric.kind)),
        _ if percentile && metric.percentiles => None,
        _ if percentile => Some(format!("{name} has no percentiles")),
        _ => Some(format!("the aggregator {aggregator} is not known")),
    }
}

fn of_events(what: &str, text: &str, facets: &[String], events: &[Tags]) -> Vec<String> {
    let terms: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let matching: Vec<&Tags> = events.iter().filter(|event| fits(event, &terms)).collect();
    if matching.is_empty() {
        return vec![format!("no {what} has {terms:?}")];
    }
    let shown = facets.iter().filter(|facet| !PARTS_OF_AN_EVENT.contains(&facet.as_str()));
    let absent = shown.filter(|facet| !matching.iter().any(|event| event.contains_key(*facet)));
    absent.map(|facet| format!("no {what} with {terms:?} has {facet}")).collect()
}

/// `error-tracking("FILTER").source("backend").new().rollup("count").by("@issue.id").last("1d") > 0`. Errors
/// come from log lines; the issue is created by Datadog.
fn of_error_tracking(text: &str, names: &Names) -> Vec<String> {
    let filter = text.strip_prefix("error-tracking(\"").and_then(|rest| rest.split_once("\")."));
    let Some((filter, chain)) = filter else { return vec![format!("cannot read `{text}`")] };
    let expected = "source(\"backend\").new().rollup(\"count\").by(\"@issue.id\").last(\"1d\") > ";
    let mut found =
        of_events("log line", &format!("{filter} status:error"), &["@error.kind".to_owned()], &names.logs);
    if !chain.starts_with(expected) {
        found.push(format!("expected {expected}, not {chain}"));
    }
    found
}

/// Each term is `name:value`, and the value may end with `*`.
fn fits(tags: &Tags, terms: &[String]) -> bool {
    terms.iter().all(|term| {
        let value_fits = |value: &String, wanted: &str| match wanted.strip_suffix('*') {
            Some(beginning) => value.starts_with(beginning),
            None => value == wanted,
        };
        term.split_once(':')
            .is_some_and(|(name, wanted)| tags.get(name).is_some_and(|value| value_fits(value, wanted)))
    })
}

//! Dashboards and monitors refer to telemetry by name. These tests extract each metric, tag and facet from
//! the queries, and compare it with the telemetry of the real service and load generator, converted to
//! Datadog's names: `docs/datadog.md` describes the rules, `rules` implements them, and a test compares the
//! two.

#![allow(clippy::unwrap_used)] // A test that cannot continue should panic.

mod document;
mod judge;
mod metric_query;
mod mistakes;
mod names;
mod queries;
mod rules;
mod run;
#[allow(dead_code, unused_imports, reason = "the tests of the service use the rest")]
#[path = "../service"]
mod service {
    pub mod support;
}
mod sources;
mod task;

use std::collections::BTreeSet;

use judge::complaints;
use metric_query::MetricQuery;
use names::Names;
use queries::{Kind, queries};
use run::run;
use service::support;
use sources::Sources;

#[tokio::test(flavor = "multi_thread")]
async fn every_name_in_a_query_is_emitted() {
    assert_eq!(complaints(&Sources::read(), &Names::from_run(run().await)), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plausible_mistake_is_refused() {
    let names = Names::from_run(run().await);
    for mistake in mistakes::MISTAKES {
        let found = complaints(&mistake.made_in(Sources::read()), &names);
        assert!(found.iter().any(|words| words.contains(mistake.complaint)), "{mistake:#?}: {found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_that_is_no_longer_sent_is_reported() {
    let (sources, run) = (Sources::read(), run().await);
    for metric in metrics_in_queries(&sources) {
        let mut names = Names::from_run(run);
        names.metrics.remove(&metric);
        let expected = format!("nobody sends the metric {metric}");
        let found = complaints(&sources, &names);
        assert!(found.iter().any(|words| words.ends_with(&expected)), "{metric}: {found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn service_and_load_generator_have_the_same_names_in_traces_metrics_and_logs() {
    let run = run().await;
    for container in ["handson-api", "loadtest"] {
        let container = run.task.container(container);
        let service = container.setting("dd_service");
        assert_eq!(container.setting("com.datadoghq.tags.service"), service);
        assert_eq!(container.setting("com.datadoghq.tags.env"), run.environment());
        assert!(container.tags().contains(&("env", run.environment())), "{container:?}");

        let mut spans = run.received.spans.iter().filter(|span| span.service() == service).peekable();
        assert!(spans.peek().is_some(), "no span is of {service}");
        assert!(spans.all(|span| span.resource["deployment.environment.name"] == run.environment()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_have_the_fields_that_error_tracking_requires() {
    let errors: Vec<_> = run().await.lines.iter().filter(|line| line["level"] == "ERROR").collect();
    assert!(!errors.is_empty());
    for line in errors {
        for text in ["/error/kind", "/error/message", "/error/stack", "/service", "/trace_id", "/span_id"] {
            assert!(line.pointer(text).is_some_and(serde_json::Value::is_string), "{text} in {line}");
        }
    }
}

#[test]
fn the_document_has_the_rules_of_these_tests() {
    for (heading, rules) in rules::tables() {
        assert_eq!(document::table(heading), rules, "docs/datadog.md, {heading}");
    }
}

#[test]
fn the_document_names_exactly_the_metrics_that_are_used() {
    let listed = document::table("Metrics in use").into_keys().collect::<BTreeSet<_>>();
    assert_eq!(listed, metrics_in_queries(&Sources::read()));
}

/// All metrics that are used in queries.
fn metrics_in_queries(sources: &Sources) -> BTreeSet<String> {
    let (queries, _) = queries(sources);
    let metrics = queries.iter().filter(|query| matches!(query.kind, Kind::Metrics));
    let metrics = metrics.flat_map(|query| MetricQuery::parse_all(&query.text).unwrap());
    metrics.map(|query| query.metric).collect()
}

//! The resource of all three signals.

use std::collections::BTreeSet;

use serde_json::json;

use super::one_request;
use crate::support::assert_holds;
use crate::support::queries::{Queries, sorted};
use crate::support::service::Setup;
use otlp::Receiver;
use otlp::model::Attributes;

#[tokio::test(flavor = "multi_thread")]
async fn the_resource_names_service_version_instance_and_environment() {
    let collector = Receiver::start().await.unwrap();
    let setup = Setup::exporting_to(&collector)
        .with("ENV", "staging")
        .with("OTEL_RESOURCE_ATTRIBUTES", "handson.team=sakura");
    let (_, received) = one_request(setup, &collector).await;

    let resource = &*received.span("GET /handson").resource;
    assert_holds(
        resource,
        &json!({
            "service.name": "handson",
            "deployment.environment.name": "staging",
            "handson.team": "sakura",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.language": "rust",
        }),
    );
    for name in ["service.version", "service.instance.id", "telemetry.sdk.version"] {
        assert!(resource[name].as_str().is_some_and(|value| !value.is_empty()), "{name}: {resource:#?}");
    }
    let version = resource["service.version"].as_str().unwrap();
    assert!(version.starts_with(env!("CARGO_PKG_VERSION")), "{version}");

    // The commit is known if the program was built in a clone or got it; then the version contains it.
    match resource.text("vcs.ref.head.revision") {
        Some(commit) => {
            assert_eq!(commit.len(), 40, "{commit}");
            let suffix = version.split_once('+').map(|(_, suffix)| suffix);
            assert!(suffix.is_some_and(|suffix| commit.starts_with(suffix)), "{version}, {commit}");
        }
        None => assert_eq!(version, env!("CARGO_PKG_VERSION")),
    }
    if let Some(url) = resource.text("vcs.repository.url.full") {
        assert!(url.starts_with("https://") && !url.contains('@'), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_three_signals_of_a_process_have_one_resource() {
    let collector = Receiver::start().await.unwrap();
    let (_, received) = one_request(Setup::exporting_to(&collector), &collector).await;

    let spans = received.spans.iter().map(|span| &span.resource);
    let metrics = received.metrics.iter().map(|metric| &metric.resource);
    let records = received.log_records.iter().map(|record| &record.resource);
    let text = |resource: &std::sync::Arc<Attributes>| format!("{:#?}", sorted(resource));
    let resources: BTreeSet<String> = spans.chain(metrics).chain(records).map(text).collect();
    assert_eq!(resources.len(), 1, "{resources:#?}");
    assert!(!received.metrics.is_empty() && !received.log_records.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_are_two_instances() {
    let collector = Receiver::start().await.unwrap();
    let (_, _) = one_request(Setup::exporting_to(&collector), &collector).await;
    let (_, received) = one_request(Setup::exporting_to(&collector), &collector).await;

    let instances: BTreeSet<_> =
        received.spans.iter().map(|s| s.resource["service.instance.id"].to_string()).collect();
    assert_eq!(instances.len(), 2, "{instances:?}");
}

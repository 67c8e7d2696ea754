//! Everything that is sent in a run with successes and failures is checked against the semantic conventions.

pub mod judge;
mod vocabulary;

use std::collections::BTreeSet;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::OnceCell;

use crate::support::queries::{Instrument, Queries};
use crate::support::service::Setup;
use crate::support::start_upstream;
use judge::violations;
use otlp::Receiver;
use otlp::model::{SpanKind, Telemetry, Value};
use upstream::Reaction;

/// The telemetry of a run with many kinds of events, shared by all tests of this module.
async fn eventful_run() -> &'static Telemetry {
    static RUN: OnceCell<Telemetry> = OnceCell::const_new();
    RUN.get_or_init(run).await
}

async fn run() -> Telemetry {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|call| match call.number {
        // After three requests with four calls each:
        12 => Reaction::Status(500),
        13 => Reaction::BreakOffBody,
        14 => Reaction::Hold,
        _ => Reaction::Answer,
    });
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}?mode=rwc", folder.path().join("handson.db").display());

    let setup = Setup::exporting_to(&collector).calling(&upstream).with("DATABASE_URL", &database);
    let service = setup.with("HTTPBIN_TIMEOUT", "500ms").start().await;
    for _ in 0..3 {
        assert_eq!(service.get("/handson?sig=secret&page=1").await.status, 200);
    }
    for _ in ["a 500", "half an answer", "no answer"] {
        service.get("/handson").await.assert_problem(500);
    }
    let mut connection = SqliteConnection::connect(&database).await.unwrap();
    sqlx::query("DROP TABLE users").execute(&mut connection).await.unwrap();
    service.get("/handson").await.assert_problem(500);
    service.get("/nowhere").await.assert_problem(404);
    for method in ["POST", "BREW"] {
        let request = service.client().request(method.parse().unwrap(), service.url("/handson"));
        assert_eq!(request.send().await.unwrap().status(), 405);
    }
    service.stop().await;

    let service = Setup::exporting_to(&collector).with("RANDOM_ERROR_RATE", "1").start().await;
    service.get("/handson").await.assert_problem(500);
    service.stop().await;

    let httpbin = Setup::exporting_to(&collector).arguments(&["httpbin", "--port", "0"]).start().await;
    httpbin.get("/get?page=1").await;
    httpbin.stop().await;
    collector.telemetry()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_telemetry_violates_the_conventions() {
    let received = eventful_run().await;
    assert_eq!(violations(received), Vec::<String>::new());
    for what in [SpanKind::Server, SpanKind::Client, SpanKind::Internal] {
        assert!(received.spans.iter().any(|span| span.kind == what), "{what:?} was judged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_in_a_query_are_redacted() {
    let received = eventful_run().await;
    let queries: BTreeSet<&str> =
        received.spans.iter().filter_map(|span| span.attributes.get("url.query")?.as_str()).collect();
    assert_eq!(queries, BTreeSet::from(["sig=REDACTED&page=1", "page=1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_metrics_of_the_contract_are_exported() {
    let received = eventful_run().await;
    for metric in [
        "http.server.request.duration",
        "http.server.active_requests",
        "http.client.request.duration",
        "db.client.operation.duration",
        "otel.sdk.processor.span.processed",
        "otel.sdk.exporter.span.exported",
        "otel.sdk.processor.log.processed",
        "otel.sdk.exporter.log.exported",
    ] {
        assert!(!received.newest(metric).is_empty(), "{metric}");
    }
    if cfg!(target_os = "linux") {
        assert!(received.total("process.cpu.time", |_| true) > 0.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn durations_are_in_seconds() {
    let received = eventful_run().await;
    for (metric, attribute) in [
        ("http.server.request.duration", "url.path"),
        ("http.client.request.duration", "url.full"),
        ("db.client.operation.duration", "db.system.name"),
    ] {
        let points = received.newest(metric);
        let (count, seconds) =
            points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.value, sum.1 + point.sum));
        let spans: Vec<_> =
            received.spans.iter().filter(|span| span.attributes.contains_key(attribute)).collect();
        let by_spans: f64 = spans.iter().map(|span| (span.end - span.start) as f64 / 1e9).sum();

        assert_eq!(count, spans.len() as f64, "{metric}: as many as spans");
        let plausible = by_spans / 3.0..by_spans * 3.0;
        assert!(plausible.contains(&seconds), "{metric}: {seconds} s, the spans took {by_spans} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_those_that_the_conventions_recommend() {
    let http = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    let database = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
    let points = eventful_run().await.points();
    for point in points.iter().filter(|point| point.instrument == Instrument::Histogram) {
        let expected = if point.metric.name.starts_with("http.") { &http[..] } else { &database[..] };
        assert_eq!(point.bounds, expected, "{}", point.metric.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_counted_as_failures_and_no_request_stays_active() {
    let received = eventful_run().await;
    let count = |metric: &str, attribute: &str, value: Value| {
        received.total(metric, |attributes| attributes.get(attribute) == Some(&value)) as u64
    };
    let server = "http.server.request.duration";
    // Three failures by httpbin, one by the database, one at random; three requests to the service and one to
    // the local httpbin succeeded.
    assert_eq!(count(server, "http.response.status_code", Value::Int(500)), 5);
    assert_eq!(count(server, "error.type", "500".into()), 5);
    assert_eq!(count(server, "http.response.status_code", Value::Int(200)), 4);
    assert_eq!(count(server, "http.response.status_code", Value::Int(404)), 1);
    assert_eq!(count("http.client.request.duration", "error.type", "500".into()), 1);
    assert_eq!(count("http.client.request.duration", "error.type", "timeout".into()), 1);
    let database = "db.client.operation.duration";
    assert_eq!(received.total(database, |attributes| attributes.contains_key("error.type")), 1.0);
    assert_eq!(received.total("http.server.active_requests", |_| true), 0.0);
}

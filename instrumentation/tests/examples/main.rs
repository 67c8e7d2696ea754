//! The examples, run as processes: all three signals arrive at a collector, and nothing is lost at the end.

mod process;

use std::collections::BTreeSet;

use otlp::Receiver;
use otlp::model::{LogRecord, Telemetry};
use process::Process;

/// The span of the caller, which the service must continue.
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID: &str = "b7ad6b7169203331";

#[test]
fn the_minimal_example_has_at_most_60_lines() {
    assert!(include_str!("../../examples/minimal.rs").lines().count() <= 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_minimal_example_sends_all_three_signals() {
    let (received, lines) = run("minimal").await;

    assert_continues_the_trace(
        &received,
        "GET /hello Server\n\
         \x20 minimal.hello Internal\n\
         \x20   GET Client\n\
         \x20     GET /stock Server\n\
         \x20   sqlite Client\n",
    );
    let metrics = [
        "db.client.operation.duration",
        "http.client.request.duration",
        "http.server.active_requests",
        "http.server.request.duration",
    ];
    assert_metrics(&received, &metrics);
    let record = log_record(&received, "42 in stock");
    assert_eq!(record.trace_id.as_deref(), Some(TRACE_ID), "the record belongs to the request: {record:?}");
    let line = lines.iter().find(|line| line.contains("42 in stock")).expect("a line of the request");
    assert!(line.contains(&format!(r#""trace_id":"{TRACE_ID}""#)), "the line belongs to the request: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_example_sends_all_three_signals() {
    let (received, _) = run("registry").await;

    assert_continues_the_trace(
        &received,
        "GET /hello Server\n\
         \x20 GET Client\n\
         \x20   GET /stock Server\n\
         \x20 SELECT Client\n",
    );
    assert_metrics(&received, &["http.client.request.duration", "http.server.request.duration"]);
    log_record(&received, "listening on http://127.0.0.1");
}

/// Starts the example, calls it twice, once as a part of a trace, and stops it.
async fn run(example: &str) -> (Telemetry, Vec<String>) {
    let receiver = Receiver::start().await.expect("a free port");
    let mut process = Process::start(example, receiver.endpoint());
    // Plain HTTP on this machine needs neither certificates nor a proxy.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("it can be built");
    let request = || client.get(format!("{}/hello", process.url));
    let traced = request().header("traceparent", format!("00-{TRACE_ID}-{SPAN_ID}-01"));
    for request in [traced, request()] {
        let response = request.send().await.expect("it answers");
        assert_eq!(response.status(), 200);
    }
    let lines = process.terminate();

    let received = receiver.telemetry();
    let services: [BTreeSet<&str>; 3] = [
        received.spans.iter().map(|span| span.service()).collect(),
        received.metrics.iter().map(|metric| metric.service()).collect(),
        received.log_records.iter().map(|record| record.service()).collect(),
    ];
    assert_eq!(services, [(); 3].map(|()| BTreeSet::from([example])), "all three signals, of this service");
    assert_eq!(received.refused, Vec::<String>::new());
    (received, lines)
}

/// Asserts that the spans in the caller's trace have this shape, below the span of the caller.
#[track_caller]
fn assert_continues_the_trace(received: &Telemetry, shape: &str) {
    let trace = received.trace(TRACE_ID);
    assert_eq!(trace.shape(), shape);
    assert_eq!(trace.spans[0].parent_span_id.as_deref(), Some(SPAN_ID));
}

#[track_caller]
fn assert_metrics(received: &Telemetry, expected: &[&str]) {
    let names: BTreeSet<&str> = received.metrics.iter().map(|metric| metric.name.as_str()).collect();
    for name in expected {
        assert!(names.contains(name), "expected {name} among {names:#?}");
    }
}

/// The log record with `text` in its body.
#[track_caller]
fn log_record<'a>(received: &'a Telemetry, text: &str) -> &'a LogRecord {
    let has_text = |record: &&LogRecord| record.body.as_str().is_some_and(|body| body.contains(text));
    let found = received.log_records.iter().find(has_text);
    found.unwrap_or_else(|| panic!("expected a record with '{text}' among {:#?}", received.log_records))
}

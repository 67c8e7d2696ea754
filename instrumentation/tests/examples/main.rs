//! The examples, run as processes: all three signals arrive at a collector, and nothing is lost when they end.

mod process;
mod receiver;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use process::Process;
use receiver::Received;

/// The span of the caller, which the service has to continue.
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID: &str = "b7ad6b7169203331";

#[tokio::test(flavor = "multi_thread")]
async fn the_minimal_example_sends_all_three_signals() {
    let (received, lines) = run("minimal").await;

    assert_eq!(
        received.tree(&bytes(SPAN_ID)),
        "SERVER GET /hello\n\
         \x20 INTERNAL minimal.hello\n\
         \x20   CLIENT GET\n\
         \x20     SERVER GET /stock\n\
         \x20   CLIENT sqlite\n"
    );
    let metrics = [
        "db.client.operation.duration",
        "http.client.request.duration",
        "http.server.active_requests",
        "http.server.request.duration",
    ];
    assert_metrics(&received, &metrics);
    let record = log_record(&received, "42 in stock");
    assert_eq!(record.trace_id, bytes(TRACE_ID), "the record belongs to the request: {record:?}");
    let line = lines.iter().find(|line| line.contains("42 in stock")).expect("a line of the request");
    assert!(line.contains(&format!(r#""trace_id":"{TRACE_ID}""#)), "the line belongs to the request: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_example_sends_all_three_signals() {
    let (received, _) = run("registry").await;

    assert_eq!(
        received.tree(&bytes(SPAN_ID)),
        "SERVER GET /hello\n\
         \x20 CLIENT GET\n\
         \x20   SERVER GET /stock\n\
         \x20 CLIENT SELECT\n"
    );
    assert_metrics(&received, &["http.client.request.duration", "http.server.request.duration"]);
    log_record(&received, "listening on http://127.0.0.1");
}

/// Starts the example, calls it twice, once as a part of a trace, and stops it.
async fn run(example: &str) -> (Received, Vec<String>) {
    let (endpoint, received) = receiver::start().await;
    let mut process = Process::start(example, &endpoint);
    // Plain HTTP to this machine needs neither certificates nor a proxy.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("it can be built");
    let request = || client.get(format!("{}/hello", process.url));
    let traced = request().header("traceparent", format!("00-{TRACE_ID}-{SPAN_ID}-01"));
    for request in [traced, request()] {
        let response = request.send().await.expect("it answers");
        assert_eq!(response.status(), 200);
    }
    let lines = process.terminate();

    let received = std::mem::take(&mut *received.lock().expect("the receiver does not panic"));
    let sources = ["logs", "metrics", "traces"].map(|signal| format!("{signal} {example}"));
    assert_eq!(Vec::from_iter(&received.sources), Vec::from_iter(&sources));
    (received, lines)
}

#[track_caller]
fn assert_metrics(received: &Received, expected: &[&str]) {
    for name in expected {
        assert!(received.metrics.contains(*name), "expected {name} among {:#?}", received.metrics);
    }
}

/// A log record with `text` in its body.
#[track_caller]
fn log_record<'a>(received: &'a Received, text: &str) -> &'a LogRecord {
    let has_text = |record: &&LogRecord| {
        let body = record.body.as_ref().and_then(|body| body.value.as_ref());
        matches!(body, Some(Value::StringValue(body)) if body.contains(text))
    };
    let found = received.log_records.iter().find(has_text);
    found.unwrap_or_else(|| panic!("expected a record with '{text}' among {:#?}", received.log_records))
}

/// The bytes of an id in hex digits.
fn bytes(id: &str) -> Vec<u8> {
    let digits = (0..id.len()).step_by(2).map(|start| &id[start..start + 2]);
    digits.map(|byte| u8::from_str_radix(byte, 16).expect("hex digits")).collect()
}

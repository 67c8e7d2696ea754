//! Telemetry must never hurt the service: what happens if it cannot be delivered, and that nothing is lost
//! silently.

use std::env;
use std::time::Duration;

use serde_json::Value;

use crate::support::client::{load, saturate};
use crate::support::queries::Queries;
use crate::support::service::{Output, Service, Setup};
use crate::support::{ClosedPort, TIMEOUT};
use otlp::model::{Attributes, Telemetry};
use otlp::{Behaviour, Received, Receiver};

/// Number of spans of a successful request.
const SPANS: u64 = 9;
/// Number of requests that must be answered while nothing can be delivered.
const REQUESTS: usize = 2_000;
/// The metric that counts requests.
const HTTP_SERVER: &str = "http.server.request.duration";
/// A loose limit: a debug build with full queues uses much less.
const MEMORY_BOUND: u64 = 100 << 20;

/// Exports often, so that a test does not have to wait. The timeout is longer than any response on a busy
/// machine, because a batch whose response is too late is delivered but counted as lost.
fn exporting_often(setup: Setup) -> Setup {
    setup
        .with("OTEL_BSP_SCHEDULE_DELAY", 100)
        .with("OTEL_BLRP_SCHEDULE_DELAY", 100)
        .with("OTEL_METRIC_EXPORT_INTERVAL", 500)
        .with("OTEL_EXPORTER_OTLP_TIMEOUT", 60_000)
}

/// Asserts that requests are still fast and memory is limited, whatever happens to telemetry.
async fn assert_goes_on(service: &Service) {
    let outcome = load(&service.url("/handson"), REQUESTS).await;
    outcome.assert_all_ok();
    assert_eq!(outcome.ok, REQUESTS);
    assert!(outcome.slowest < Duration::from_secs(5), "no request waits: {:?}", outcome.slowest);
    if let Some(memory) = service.resident_memory() {
        assert!(memory < MEMORY_BOUND, "{} MiB resident", memory >> 20);
    }
}

fn starts(line: &Value, start: &str) -> bool {
    line["message"].as_str().is_some_and(|message| message.starts_with(start))
}

async fn until_it_arrives_again(service: &Service) {
    service.until_line("the end of the trouble", |line| starts(line, "OTLP export has recovered")).await;
}

/// Lost spans and log records, from the only warning at the end; there must be one at the beginning, and no
/// other.
fn lost_by_warnings(output: &Output, end: &str) -> (u64, u64) {
    let warnings = output.at_level("WARN");
    let [first, last] = warnings[..] else { panic!("one at the start, one at the end: {warnings:#?}") };
    assert!(starts(first, "OTLP export to http"), "{first}");
    assert!(first["error.type"].is_string(), "{first}");
    assert!(first["handson.otlp.endpoint"].as_str().unwrap().contains("http://"), "{first}");
    assert!(starts(last, end), "{last}");
    assert_eq!(output.at_level("ERROR").len(), 0);
    let lost = |what: &str| last[format!("handson.dropped.{what}")].as_u64().unwrap();
    (lost("spans"), lost("log_records"))
}

/// The same numbers from the metrics.
fn lost_by_metrics(received: &Telemetry, item: &str) -> u64 {
    let is_error = |attributes: &Attributes| attributes.contains_key("error.type");
    let dropped = received.total(&format!("otel.sdk.processor.{item}.processed"), is_error);
    let failed = received.total(&format!("otel.sdk.exporter.{item}.exported"), is_error);
    (dropped + failed) as u64
}

/// Number of spans or log records whose export has succeeded or failed, from the exporter's metric.
fn exported(received: &Telemetry, item: &str, failed: bool) -> u64 {
    let metric = format!("otel.sdk.exporter.{item}.exported");
    received.total(&metric, |attributes| attributes.contains_key("error.type") == failed) as u64
}

/// Asserts that warning and metrics have the same number of lost items, which together with the delivered
/// ones are all recorded items.
fn assert_counted(output: &Output, received: &Telemetry, requests: usize) {
    let (spans, records) = lost_by_warnings(output, "OTLP export has recovered");
    assert_eq!(spans, lost_by_metrics(received, "span"));
    assert_eq!(records, lost_by_metrics(received, "log"));
    assert_eq!(exported(received, "span", false) + spans, SPANS * requests as u64, "{spans} lost");
    // Each line is also a record.
    assert_eq!(exported(received, "log", false) + records, output.lines.len() as u64, "{records} lost");
}

/// The same, and the collector must have received exactly the delivered items.
fn assert_accounted_for(output: &Output, received: &Received, requests: usize) {
    assert_counted(output, &received.accepted, requests);
    assert_eq!(received.spans, exported(&received.accepted, "span", false));
    assert_eq!(received.log_records, exported(&received.accepted, "log", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_three_signals_arrive_while_the_service_runs() {
    let collector = Receiver::start().await.unwrap();
    let service = exporting_often(Setup::exporting_to(&collector)).start().await;
    let trace_id = service.get("/handson").await.trace_id();

    let has_spans = |all: &Telemetry| all.trace(&trace_id).spans.len() as u64 == SPANS;
    let has_record = |all: &Telemetry| all.log_records.iter().any(|record| record.body == "dbQuery");
    let has_metric = |all: &Telemetry| all.metrics.iter().any(|metric| metric.name == HTTP_SERVER);
    let all_three =
        |all: &Received| has_spans(&all.accepted) && has_record(&all.accepted) && has_metric(&all.accepted);
    collector.until(TIMEOUT, |all| all_three(all).then_some(())).await.expect("all three signals");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_without_a_collector() {
    let mut collector = Receiver::reserve().unwrap();
    let service = exporting_often(Setup::exporting_to(&collector)).start().await;
    assert_goes_on(&service).await;

    collector.listen().unwrap();
    until_it_arrives_again(&service).await;
    let output = service.stop().await;
    assert_accounted_for(&output, &collector.received(), REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_while_the_collector_answers_503() {
    let collector = Receiver::start().await.unwrap();
    collector.set(Behaviour::Refuse(503));
    let service = exporting_often(Setup::exporting_to(&collector)).start().await;
    assert_goes_on(&service).await;

    service.until_line("the beginning", |line| starts(line, "OTLP export to")).await;
    collector.set(Behaviour::Accept);
    until_it_arrives_again(&service).await;
    let output = service.stop().await;
    assert_accounted_for(&output, &collector.received(), REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_while_the_collector_hangs() {
    let collector = Receiver::start().await.unwrap();
    collector.set(Behaviour::Hang);
    let setup = exporting_often(Setup::exporting_to(&collector)).with("OTEL_EXPORTER_OTLP_TIMEOUT", 500);
    let service = setup.start().await;
    assert_goes_on(&service).await;

    service.until_line("the beginning", |line| starts(line, "OTLP export to")).await;
    collector.set(Behaviour::Accept);
    until_it_arrives_again(&service).await;
    let output = service.stop().await;
    let received = collector.received();
    assert_counted(&output, &received.accepted, REQUESTS);
    // After the collector has recovered, a response may still be later than the timeout if the machine is
    // busy. Then the collector has received items that the exporter must count as lost.
    for (item, count) in [("span", received.spans), ("log", received.log_records)] {
        let delivered = exported(&received.accepted, item, false);
        let possible = delivered..=delivered + exported(&received.accepted, item, true);
        assert!(possible.contains(&count), "{count} of {item}, expected {possible:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusing_grpc_collector_is_reported_and_counted_in_the_same_way() {
    let collector = Receiver::start().await.unwrap();
    collector.set(Behaviour::Refuse(503));
    let setup = exporting_often(Setup::exporting_to(&collector)).with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let service = setup.start().await;
    load(&service.url("/handson"), 100).await.assert_all_ok();

    service.until_line("the beginning", |line| starts(line, "OTLP export to")).await;
    collector.set(Behaviour::Accept);
    until_it_arrives_again(&service).await;
    let output = service.stop().await;
    assert_accounted_for(&output, &collector.received(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_a_stalled_collector_cannot_accept_are_dropped_and_counted() {
    let collector = Receiver::start().await.unwrap();
    collector.set(Behaviour::Stall);
    // Far fewer places than spans, and a collector that responds again before the exporter gives up.
    let setup = exporting_often(Setup::exporting_to(&collector))
        .with("OTEL_BSP_MAX_QUEUE_SIZE", 200)
        .with("OTEL_BLRP_MAX_QUEUE_SIZE", 50);
    let service = setup.start().await;
    load(&service.url("/handson"), 300).await.assert_all_ok();
    let warning = service.until_line("the beginning", |line| starts(line, "OTLP export to")).await;
    assert_eq!(warning["error.type"], "queue_full", "nothing has failed yet: {warning}");

    collector.set(Behaviour::Accept);
    until_it_arrives_again(&service).await;
    let output = service.stop().await;
    let received = collector.received();
    assert_accounted_for(&output, &received, 300);
    assert!(received.spans < 300 * SPANS, "the queue was too small for all");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_at_sigterm() {
    let collector = Receiver::start().await.unwrap();
    // A delay that is too long for the queue to be exported before the end.
    let setup = Setup::exporting_to(&collector)
        .with("OTEL_BSP_SCHEDULE_DELAY", 600_000)
        .with("OTEL_BLRP_SCHEDULE_DELAY", 600_000)
        .with("OTEL_METRIC_EXPORT_INTERVAL", 600_000);
    let service = setup.start().await;
    load(&service.url("/handson"), 100).await.assert_all_ok();
    let output = service.stop().await;

    let received = collector.received();
    assert_eq!(received.spans, SPANS * 100);
    assert_eq!(received.log_records, output.lines.len() as u64);
    assert_eq!(received.accepted.total(HTTP_SERVER, |_| true), 100.0);
    assert_eq!(lost_by_metrics(&received.accepted, "span"), 0);
    assert_eq!(output.at_level("WARN").len(), 0, "{:#?}", output.at_level("WARN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_items_are_reported_at_the_end() {
    let nobody = ClosedPort::new();
    let service = exporting_often(Setup::exporting_to_endpoint(&nobody.url())).start().await;
    load(&service.url("/handson"), 100).await.assert_all_ok();
    let output = service.stop().await;

    let (spans, records) = lost_by_warnings(&output, "OTLP export has failed until the end");
    assert_eq!(spans, SPANS * 100);
    assert!(records >= 100, "{records}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_does_not_delay_the_end() {
    let collector = Receiver::start().await.unwrap();
    collector.set(Behaviour::Hang);
    let service = Setup::exporting_to(&collector).start().await;
    service.get("/handson").await;
    let before = std::time::Instant::now();
    let output = service.stop().await;

    assert!(before.elapsed() < Duration::from_secs(15), "{:?}", before.elapsed());
    let (spans, _) = lost_by_warnings(&output, "OTLP export has failed until the end");
    assert_eq!(spans, SPANS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saturating_load_loses_nothing_while_the_collector_keeps_up() {
    let seconds = env::var("SATURATION_SECONDS").map_or(5, |seconds| seconds.parse().unwrap());
    let collector = Receiver::start_counting().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let outcome = saturate(&service.url("/handson"), Duration::from_secs(seconds)).await;
    let output = service.stop().await;

    outcome.assert_all_ok();
    let received = collector.received();
    assert_eq!(received.spans, SPANS * outcome.ok as u64);
    assert_eq!(received.log_records, output.lines.len() as u64);
    assert_eq!(output.at_level("WARN").len(), 0, "{:#?}", output.at_level("WARN"));
}

#[tokio::test]
async fn items_that_a_collector_rejects_in_a_partial_success_are_reported() {
    let collector = Receiver::start().await.unwrap();
    collector.set(Behaviour::Reject { items: 1, reason: "too old" });
    let service = Setup::exporting_to(&collector).with("OTEL_BSP_SCHEDULE_DELAY", 100).start().await;
    service.get("/handson").await;
    let reported = |line: &Value| line["level"] == "WARN" && line["handson.dropped.spans"] == 1;
    let line = service.until_line("a warning of the rejected span", reported).await;
    assert_eq!(line["message"], "the collector has rejected spans: too old");
    service.stop().await;
}

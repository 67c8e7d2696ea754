//! `--otlp` if spans cannot be exported: the load is not affected, and the loss is reported.

use std::time::{Duration, Instant};

use otlp::{Behaviour, Receiver};

use crate::support::program::{Ended, Setup};
use crate::support::start_target;
use upstream::{Reaction, Upstream};

const LOST: &str = "exporting spans failed";

/// Exports often, so that a test does not have to wait.
fn exporting(target: &Upstream, endpoint: &str, options: &str) -> Setup {
    Setup::against(target, options)
        .and("--otlp")
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .variable("OTEL_BSP_SCHEDULE_DELAY", 100)
}

fn assert_unaffected(ended: &Ended, requests: u64) {
    ended.assert_code(0);
    assert_eq!(ended.row("checks_succeeded"), format!("100.00% {requests} out of {requests}"));
    assert_eq!(ended.count("dropped_iterations"), 0);
}

fn assert_lost(ended: &Ended, spans: u64, lost: u64) {
    let line = format!("spans: {spans}, {lost} of them lost");
    assert!(ended.output.stdout.iter().any(|found| found.trim() == line), "no line `{line}`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_collector_is_reported_once_and_the_lost_spans_are_counted() {
    let (target, absent) = (start_target(|_| Reaction::Answer), Receiver::reserve().unwrap());
    let ended = exporting(&target, absent.endpoint(), "--rate 20 --duration 2500ms").run().await;
    assert_unaffected(&ended, 50);
    assert_eq!(ended.output.stderr.len(), 1, "one message");
    assert_eq!(ended.messages(LOST), 1);
    assert_lost(&ended, 50, 50);
    assert!(target.calls().iter().all(|call| call.header("traceparent").is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_run_reports_why_its_spans_were_lost() {
    let (target, absent) = (start_target(|_| Reaction::Answer), Receiver::reserve().unwrap());
    let setup = Setup::against(&target, "--rate 20 --duration 200ms --otlp");
    let ended = setup.variable("OTEL_EXPORTER_OTLP_ENDPOINT", absent.endpoint()).run().await;
    assert_unaffected(&ended, 4);
    assert_lost(&ended, 4, 4);
    assert_eq!(ended.messages(LOST), 1, "also where the first export is the last one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_is_reported_once_and_the_lost_spans_are_counted() {
    let (target, collector) = (start_target(|_| Reaction::Answer), Receiver::start().await.unwrap());
    collector.set(Behaviour::Refuse(503));
    let ended = exporting(&target, collector.endpoint(), "--rate 20 --duration 500ms").run().await;
    assert_unaffected(&ended, 10);
    assert_lost(&ended, 10, 10);
    assert!(collector.received().requests > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_does_not_delay_the_load_and_delays_the_end_only_a_little() {
    let (target, collector) = (start_target(|_| Reaction::Answer), Receiver::start().await.unwrap());
    collector.set(Behaviour::Hang);
    let start = Instant::now();
    let ended = exporting(&target, collector.endpoint(), "--rate 50 --duration 500ms").run().await;
    assert_unaffected(&ended, 25);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_lost(&ended, 25, 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsupported_protocol_is_refused_before_any_request() {
    let target = start_target(|_| Reaction::Answer);
    for variable in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] {
        for protocol in ["grpc", "http/json"] {
            let setup = Setup::against(&target, "--duration 1s --otlp").variable(variable, protocol);
            let ended = setup.run().await;
            assert_ne!(ended.status.code(), Some(0));
            let message = ended.output.stderr.join("\n");
            for word in [variable, protocol, "http/protobuf"] {
                assert!(message.contains(word), "`{word}` is not in: {message}");
            }
        }
    }
    assert_eq!(target.connections(), 0);
    let without_otlp = Setup::against(&target, "--rate 50 --duration 20ms");
    without_otlp.variable("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").run().await.assert_code(0);
}

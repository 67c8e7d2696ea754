//! Connections are kept, and a connection that the target has closed loses no request.

use std::time::Duration;

use crate::support::program::{Ended, Setup};
use crate::support::start_target;
use upstream::Reaction;

/// Asserts that all requests were answered with 200.
fn assert_all_well(ended: &Ended, requests: u64) {
    ended.assert_code(0);
    assert_eq!(ended.row("checks_succeeded"), format!("100.00% {requests} out of {requests}"));
    assert_eq!(ended.row("http_req_failed"), format!("0.00% 0 out of {requests}"));
    assert!(ended.output.stderr.is_empty(), "no message");
}

#[tokio::test(flavor = "multi_thread")]
async fn sequential_requests_share_a_connection() {
    let target = start_target(|_| Reaction::Answer);
    let ended = Setup::against(&target, "--rate 20 --duration 1s").run().await;
    assert_all_well(&ended, 20);
    // If the machine stalls, two requests may run at the same time.
    assert!(target.connections() <= 2, "{} connections", target.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_vu_keeps_its_own_connection() {
    let target = start_target(|_| Reaction::AnswerAfter(Duration::from_millis(300)));
    let options = "--rate 50 --duration 1s --pre-allocated-vus 50";
    let ended = Setup::against(&target, options).exporting().run().await;
    assert_all_well(&ended, 50);
    // 15 iterations run at the same time.
    assert_eq!(target.connections() as f64, ended.exported_number("vus", "max"));
    assert!(target.connections() < 40, "{} connections", target.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_closes_after_each_response_loses_no_request() {
    let target = start_target(|_| Reaction::AnswerAndSayClose);
    let ended = Setup::against(&target, "--rate 50 --duration 400ms").run().await;
    assert_all_well(&ended, 20);
    assert_eq!(target.calls().len(), 20);
    assert_eq!(target.connections(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_closes_idle_connections_loses_no_request() {
    let target = start_target(|_| Reaction::AnswerAndCloseAfter(Duration::from_millis(10)));
    // A quarter of a second between requests, so that the target has closed the connection before the next
    // one, even on a busy machine.
    let ended = Setup::against(&target, "--rate 4 --duration 3s").run().await;
    assert_all_well(&ended, 12);
    assert_eq!(target.calls().len(), 12);
    assert!(target.connections() > 6, "{} connections", target.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_met_a_closing_connection_is_never_sent_twice() {
    // The first request on a connection is answered. The connection is closed around the time when the next
    // request is due.
    let target = start_target(|_| Reaction::AnswerAndCloseAfter(Duration::from_millis(20)));
    let ended = Setup::against(&target, "--rate 50 --duration 1s").exporting().run().await;
    ended.assert_code(0);
    assert_eq!(ended.count("http_reqs"), 50);
    // The target may have processed a request that it has read, so that one must not be sent again and counts
    // as failed.
    let failed = ended.exported_number("http_req_failed", "passes");
    let answered = ended.exported_number("http_req_failed", "fails");
    assert_eq!(failed + answered, 50.0);
    assert!(target.calls().len() as f64 <= 50.0, "none is sent twice once the target has read it");
}

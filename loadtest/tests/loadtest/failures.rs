//! What counts as failed, and that a request without a response does not end the run.

use std::collections::HashSet;
use std::time::Duration;

use crate::support::program::Setup;
use crate::support::{reserve_target, start_target};
use upstream::Reaction;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error_counts_as_failed_and_its_iteration_as_complete() {
    let target = start_target(|_| Reaction::Status(500));
    let ended = Setup::against(&target, "--rate 50 --duration 200ms").exporting().run().await;
    ended.assert_code(0);
    assert_eq!(ended.row("http_req_failed"), "100.00% 10 out of 10");
    assert_eq!(ended.row("checks_failed"), "100.00% 10 out of 10");
    assert_eq!(ended.count("iterations"), 10);
    assert!(ended.exported_number("http_req_duration", "min") > 0.0, "with its real duration");
    let exported = ended.exported();
    let none_was_expected = &exported["metrics"]["http_req_duration{expected_response:true}"];
    assert!(none_was_expected["max"].as_f64().unwrap_or(0.0) == 0.0, "{none_was_expected}");
    assert!(ended.output.stderr.is_empty(), "an answer is not a log message");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_a_failed_request_and_not_followed_although_the_check_fails() {
    let target = start_target(|_| Reaction::Status(302));
    let ended = Setup::against(&target, "--rate 50 --duration 200ms").run().await;
    ended.assert_code(0);
    assert_eq!(ended.row("http_req_failed"), "0.00% 0 out of 10");
    assert_eq!(ended.row("checks_failed"), "100.00% 10 out of 10");
    assert_eq!(target.calls().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_from_400_on_count_as_failed_and_those_below_do_not() {
    let statuses = [200, 204, 399, 400, 404, 599];
    let target = start_target(move |call| Reaction::Status(statuses[call.number % 6]));
    let ended = Setup::against(&target, "--rate 60 --duration 200ms").run().await;
    ended.assert_code(0);
    assert_eq!(ended.row("http_req_failed"), "50.00% 6 out of 12");
    assert_eq!(ended.row("checks_succeeded"), "16.66% 2 out of 12", "204 is not 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_fails_the_request_and_the_next_one_uses_a_new_connection() {
    let target = start_target(|call| match call.number {
        0..5 => Reaction::Answer,
        5 => Reaction::Hold,
        _ => Reaction::Answer,
    });
    // With one VU there is no other connection.
    let options = "--rate 10 --duration 1s --pre-allocated-vus 1 --timeout 250ms";
    let ended = Setup::against(&target, options).exporting().run().await;
    ended.assert_code(0);
    let (requests, dropped) = (ended.count("http_reqs"), ended.count("dropped_iterations"));
    assert_eq!(requests + dropped, 10);
    assert_eq!(ended.exported_number("http_req_failed", "passes"), 1.0);
    let longest = ended.exported_number("http_req_duration", "max");
    assert!((245.0..1000.0).contains(&longest), "the timeout: {longest} ms");

    let calls = target.calls();
    assert_eq!(calls.len() as u64, requests);
    let before: HashSet<usize> = calls[..6].iter().map(|call| call.connection).collect();
    let after: HashSet<usize> = calls[6..].iter().map(|call| call.connection).collect();
    assert!(!after.is_empty() && before.is_disjoint(&after), "connections {before:?}, then {after:?}");
    assert_eq!(ended.messages("does not respond"), 1, "reported once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_broken_off_counts_as_failed_and_is_not_sent_again() {
    let target = start_target(|call| match call.number {
        3 => Reaction::BreakOff,
        _ => Reaction::Answer,
    });
    let ended = Setup::against(&target, "--rate 50 --duration 200ms --method POST").run().await;
    assert_eq!(ended.assert_code(0).row("http_req_failed"), "10.00% 1 out of 10");
    assert_eq!(target.calls().len(), 10, "it may have been carried out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_refuses_from_the_start_is_reported_once_and_counted() {
    let target = reserve_target(|_| Reaction::Answer);
    let ended = Setup::against(&target, "--rate 50 --duration 400ms").exporting().run().await;
    ended.assert_code(0);
    assert_eq!(ended.row("http_req_failed"), "100.00% 20 out of 20");
    assert_eq!(ended.count("iterations"), 20);
    assert_eq!(ended.exported_number("http_req_duration", "max"), 0.0, "nothing was sent, as k6 has it");
    assert_eq!(ended.output.stderr.len(), 1, "reported once");
    assert_eq!(ended.messages("refused"), 1, "with the reason");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_name_is_reported_once_and_counted() {
    let setup = Setup::new("--url http://nowhere.invalid/ --wait-timeout 0s --rate 20 --duration 200ms");
    let ended = setup.and("--timeout 10s").run().await;
    assert_eq!(ended.assert_code(0).row("http_req_failed"), "100.00% 4 out of 4");
    assert_eq!(ended.output.stderr.len(), 1, "reported once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_never_responds_delays_the_end_only_until_the_timeout() {
    let target = start_target(|_| Reaction::Hold);
    let options = "--rate 50 --duration 100ms --timeout 300ms --graceful-stop 1h";
    let ended = Setup::against(&target, options).exporting().run().await;
    assert_eq!(ended.assert_code(0).row("http_req_failed"), "100.00% 5 out of 5");
    let shortest = ended.exported_number("http_req_duration", "min");
    assert!(shortest >= Duration::from_millis(295).as_secs_f64() * 1e3, "{shortest} ms");
}

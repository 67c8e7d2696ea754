//! Retries of the span exporter.

use std::thread;
use std::time::{Duration, Instant};

use instrumentation::otlp::ExporterConfig;

use crate::server::{Reply, Server};
use crate::spans::span;
use crate::{config, export, exporter, exporter_with, with_errors};

#[test]
fn a_request_is_sent_again_after_the_time_in_retry_after() {
    let server = Server::start([Reply::with_headers(503, "retry-after: 1\r\n")]);
    let (exporter, errors) = with_errors(exporter(&server));

    export(&exporter, vec![span()]).expect("the second request succeeds");

    let (first, second) = (server.next(), server.next());
    let waited = second.at - first.at;
    assert!(waited >= Duration::from_secs(1), "waited only {waited:?}");
    assert!(first.body == second.body, "the second request differs");
    assert!(errors.lock().expect("the errors").is_empty(), "errors of a batch that arrived");
}

#[test]
fn retryable_statuses_of_the_specification_are_retried() {
    for status in [429, 502, 503, 504] {
        let server = Server::start([Reply::status(status)]);
        export(&exporter(&server), vec![span()]).unwrap_or_else(|error| panic!("after {status}: {error}"));
        assert_eq!(server.rest().len(), 2, "requests after status {status}");
    }
}

#[test]
fn other_statuses_are_not_retried_and_name_the_reason() {
    for status in [400, 401, 403, 404, 413, 302, 500, 501] {
        // google.rpc.Status with the message "bad span".
        let server = Server::start([Reply::with_body(status, b"\x08\x03\x12\x08bad span".to_vec())]);
        let (exporter, errors) = with_errors(exporter(&server));

        let error = export(&exporter, vec![span()]).expect_err("the receiver refused the batch").to_string();

        assert!(error.contains(&status.to_string()) && error.contains("bad span"), "error is: {error}");
        assert_eq!(server.rest().len(), 1, "requests after status {status}");
        assert_eq!(errors.lock().expect("the errors").len(), 1, "reported errors after status {status}");
    }
}

#[test]
fn the_exporter_gives_up_after_three_retries() {
    let server = Server::start(vec![Reply::status(503); 9]);
    let (exporter, errors) = with_errors(exporter(&server));

    export(&exporter, vec![span()]).expect_err("the receiver is not available");

    let times: Vec<_> = server.rest().iter().map(|request| request.at).collect();
    assert_eq!(times.len(), 4, "requests");
    for (index, least) in [100, 200, 400].into_iter().enumerate() {
        let waited = times[index + 1] - times[index];
        assert!(waited >= Duration::from_millis(least), "waited {waited:?} before retry {}", index + 1);
    }
    assert_eq!(errors.lock().expect("the errors").len(), 1, "errors of one batch");
}

#[test]
fn a_lost_connection_is_retried() {
    let server = Server::start([Reply::HangUp]);
    export(&exporter(&server), vec![span()]).expect("the second request succeeds");
    assert_eq!(server.rest().len(), 2, "requests");
}

#[test]
fn an_export_ends_within_its_timeout() {
    let timeout = Duration::from_secs(2);
    let replies = [Reply::Silence, Reply::with_headers(503, "retry-after: 60\r\n")];
    for (reply, requests) in replies.into_iter().zip([1, 1]) {
        let server = Server::start(vec![reply; 4]);
        let exporter = exporter_with(ExporterConfig { timeout, ..config(&server) });
        let started = Instant::now();

        export(&exporter, vec![span()]).expect_err("there is no success in time");

        // Much less than the 60 s of Retry-After and the 30 s of the client, even on a slow machine.
        assert!(started.elapsed() < Duration::from_secs(10), "the export took {:?}", started.elapsed());
        assert_eq!(server.rest().len(), requests, "requests");
    }
}

#[test]
fn stopping_retries_ends_a_wait_and_later_batches_are_sent_once() {
    let server = Server::start(vec![Reply::with_headers(503, "retry-after: 20\r\n"); 9]);
    let exporter = exporter(&server);
    let stop = exporter.retry_stop();
    let started = Instant::now();

    thread::scope(|scope| {
        let waiting = scope.spawn(|| export(&exporter, vec![span()]));
        server.next();
        stop.stop();
        waiting.join().expect("the export ends").expect_err("the receiver is not available");
    });
    export(&exporter, vec![span()]).expect_err("the receiver is not available");

    assert!(started.elapsed() < Duration::from_secs(15), "waited for {:?}", started.elapsed());
    assert_eq!(server.rest().len(), 1, "requests after the stop");
}

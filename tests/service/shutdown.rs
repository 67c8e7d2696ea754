//! SIGTERM and SIGINT: requests are drained, then telemetry is flushed, then the process ends.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::support::TIMEOUT;
use crate::support::client::{self, Answer};
use crate::support::service::{Service, Setup};
use crate::support::start_upstream;
use otlp::Receiver;
use upstream::Reaction;

/// Number of spans of a successful request.
const SPANS: usize = 9;

/// Sends this many requests at once, each on a new connection.
fn send_at_once(service: &Service, requests: usize) -> Vec<JoinHandle<reqwest::Result<Answer>>> {
    let client = client::new();
    let send = || {
        let (client, url) = (client.clone(), service.url("/handson"));
        tokio::spawn(async move { client::send(&client, &url).await })
    };
    (0..requests).map(|_| send()).collect()
}

/// Waits until the service accepts no more connections.
async fn until_it_refuses(service: &Service) {
    let deadline = Instant::now() + TIMEOUT;
    while TcpStream::connect(("127.0.0.1", service.port)).await.is_ok() {
        assert!(Instant::now() < deadline, "it accepts connections after the signal");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The signal arrives while this many requests wait for httpbin: all of them must be answered, and all their
/// spans must arrive.
async fn assert_drained(signal: &str, requests: usize) {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|_| Reaction::Hold);
    let setup = Setup::exporting_to(&collector).calling(&upstream).with("GRACE_PERIOD", "60s");
    let service = setup.with("HTTPBIN_TIMEOUT", "30s").start().await;
    let answers = send_at_once(&service, requests);
    upstream.until_called(requests).await;

    service.signal(signal).await;
    until_it_refuses(&service).await;
    upstream.release();
    for answer in answers {
        let answer = answer.await.unwrap().expect("an answer to every request that was accepted");
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let ended = service.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{:?}", ended.status);
    assert_eq!(collector.telemetry().spans.len(), SPANS * requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_during_200_requests_loses_no_response_and_no_span() {
    assert_drained("TERM", 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigint_does_the_same() {
    assert_drained("INT", 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grace_period_limits_a_request_that_is_stuck() {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|_| Reaction::Hold);
    let setup = Setup::exporting_to(&collector).calling(&upstream).with("GRACE_PERIOD", "300ms");
    let service = setup.with("HTTPBIN_TIMEOUT", "60s").with("REQUEST_TIMEOUT", "60s").start().await;
    let stuck = send_at_once(&service, 1).remove(0);
    upstream.until_called(1).await;

    let before = Instant::now();
    service.signal("TERM").await;
    let ended = service.ended().await;
    assert!(before.elapsed() >= Duration::from_millis(300), "it waits for as long");
    assert!(before.elapsed() < Duration::from_secs(20), "and not for the request's own timeouts");
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    assert!(stuck.await.unwrap().is_err(), "cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_delay_the_end() {
    let service = Setup::new().with("GRACE_PERIOD", "60s").start().await;
    assert_eq!(service.get("/handson").await.status, StatusCode::OK);
    let before = Instant::now();
    service.stop().await;
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_program_at_once() {
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let upstream = start_upstream(|_| Reaction::Hold);
        let service = Setup::new().calling(&upstream).with("GRACE_PERIOD", "60s").start().await;
        let stuck = send_at_once(&service, 1).remove(0);
        upstream.until_called(1).await;
        service.signal(name).await;
        until_it_refuses(&service).await;

        service.signal(name).await;
        let ended = service.ended().await;
        assert_eq!(ended.status.signal(), Some(number), "its default disposition: {ended:#?}");
        assert!(stuck.await.unwrap().is_err(), "cut off");
    }
}

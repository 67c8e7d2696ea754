//! The end of a client span.

use std::time::Duration;

use opentelemetry::trace::{SpanKind, Status};
use tokio::time::timeout;

use super::{Callee, recorded};
use crate::support::{Telemetry, attribute};

#[tokio::test]
async fn the_span_is_open_until_the_body_has_been_read() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let request = recorded(&telemetry.instrumentation()).get(callee.url("/halves"));
    let mut response = request.send().await.expect("the server answers");
    assert_eq!(response.chunk().await.expect("the first half").as_deref(), Some(b"half".as_slice()));
    assert!(telemetry.spans().is_empty(), "the second half is still to come");

    // Both durations include the pause in the body.
    let pause = Duration::from_millis(50);
    tokio::time::sleep(pause).await;
    callee.go_on.notify_one();
    assert_eq!(response.chunk().await.expect("the second half").as_deref(), Some(b"half".as_slice()));
    assert_eq!(response.chunk().await.expect("the end"), None);
    let span = telemetry.span(SpanKind::Client);
    assert_eq!(span.status, Status::Unset);
    let duration = span.end_time.duration_since(span.start_time).expect("it ends after it starts");
    let sum = telemetry.durations("http.client.request.duration")[0].sum();
    assert!(duration >= pause && sum >= pause.as_secs_f64(), "{duration:?}, {sum} s");
    drop(response);
    assert_eq!(telemetry.spans().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_dropped_unread_ends_the_span_without_an_error() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let request = recorded(&telemetry.instrumentation()).get(callee.url("/halves"));
    let response = request.send().await.expect("the server answers");
    assert!(telemetry.spans().is_empty(), "the body may still be read");
    drop(response);
    let span = telemetry.span(SpanKind::Client);
    assert_eq!((span.status.clone(), attribute(&span, "error.type")), (Status::Unset, None));
    assert_eq!(attribute(&span, "http.response.status_code").as_deref(), Some("200"));
}

#[tokio::test]
async fn a_call_that_is_cancelled_ends_its_span_without_an_error() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let client = recorded(&telemetry.instrumentation());
    let call = client.get(callee.url("/slow")).send();
    tokio::select! {
        answer = call => panic!("it never answers, got {answer:?}"),
        () = callee.slow.notified() => {}
    }
    let span = telemetry.span(SpanKind::Client);
    assert_eq!((span.status.clone(), attribute(&span, "error.type")), (Status::Unset, None));
    assert_eq!(attribute(&span, "http.response.status_code"), None);
    timeout(Duration::from_secs(10), callee.slow.notified()).await.expect("the connection is closed");
}

#[tokio::test]
async fn the_first_failure_of_calls_at_the_same_time_cancels_the_others_without_an_error() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let client = recorded(&telemetry.instrumentation());
    let fail = async {
        callee.slow.notified().await;
        let response = client.get(callee.url("/status/500")).send().await?;
        response.error_for_status().map_err(reqwest_middleware::Error::from)
    };
    let slow = client.get(callee.url("/slow")).send();
    tokio::try_join!(slow, fail).expect_err("one of them fails");

    let mut spans = telemetry.spans_of(SpanKind::Client);
    spans.sort_by_key(|span| attribute(span, "url.full"));
    let [slow, failed] = spans.as_slice() else { panic!("expected two spans, got {spans:?}") };
    assert_eq!((slow.status.clone(), attribute(slow, "error.type")), (Status::Unset, None));
    assert_eq!(failed.status, Status::error(""));
}

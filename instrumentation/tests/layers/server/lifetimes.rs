//! The end of a server span.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use instrumentation::server::ServerLayer;
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, SpanKind, Status};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::start;
use crate::http::{NotifyOnDrop, client, serve};
use crate::support::{Telemetry, attribute};

const ACTIVE: &str = "http.server.active_requests";

#[tokio::test]
async fn a_caller_that_hangs_up_ends_the_span_and_the_active_request() {
    let telemetry = Telemetry::new();
    let slow = Arc::new(Notify::new());
    let address = start(&telemetry.instrumentation(), &slow).await;
    let request = tokio::spawn(client().get(format!("http://{address}/slow")).send());
    slow.notified().await;
    assert_eq!(telemetry.numbers(ACTIVE)[0].1, 1, "the request is active");
    assert!(telemetry.spans().is_empty(), "the span is open");

    request.abort();
    slow.notified().await;
    // The handler's future is dropped just before the span ends.
    timeout(Duration::from_secs(10), async {
        while telemetry.spans().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the span ends when the caller hangs up");

    let span = telemetry.span(SpanKind::Server);
    assert_eq!(span.name, "GET /slow");
    assert_eq!(attribute(&span, "http.response.status_code"), None);
    assert_eq!(span.status, Status::Unset, "that the caller hung up is not the server's failure");
    assert_eq!(telemetry.numbers(ACTIVE)[0].1, 0);
    assert!(telemetry.durations("http.server.request.duration").is_empty());
}

#[tokio::test]
async fn the_span_ends_with_the_head_of_the_response_even_if_a_task_still_has_its_context() {
    let telemetry = Telemetry::new();
    let (release, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (wait, end) = (Arc::clone(&release), Arc::clone(&ended));
    let handler = move || {
        let (wait, end) = (Arc::clone(&wait), NotifyOnDrop(Arc::clone(&end)));
        let task = async move {
            wait.notified().await;
            drop(end);
        };
        tokio::spawn(task.with_context(Context::current()));
        async { "accepted" }
    };
    let router = Router::new().route("/", get(handler));
    let address = serve(router.layer(ServerLayer::new(&telemetry.instrumentation()))).await;
    client().get(format!("http://{address}/")).send().await.expect("the server answers");

    assert_eq!(telemetry.span(SpanKind::Server).name, "GET /");
    release.notify_one();
    ended.notified().await;
    assert_eq!(telemetry.spans().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_streamed_for_longer_does_not_keep_the_span_open() {
    let telemetry = Telemetry::new();
    let handler = || async {
        let begin = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from_static(b"begin"))]);
        Body::from_stream(begin.chain(stream::pending()))
    };
    let router = Router::new().route("/", get(handler));
    let address = serve(router.layer(ServerLayer::new(&telemetry.instrumentation()))).await;
    let mut response = client().get(format!("http://{address}/")).send().await.expect("the server answers");
    assert_eq!(response.chunk().await.expect("the body begins").as_deref(), Some(b"begin".as_slice()));

    assert_eq!(telemetry.span(SpanKind::Server).name, "GET /");
    assert_eq!(telemetry.numbers(ACTIVE)[0].1, 0);
}

#[tokio::test]
async fn a_handler_that_panics_ends_the_span_and_the_active_request() {
    let telemetry = Telemetry::new();
    let panics = || async {
        // Unlike `panic!`, this prints no message.
        std::panic::resume_unwind(Box::new("the handler panics"));
        #[allow(unreachable_code)]
        ()
    };
    let router = Router::new().route("/", get(panics));
    let address = serve(router.layer(ServerLayer::new(&telemetry.instrumentation()))).await;
    client().get(format!("http://{address}/")).send().await.expect_err("the connection is closed");

    assert_eq!(telemetry.span(SpanKind::Server).name, "GET /");
    assert_eq!(telemetry.numbers(ACTIVE)[0].1, 0);
}

//! Calls that are retried, and failures that the caller records.

use std::fmt;

use async_trait::async_trait;
use http::Extensions;
use instrumentation::Instrumentation;
use instrumentation::client::{CallSpan, ClientMiddleware};
use instrumentation::exception::Exception;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};

use super::{Callee, recorded};
use crate::http::client;
use crate::support::{Telemetry, attribute, attributes};

/// The caller's own error for a failed call.
struct NotFound;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no such item")
    }
}

impl Exception for NotFound {
    fn exception_type(&self) -> &str {
        "NotFound"
    }

    fn stack_trace(&self) -> String {
        "NotFound: there is no such item\n  at src/shop.rs:42".to_owned()
    }
}

/// Tries up to three times while the status is 503, each time with another path.
struct Retry;

#[async_trait]
impl Middleware for Retry {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        for path in ["/status/503", "/status/502"] {
            let mut attempt = request.try_clone().expect("the request has no body");
            attempt.url_mut().set_path(path);
            next.clone().run(attempt, extensions).await?.bytes().await?;
        }
        request.url_mut().set_path("/status/404");
        next.run(request, extensions).await
    }
}

fn retrying(instrumentation: &Instrumentation) -> ClientWithMiddleware {
    ClientBuilder::new(client()).with(Retry).with(ClientMiddleware::new(instrumentation)).build()
}

fn statuses(spans: &[SpanData]) -> Vec<String> {
    spans.iter().filter_map(|span| attribute(span, "http.response.status_code")).collect()
}

#[tokio::test]
async fn each_attempt_has_its_own_span() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let request = retrying(&telemetry.instrumentation()).get(callee.url("/"));
    request.send().await.expect("the server answers");
    assert_eq!(statuses(&telemetry.spans_of(SpanKind::Client)), ["503", "502", "404"]);
    let points = telemetry.durations("http.client.request.duration");
    assert_eq!(points.iter().map(|point| point.count()).collect::<Vec<_>>(), [1, 1, 1]);
}

#[tokio::test]
async fn a_failure_is_recorded_on_the_span_of_the_last_attempt() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let handle = CallSpan::default();
    let request = retrying(&telemetry.instrumentation()).get(callee.url("/"));
    let response = request.with_extension(handle.clone()).send().await.expect("the server answers");
    response.bytes().await.expect("the body arrives");
    assert_eq!(statuses(&telemetry.spans()), ["503", "502"], "the last span is open: its handle is held");
    handle.record_exception(&NotFound);
    drop(handle);

    let spans = telemetry.spans_of(SpanKind::Client);
    assert_eq!(statuses(&spans), ["503", "502", "404"]);
    for earlier in &spans[..2] {
        assert!(earlier.events.events.is_empty(), "{earlier:?}");
        assert_eq!(earlier.status, Status::error(""));
    }
    let [event] = spans[2].events.events.as_slice() else { panic!("expected one event in {:?}", spans[2]) };
    assert_eq!(event.name, "exception");
    assert_eq!(
        attributes(&event.attributes),
        [
            r#"exception.message="there is no such item""#,
            r#"exception.stacktrace="NotFound: there is no such item\n  at src/shop.rs:42""#,
            r#"exception.type="NotFound""#,
        ]
    );
    assert_eq!(spans[2].status, Status::error("there is no such item"));
    assert_eq!(attribute(&spans[2], "error.type").as_deref(), Some(r#""404""#));
}

#[tokio::test]
async fn a_call_without_a_response_can_also_be_recorded() {
    let telemetry = Telemetry::new();
    let address = crate::http::closed().await;
    let handle = CallSpan::default();
    let request = recorded(&telemetry.instrumentation()).get(format!("http://{address}/"));
    request.with_extension(handle.clone()).send().await.expect_err("nothing listens");
    handle.record_exception(&NotFound);
    drop(handle);
    let span = telemetry.span(SpanKind::Client);
    assert_eq!(span.events.events.len(), 1);
    assert_eq!(attribute(&span, "error.type").as_deref(), Some(r#""connect""#));
}

#[tokio::test]
async fn nothing_is_recorded_without_a_call_or_with_telemetry_off() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    CallSpan::default().record_exception(&NotFound);

    let handle = CallSpan::default();
    let request = recorded(&Instrumentation::new()).get(callee.url("/status/404"));
    request.with_extension(handle.clone()).send().await.expect("the server answers");
    handle.record_exception(&NotFound);
    assert!(telemetry.spans().is_empty());
}

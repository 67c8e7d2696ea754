//! Failed calls: the status, the error type and the description of their spans.

use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};

use super::{Callee, call, recorded, with_middleware};
use crate::http::{client, client_builder, closed, serve_bytes};
use crate::support::{Telemetry, attribute};

#[track_caller]
fn assert_failed(span: &SpanData, error_type: &str, status_code: Option<&str>) -> String {
    assert_eq!(attribute(span, "error.type"), Some(format!("{error_type:?}")));
    assert_eq!(attribute(span, "http.response.status_code").as_deref(), status_code);
    match &span.status {
        Status::Error { description } => description.to_string(),
        other => panic!("expected the status Error, got {other:?}"),
    }
}

#[tokio::test]
async fn a_status_of_400_and_above_is_an_error_and_one_below_is_not() {
    let callee = Callee::start().await;
    for code in [200, 204, 304, 399] {
        let telemetry = Telemetry::new();
        call(&recorded(&telemetry.instrumentation()), callee.url(&format!("/status/{code}"))).await;
        let span = telemetry.span(SpanKind::Client);
        assert_eq!((span.status.clone(), attribute(&span, "error.type")), (Status::Unset, None), "{code}");
    }
    for code in ["400", "404", "500", "503"] {
        let telemetry = Telemetry::new();
        call(&recorded(&telemetry.instrumentation()), callee.url(&format!("/status/{code}"))).await;
        let description = assert_failed(&telemetry.span(SpanKind::Client), code, Some(code));
        assert_eq!(description, "", "the status code is enough");
    }
}

#[tokio::test]
async fn a_refused_connection_is_described_by_its_cause() {
    let telemetry = Telemetry::new();
    let address = closed().await;
    let request = recorded(&telemetry.instrumentation()).get(format!("http://{address}/"));
    request.send().await.expect_err("nothing listens");
    let description = assert_failed(&telemetry.span(SpanKind::Client), "connect", None);
    assert!(description.contains("refused"), "{description}");
    assert!(!description.contains(&address.to_string()), "{description}");
}

#[tokio::test]
async fn a_timeout_is_an_error_before_and_within_the_body() {
    let callee = Callee::start().await;
    let limited = client_builder().timeout(Duration::from_millis(100)).build().expect("valid options");

    let telemetry = Telemetry::new();
    let client = with_middleware(limited.clone(), &telemetry.instrumentation());
    client.get(callee.url("/slow")).send().await.expect_err("it takes longer");
    let description = assert_failed(&telemetry.span(SpanKind::Client), "timeout", None);
    assert!(description.contains("timed out"), "{description}");

    let telemetry = Telemetry::new();
    let client = with_middleware(limited, &telemetry.instrumentation());
    let response = client.get(callee.url("/halves")).send().await.expect("the head arrives in time");
    response.bytes().await.expect_err("the body takes longer");
    let description = assert_failed(&telemetry.span(SpanKind::Client), "timeout", Some("200"));
    assert!(description.contains("timed out"), "{description}");
}

#[tokio::test]
async fn half_a_body_is_an_error() {
    let telemetry = Telemetry::new();
    let address = serve_bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let request = recorded(&telemetry.instrumentation()).get(format!("http://{address}/"));
    let response = request.send().await.expect("the head arrives");
    response.bytes().await.expect_err("96 bytes are missing");
    let description = assert_failed(&telemetry.span(SpanKind::Client), "body", Some("200"));
    assert!(description.contains("end of file"), "{description}");
}

#[tokio::test]
async fn half_a_body_of_a_failure_leaves_the_status_as_the_error_type() {
    let telemetry = Telemetry::new();
    let address = serve_bytes("HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nhalf").await;
    let request = recorded(&telemetry.instrumentation()).get(format!("http://{address}/"));
    let response = request.send().await.expect("the head arrives");
    response.bytes().await.expect_err("96 bytes are missing");
    let description = assert_failed(&telemetry.span(SpanKind::Client), "500", Some("500"));
    assert!(description.contains("end of file"), "{description}");
    let points = telemetry.durations("http.client.request.duration");
    let types: Vec<_> = points[0].attributes().filter(|a| a.key.as_str() == "error.type").collect();
    assert_eq!(types.len(), 1, "{types:?}");
    assert_eq!(types[0].value, "500".into());
}

#[tokio::test]
async fn a_response_that_is_not_http_is_an_error() {
    let telemetry = Telemetry::new();
    let address = serve_bytes("220 smtp.example ESMTP\r\n").await;
    let request = recorded(&telemetry.instrumentation()).get(format!("http://{address}/"));
    request.send().await.expect_err("this is not a response");
    let description = assert_failed(&telemetry.span(SpanKind::Client), "request", None);
    assert!(description.contains("invalid HTTP"), "{description}");
}

/// A middleware after ours that refuses every request.
struct Refuse;

#[async_trait]
impl Middleware for Refuse {
    async fn handle(
        &self,
        _: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        Err(reqwest_middleware::Error::middleware(std::io::Error::other("the budget is used up")))
    }
}

#[tokio::test]
async fn a_middleware_that_refuses_a_request_is_an_error() {
    let telemetry = Telemetry::new();
    let ours = instrumentation::client::ClientMiddleware::new(&telemetry.instrumentation());
    let client = ClientBuilder::new(client()).with(ours).with(Refuse).build();
    client.get("http://127.0.0.1:9/").send().await.expect_err("it is refused");
    let description = assert_failed(&telemetry.span(SpanKind::Client), "middleware", None);
    assert_eq!(description, "the budget is used up");
}

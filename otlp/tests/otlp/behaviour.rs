//! Each behaviour of a receiver, over HTTP and over gRPC.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otlp::{Behaviour, Received, Receiver};
use tonic::Code;

const BODY: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}"#;

fn listening(behaviour: Behaviour) -> Receiver {
    let mut receiver = Receiver::reserve().unwrap();
    receiver.set(behaviour);
    receiver.listen().unwrap();
    receiver
}

/// Exports one span over HTTP, and returns the status of the response.
async fn export(endpoint: String, timeout: Duration) -> reqwest::Result<u16> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(timeout).build()?;
    let request = client.post(format!("{endpoint}/v1/traces")).header("content-type", "application/json");
    Ok(request.body(BODY).send().await?.status().as_u16())
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

fn client() -> reqwest::Client {
    // This fails if another test has already installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

#[tokio::test]
async fn connections_are_refused_until_the_receiver_listens() {
    let mut receiver = Receiver::reserve().unwrap();
    assert!(export(receiver.endpoint().to_owned(), LONG).await.unwrap_err().is_connect());
    receiver.listen().unwrap();
    assert_eq!(export(receiver.endpoint().to_owned(), LONG).await.unwrap(), 200);
    assert_eq!(receiver.telemetry().spans.len(), 1);
}

#[tokio::test]
async fn what_is_refused_is_kept_apart_from_what_is_accepted() {
    for status in [400, 503] {
        let receiver = listening(Behaviour::Refuse(status));
        assert_eq!(export(receiver.endpoint().to_owned(), LONG).await.unwrap(), status);
        assert_eq!((receiver.telemetry().spans.len(), receiver.received().refused.spans.len()), (0, 1));
    }
}

#[tokio::test]
async fn a_request_that_hangs_is_neither_answered_nor_received() {
    let receiver = listening(Behaviour::Hang);
    assert!(export(receiver.endpoint().to_owned(), SHORT).await.unwrap_err().is_timeout());
    receiver.set(Behaviour::Accept);
    assert_eq!(export(receiver.endpoint().to_owned(), LONG).await.unwrap(), 200);
    assert_eq!(receiver.telemetry().spans.len(), 1);
}

#[tokio::test]
async fn a_request_that_is_stalled_is_received_when_the_behaviour_changes() {
    let receiver = listening(Behaviour::Stall);
    assert!(export(receiver.endpoint().to_owned(), SHORT).await.unwrap_err().is_timeout());
    let stalled = tokio::spawn(export(receiver.endpoint().to_owned(), LONG));
    receiver.set(Behaviour::Accept);
    assert_eq!(stalled.await.unwrap().unwrap(), 200);
    assert!(!receiver.telemetry().spans.is_empty());
}

#[tokio::test]
async fn over_grpc_5xx_is_unavailable_and_4xx_an_invalid_argument() {
    for (status, code) in [(503, Code::Unavailable), (400, Code::InvalidArgument)] {
        let receiver = listening(Behaviour::Refuse(status));
        let endpoint = receiver.endpoint().to_owned();
        let channel = tonic::transport::Endpoint::new(endpoint).unwrap().connect().await.unwrap();
        let mut client = tonic::client::Grpc::new(channel);
        let spans = vec![Span { name: "x".to_owned(), ..Span::default() }];
        let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
        let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
        let request = tonic::Request::new(ExportTraceServiceRequest { resource_spans });
        let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export".parse().unwrap();
        let codec =
            tonic_prost::ProstCodec::<ExportTraceServiceRequest, ExportTraceServiceResponse>::default();
        client.ready().await.unwrap();
        assert_eq!(client.unary(request, path, codec).await.unwrap_err().code(), code);
        assert_eq!(receiver.received().refused.spans.len(), 1);
    }
}

#[tokio::test]
async fn a_rejected_span_is_a_partial_success_and_is_not_received() {
    let receiver = listening(Behaviour::Reject { items: 1, reason: "too old" });
    let body = BODY.replace(r#"{"name":"x"}"#, r#"{"name":"old"},{"name":"new"}"#);
    let client = client();
    let request = client.post(format!("{}/v1/traces", receiver.endpoint()));
    let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    // Compared as a value, because the order of keys depends on features of serde_json that other crates
    // enable.
    let expected = serde_json::json!({"partialSuccess": {"errorMessage": "too old", "rejectedSpans": "1"}});
    let seen: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(seen, expected);
    let names: Vec<String> = receiver.telemetry().spans.into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["new"]);
}

#[tokio::test]
async fn a_request_to_retry_later_is_answered_with_the_time() {
    let receiver = listening(Behaviour::RetryAfter(Duration::from_secs(8)));
    let client = client();
    let request = client.post(format!("{}/v1/traces", receiver.endpoint()));
    let response = request.header("content-type", "application/json").body(BODY).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (503, &"8".parse().unwrap())
    );
}

#[tokio::test]
async fn a_counting_receiver_keeps_nothing() {
    let receiver = Receiver::start_counting().await.unwrap();
    for _ in 0..3 {
        assert_eq!(export(receiver.endpoint().to_owned(), LONG).await.unwrap(), 200);
    }
    let received = receiver.received();
    assert_eq!((received.requests, received.spans, received.accepted.spans.len()), (3, 3, 0));
    assert!(received.is_incomplete);
}

#[tokio::test]
async fn a_test_can_wait_for_expected_telemetry() {
    let receiver = Receiver::start().await.unwrap();
    let exporting = tokio::spawn(export(receiver.endpoint().to_owned(), LONG));
    let name = |received: &Received| Some(received.accepted.spans.first()?.name.clone());
    assert_eq!(receiver.until(LONG, name).await.as_deref(), Some("x"));
    assert_eq!(exporting.await.unwrap().unwrap(), 200);
    assert_eq!(receiver.until(SHORT, |received| (received.requests > 1).then_some(())).await, None);
}

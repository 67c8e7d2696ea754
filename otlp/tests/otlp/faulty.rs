//! The receiver with faults: each behaviour, by HTTP and by gRPC.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otlp::{Behaviour, FaultyReceiver};
use tonic::Code;

const BODY: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}"#;

fn listening(behaviour: Behaviour) -> FaultyReceiver {
    let mut receiver = FaultyReceiver::reserve().unwrap();
    receiver.set(behaviour);
    receiver.listen().unwrap();
    receiver
}

/// Exports one span by HTTP, and gives the status of the answer.
async fn export(authority: String, timeout: Duration) -> reqwest::Result<u16> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(timeout).build()?;
    let request =
        client.post(format!("http://{authority}/v1/traces")).header("content-type", "application/json");
    Ok(request.body(BODY).send().await?.status().as_u16())
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn connections_are_refused_until_the_receiver_listens() {
    let mut receiver = FaultyReceiver::reserve().unwrap();
    assert!(export(receiver.authority(), LONG).await.unwrap_err().is_connect());
    receiver.listen().unwrap();
    assert_eq!(export(receiver.authority(), LONG).await.unwrap(), 200);
    assert_eq!(receiver.accepted().spans.len(), 1);
}

#[tokio::test]
async fn what_is_refused_is_kept_apart_from_what_is_accepted() {
    for status in [400, 503] {
        let receiver = listening(Behaviour::Refuse(status));
        assert_eq!(export(receiver.authority(), LONG).await.unwrap(), status);
        assert_eq!((receiver.accepted().spans.len(), receiver.refused().spans.len()), (0, 1));
    }
}

#[tokio::test]
async fn a_request_that_hangs_is_never_answered_nor_received() {
    let receiver = listening(Behaviour::Hang);
    assert!(export(receiver.authority(), SHORT).await.unwrap_err().is_timeout());
    receiver.set(Behaviour::Accept);
    assert_eq!(export(receiver.authority(), LONG).await.unwrap(), 200);
    assert_eq!(receiver.accepted().spans.len(), 1);
}

#[tokio::test]
async fn a_request_that_is_stalled_is_received_when_the_behaviour_changes() {
    let receiver = listening(Behaviour::Stall);
    assert!(export(receiver.authority(), SHORT).await.unwrap_err().is_timeout());
    let stalled = tokio::spawn(export(receiver.authority(), LONG));
    receiver.set(Behaviour::Accept);
    assert_eq!(stalled.await.unwrap().unwrap(), 200);
    assert!(!receiver.accepted().spans.is_empty());
}

#[tokio::test]
async fn by_grpc_5xx_is_unavailable_and_4xx_an_invalid_argument() {
    for (status, code) in [(503, Code::Unavailable), (400, Code::InvalidArgument)] {
        let receiver = listening(Behaviour::Refuse(status));
        let endpoint = format!("http://{}", receiver.authority());
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
        assert_eq!(receiver.refused().spans.len(), 1);
    }
}

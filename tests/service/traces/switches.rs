//! The variables of OpenTelemetry that the Rust SDK leaves to the service, and requests without a route.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::one_request;
use crate::support::assert_holds;
use crate::support::queries::Queries;
use crate::support::service::Setup;
use otlp::Receiver;
use otlp::model::StatusCode;

#[tokio::test(flavor = "multi_thread")]
async fn each_signal_can_be_switched_off_alone() {
    for off in ["TRACES", "METRICS", "LOGS"] {
        let collector = Receiver::start().await.unwrap();
        let setup = Setup::exporting_to(&collector).with(&format!("OTEL_{off}_EXPORTER"), "none");
        let service = setup.start().await;
        assert_eq!(service.get("/handson").await.status, 200);
        service.stop().await;

        let received = collector.telemetry();
        assert_eq!(received.spans.is_empty(), off == "TRACES", "{off}");
        assert_eq!(received.metrics.is_empty(), off == "METRICS", "{off}");
        assert_eq!(received.log_records.is_empty(), off == "LOGS", "{off}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_sdk_disabled_nothing_is_sent_and_the_service_works() {
    let collector = Receiver::start().await.unwrap();
    let setup = Setup::exporting_to(&collector).with("OTEL_SDK_DISABLED", "true");
    let service = setup.start().await;
    let answer = service.get("/handson").await;
    assert_eq!(answer.json(), json!({ "message": "Hello, handson" }));
    let output = service.stop().await;

    assert_eq!(collector.received().requests, 0);
    let start_up = &output.lines[0];
    assert_eq!(start_up["handson.telemetry"], "off", "{start_up}");
    assert_eq!(output.with_message("dbQuery").len(), 1, "it logs");
    assert!(output.at_level("WARN").is_empty(), "{output:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_of_one_signal_overrides_the_common_one() {
    let (collector, others) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    let setup = Setup::exporting_to(&others)
        .with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{}/v1/traces", collector.endpoint()));
    let (_, received) = one_request(setup, &collector).await;

    assert_eq!((received.spans.len(), received.log_records.len()), (9, 0));
    assert_eq!(others.telemetry().spans.len(), 0);
    assert!(!others.telemetry().log_records.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sampler_can_be_chosen() {
    let collector = Receiver::start().await.unwrap();
    let setup = Setup::exporting_to(&collector).with("OTEL_TRACES_SAMPLER", "always_off");
    let (answer, received) = one_request(setup, &collector).await;

    assert_eq!(received.spans.len(), 0);
    assert!(answer.header("traceresponse").ends_with("-00"), "{answer:?}");
    assert_eq!(received.total("http.server.request.duration", |_| true), 1.0, "metrics count it still");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_a_404_and_its_span_has_no_route() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let answer = service.get("/nowhere/42").await;
    service.stop().await;

    let problem = answer.assert_problem(404);
    assert_eq!(problem["trace_id"], answer.trace_id());
    let received = collector.telemetry();
    assert_eq!(received.spans.len(), 1);
    let server = received.span("GET");
    let expected = json!({ "http.response.status_code": 404, "url.path": "/nowhere/42" });
    assert_holds(&server.attributes, &expected);
    assert_eq!(server.attributes.get("http.route"), None, "else each path would be a name of its own");
    assert_eq!(server.status, StatusCode::Unset, "a mistake of the caller's is none of the server's");
    assert_eq!(server.attributes.get("error.type"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_a_405() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let response = service.client().post(service.url("/handson")).send().await.unwrap();
    let answer = crate::support::client::Answer::read(response).await.unwrap();
    service.stop().await;

    let problem = answer.assert_problem(405);
    assert_eq!(problem["trace_id"], answer.trace_id());
    assert!(answer.header("allow").contains("GET"), "{answer:?}");
    let received = collector.telemetry();
    assert_eq!(received.spans.len(), 1);
    let expected = json!({ "http.response.status_code": 405, "http.request.method": "POST" });
    assert_holds(&received.spans[0].attributes, &expected);
    assert_eq!(received.spans[0].status, StatusCode::Unset);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_a_413_before_it_is_read() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let mut connection = TcpStream::connect(("127.0.0.1", service.port)).await.unwrap();
    let request =
        "GET /handson HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 1000000000\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    service.stop().await;

    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains("trace_id"), "{answer}");
    let received = collector.telemetry();
    assert_eq!(received.spans.len(), 1, "refused before any work");
    assert_eq!(received.spans[0].attributes["http.response.status_code"], 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_method_is_not_part_of_the_span_name() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let method = "BREW".parse().unwrap();
    let response = service.client().request(method, service.url("/nowhere")).send().await.unwrap();
    assert_eq!(response.status(), 404);
    service.stop().await;

    let received = collector.telemetry();
    let expected = json!({ "http.request.method": "_OTHER", "http.request.method_original": "BREW" });
    assert_holds(&received.span("HTTP").attributes, &expected);
}

//! The spans of a request, as received over OTLP.

mod propagation;
mod resource;
mod switches;

use serde_json::json;

use crate::support::assert_holds;
use crate::support::client::{Answer, USER_AGENT};
use crate::support::queries::Queries;
use crate::support::service::Setup;
use crate::support::start_upstream;
use otlp::Receiver;
use otlp::model::{Attributes, Span, Telemetry};
use upstream::Reaction;

/// Names, kinds and parents; siblings in alphabetical order.
pub const TREE: &str = "\
GET /handson Server
  GET Client
  GET Client
  POST Client
  PUT Client
  handson.dbQuery Internal
    SELECT users Client
  handson.randomError Internal
  handson.sleep50microsec Internal
";

/// Sends one `GET /handson`; returns the response, and the telemetry received until the service has ended.
async fn one_request(setup: Setup, collector: &Receiver) -> (Answer, Telemetry) {
    let service = setup.start().await;
    let answer = service.get("/handson").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    service.stop().await;
    (answer, collector.telemetry())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_makes_one_tree_of_spans_over_http() {
    let collector = Receiver::start().await.unwrap();
    let (answer, received) = one_request(Setup::exporting_to(&collector), &collector).await;

    assert_eq!(received.trace(&answer.trace_id()).shape(), TREE);
    assert_eq!(received.spans.len(), 9, "only this request is traced");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_makes_the_same_tree_over_grpc() {
    let collector = Receiver::start().await.unwrap();
    let setup = Setup::exporting_to(&collector).with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let (answer, received) = one_request(setup, &collector).await;

    assert_eq!(received.trace(&answer.trace_id()).shape(), TREE);
    assert!(received.log_records.iter().any(|record| record.body == "dbQuery"), "logs come over gRPC");
    assert!(!received.newest("http.server.request.duration").is_empty(), "metrics come over gRPC");
    let by_grpc = |attributes: &Attributes| attributes["otel.component.type"] == "otlp_grpc_span_exporter";
    assert_eq!(received.total("otel.sdk.exporter.span.exported", by_grpc), 9.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn otlp_may_be_compressed() {
    let collector = Receiver::start().await.unwrap();
    let setup = Setup::exporting_to(&collector).with("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    let (answer, received) = one_request(setup, &collector).await;

    assert_eq!(received.trace(&answer.trace_id()).shape(), TREE);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_a_request_follow_each_other_and_three_calls_overlap() {
    let collector = Receiver::start().await.unwrap();
    // The three calls are answered only when all of them have arrived.
    let upstream = start_upstream(|call| match call.number {
        0 => Reaction::Answer,
        _ => Reaction::Hold,
    });
    let service = Setup::exporting_to(&collector).calling(&upstream).start().await;
    let (answer, ()) = tokio::join!(service.get("/handson"), async {
        upstream.until_called(4).await;
        upstream.release();
    });
    assert_eq!(answer.status, 200, "{answer:?}");
    service.stop().await;

    let received = collector.telemetry();
    let spans = received.trace(&answer.trace_id()).spans;
    let calls: Vec<&Span> = spans.iter().filter(|s| s.attributes.contains_key("url.full")).copied().collect();
    let [first, three @ ..] = &calls[..] else { panic!("no calls") };

    assert!(follows(first, received.span("handson.sleep50microsec")));
    assert!(three.iter().all(|call| follows(call, first)), "the first call is over before the three");
    let last_start = three.iter().map(|call| call.start).max();
    let first_end = three.iter().map(|call| call.end).min();
    assert!(last_start < first_end, "the three calls overlap");
    assert!(three.iter().all(|call| follows(received.span("handson.dbQuery"), call)));
    assert!(follows(received.span("handson.randomError"), received.span("handson.dbQuery")));
    let mut methods: Vec<&str> = three.iter().map(|call| call.name.as_str()).collect();
    methods.sort_unstable();
    assert_eq!(methods, ["GET", "POST", "PUT"]);

    let root = received.span("GET /handson");
    assert!(spans.iter().all(|span| root.start <= span.start && span.end <= root.end));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_span_has_the_attributes_of_the_semantic_conventions() {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|_| Reaction::Answer);
    let service = Setup::exporting_to(&collector).calling(&upstream).start().await;
    let port = service.port;
    service.get("/handson").await;
    service.stop().await;
    let received = collector.telemetry();

    assert_holds(
        &received.span("GET /handson").attributes,
        &json!({
            "http.request.method": "GET",
            "http.route": "/handson",
            "http.response.status_code": 200,
            "url.path": "/handson",
            "url.scheme": "http",
            "server.address": "127.0.0.1",
            "server.port": port,
            "client.address": "127.0.0.1",
            "network.protocol.version": "1.1",
            "user_agent.original": USER_AGENT,
        }),
    );
    assert_holds(
        &received.span("POST").attributes,
        &json!({
            "http.request.method": "POST",
            "http.response.status_code": 200,
            "url.full": upstream.url("/post"),
            "server.address": "127.0.0.1",
            "server.port": upstream.port(),
            "network.protocol.version": "1.1",
        }),
    );
    assert_holds(
        &received.span("SELECT users").attributes,
        &json!({
            "db.system.name": "sqlite",
            "db.operation.name": "SELECT",
            "db.collection.name": "users",
            "db.query.summary": "SELECT users",
        }),
    );
    let database = &received.span("SELECT users").attributes;
    assert!(database["db.query.text"].as_str().unwrap().starts_with("SELECT"), "{database:#?}");
    assert!(database["db.namespace"].as_str().is_some(), "{database:#?}");
    assert!(received.spans.iter().all(|span| !span.attributes.contains_key("error.type")));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_signal_contains_the_credentials_of_an_address() {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|_| Reaction::Answer);
    let url = upstream.url("").replace("http://", "http://user:hunter2@");
    let service = Setup::exporting_to(&collector).with("HTTPBIN_URL", url).start().await;
    assert_eq!(service.get("/handson").await.status, 200);
    let output = service.stop().await;

    let received = collector.telemetry();
    let url = received.span("PUT").attributes["url.full"].as_str().unwrap();
    assert!(url.ends_with("/put"), "{url}");
    let text = format!("{:?}{:?}{:?}", received.spans, received.log_records, output.stdout);
    assert!(!text.contains("user:hunter2"), "{url}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_span_contains_a_path_of_the_build_machine_or_a_thread() {
    let collector = Receiver::start().await.unwrap();
    let setup = Setup::exporting_to(&collector).with("RANDOM_ERROR_RATE", "1");
    let service = setup.start().await;
    service.get("/handson").await.assert_problem(500);
    service.stop().await;

    let received = collector.telemetry();
    assert_eq!(received.spans.len(), 9);
    for span in &received.spans {
        for (name, _) in span.attributes.iter() {
            let unwanted = ["code.", "thread.", "busy_ns", "idle_ns", "level", "target"];
            assert!(!unwanted.iter().any(|start| name.starts_with(start)), "{name} on {}", span.name);
        }
        let text = format!("{:?} {:?}", span.attributes, span.events);
        for path in [env!("CARGO_MANIFEST_DIR"), ".cargo/registry", "/rustc/"] {
            assert!(!text.contains(path), "{path} on {}: {text}", span.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_response_names_its_server_span() {
    let collector = Receiver::start().await.unwrap();
    let (answer, received) = one_request(Setup::exporting_to(&collector), &collector).await;

    let (trace_id, span_id) = answer.trace_and_span_id();
    let server = received.span("GET /handson");
    assert_eq!((&server.trace_id, &server.span_id), (&trace_id, &span_id));
    assert!(answer.header("traceresponse").starts_with("00-"), "version 00");
    assert!(answer.header("traceresponse").ends_with("-01"), "sampled");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_emits_no_telemetry() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    for _ in 0..3 {
        let answer = service.get("/healthz").await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    service.get("/handson").await;
    let output = service.stop().await;

    let received = collector.telemetry();
    assert_eq!(received.spans.len(), 9, "only /handson is traced");
    assert_eq!(received.total("http.server.request.duration", |_| true), 1.0, "and counted");
    assert!(!format!("{:?}", output.stdout).contains("healthz"), "{output:#?}");
}

/// Whether the other span ended before this one began.
fn follows(span: &Span, other: &Span) -> bool {
    other.end <= span.start
}

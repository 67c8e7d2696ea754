//! Requests and errors of the span exporter.

use std::io::Read;
use std::net::TcpListener;
use std::slice;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use instrumentation::otlp::{Compression, ExportError, ExporterConfig, SpanExporter};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SpanExporter as _;
use prost::Message;

use crate::server::{Reply, Server};
use crate::spans::span;
use crate::{config, export, exporter, exporter_with, http_client, with_errors};

fn partial_success(rejected_spans: i64, message: &str) -> Reply {
    let partial = ExportTracePartialSuccess { rejected_spans, error_message: message.to_owned() };
    Reply::with_body(200, ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec())
}

#[test]
fn a_request_is_a_post_of_protobuf_with_the_configured_headers() {
    let server = Server::start([]);
    let mut headers = HeaderMap::new();
    headers.insert("dd-api-key", HeaderValue::from_static("secret"));
    let exporter = exporter_with(ExporterConfig { headers, ..config(&server) });

    export(&exporter, vec![span()]).expect("the export succeeds");

    let request = server.next();
    assert_eq!(request.request_line, "POST /v1/traces HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/x-protobuf");
    assert_eq!(request.headers["dd-api-key"], "secret");
    assert_eq!(request.headers["user-agent"], concat!("handson-instrumentation/", env!("CARGO_PKG_VERSION")));
    assert!(!request.headers.contains_key("content-encoding"), "{:?}", request.headers);
    assert!(!format!("{exporter:?}").contains("secret"), "the header's value is printed: {exporter:?}");
}

#[test]
fn a_compressed_request_decodes_to_the_same_spans() {
    let server = Server::start([]);
    export(&exporter(&server), vec![span()]).expect("the export succeeds");
    let plain = server.next().body;
    let exporter = exporter_with(ExporterConfig { compression: Compression::Gzip, ..config(&server) });

    export(&exporter, vec![span()]).expect("the export succeeds");

    let request = server.next();
    assert_eq!(request.headers["content-encoding"], "gzip");
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&*request.body).read_to_end(&mut body).expect("gzip");
    assert!(body == plain, "the decompressed request differs from the plain one");
}

#[test]
fn a_refused_connection_is_named_in_the_error() {
    let endpoint = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}/v1/traces?key=secret", listener.local_addr().expect("an address"))
            .parse()
            .expect("a URL")
    };
    let config = ExporterConfig { endpoint, ..config(&Server::start([])) };

    let error = export(&exporter_with(config), vec![span()]).expect_err("nobody listens").to_string();

    assert!(error.contains("refused"), "error is: {error}");
    assert!(!error.contains("secret"), "the error has the URL: {error}");
}

#[test]
fn after_shutdown_nothing_is_sent() {
    let server = Server::start([]);
    let exporter = exporter(&server);
    exporter.shutdown().expect("the first shutdown succeeds");

    let error = export(&exporter, vec![span()]).expect_err("the exporter is shut down");

    assert!(matches!(error, OTelSdkError::AlreadyShutdown), "error is: {error}");
    assert!(server.rest().is_empty(), "a request was sent");
}

#[test]
fn rejected_spans_are_reported_and_not_sent_again() {
    let server = Server::start([
        partial_success(3, "too old"),
        partial_success(0, "use gzip"),
        partial_success(0, ""),
    ]);
    let reported = Arc::<Mutex<Vec<(u64, String)>>>::default();
    let kept = Arc::clone(&reported);
    let exporter = exporter(&server).on_error(move |error| match error {
        ExportError::PartialSuccess { rejected, message } => {
            kept.lock().expect("the reports").push((*rejected, message.clone()));
        }
        other => panic!("another error is reported: {other}"),
    });

    for _ in 0..3 {
        export(&exporter, vec![span(); 5]).expect("a batch that is accepted in part is not a failed export");
    }

    let expected = [(3, "too old".to_owned()), (0, "use gzip".to_owned())];
    assert_eq!(*reported.lock().expect("the reports"), expected);
    assert_eq!(server.rest().len(), 3, "requests");
}

#[test]
fn a_successful_response_in_another_format_is_a_success() {
    let server = Server::start([Reply::with_body(202, b"{\"partialSuccess\":{}}".to_vec())]);
    let (exporter, errors) = with_errors(exporter(&server));
    export(&exporter, vec![span()]).expect("the export succeeds");
    assert!(errors.lock().expect("the errors").is_empty());
}

#[test]
fn errors_have_their_status_as_a_value() {
    let server = Server::start([Reply::with_headers(429, "retry-after: 7\r\n")]);
    let exporter = SpanExporter::new(
        http_client(slice::from_ref(&server.url("/"))),
        ExporterConfig { timeout: Duration::from_secs(5), ..config(&server) },
    );
    let seen = Arc::<Mutex<Option<(StatusCode, Option<Duration>)>>>::default();
    let kept = Arc::clone(&seen);
    let exporter = exporter.on_error(move |error| {
        if let ExportError::Status { status, retry_after, .. } = error {
            *kept.lock().expect("the status") = Some((*status, *retry_after));
        }
    });

    export(&exporter, vec![span()]).expect_err("7 s are more than the export may take");

    let expected = Some((StatusCode::TOO_MANY_REQUESTS, Some(Duration::from_secs(7))));
    assert_eq!(*seen.lock().expect("the status"), expected);
}

#[test]
fn the_sdk_delivers_through_the_exporter() {
    use opentelemetry::trace::{Tracer, TracerProvider};
    let server = Server::start([]);
    let provider =
        opentelemetry_sdk::trace::SdkTracerProvider::builder().with_batch_exporter(exporter(&server)).build();

    provider.tracer("test").in_span("hello", |_| {});
    provider.shutdown().expect("the span is delivered");

    let sent = ExportTraceServiceRequest::decode(&*server.next().body).expect("a request");
    assert_eq!(sent.resource_spans[0].scope_spans[0].spans[0].name, "hello");
    let resource = sent.resource_spans[0].resource.as_ref().expect("a resource");
    assert!(!resource.attributes.is_empty(), "the provider's resource is sent");
}

//! The HTTP client that is passed to `opentelemetry-otlp` for logs and metrics.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use instrumentation::otlp::{HttpClient, HttpClientError};
use opentelemetry_http::{Bytes, HttpClient as _, Request};
use opentelemetry_otlp::{LogExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::logs::SdkLoggerProvider;

use crate::server::{Reply, Server};
use crate::{child, http_client};

fn request(server: &Server) -> Request<Bytes> {
    Request::post(server.url("/v1/logs").as_str()).body(Bytes::from_static(b"hello")).expect("a request")
}

#[test]
fn every_response_is_returned_with_any_status() {
    for status in [200, 302, 404, 429, 503] {
        let headers = "retry-after: 1\r\nlocation: http://127.0.0.1:9/\r\n";
        let server = Server::start([Reply::with_headers(status, headers)]);
        let client = http_client(&[server.url("/")]);

        let response = futures_executor::block_on(client.send_bytes(request(&server)))
            .unwrap_or_else(|error| panic!("status {status}: {error}"));

        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(server.next().body, b"hello");
    }
}

#[test]
fn a_request_without_a_response_is_reported_with_its_cause() {
    let server = Server::start([Reply::Silence]);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let reported = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&reported);
    let client = HttpClient::new(&[server.url("/")], Duration::from_millis(200))
        .expect("the client is built")
        .on_error(move |error| kept.lock().expect("the reports").push(error.to_string()));

    futures_executor::block_on(client.send_bytes(request(&server))).expect_err("the server is silent");

    assert_eq!(*reported.lock().expect("the reports"), ["operation timed out"]);
}

#[test]
fn an_endless_response_is_an_error() {
    let server = Server::start([Reply::with_body(200, vec![b'x'; 5 * 1024 * 1024])]);
    let client = http_client(&[server.url("/")]);

    let error =
        futures_executor::block_on(client.send_bytes(request(&server))).expect_err("5 MiB are too much");

    assert_eq!(error.to_string(), "the response is larger than 4 MiB");
}

#[tokio::test]
async fn the_client_for_https_can_be_built_in_async_code() {
    http_client(&["https://example.com/v1/traces".parse().expect("a URL")]);
}

#[test]
fn without_a_tls_provider_there_is_an_error_and_no_panic() {
    let output = child("client::child_without_a_tls_provider").output().expect("the child process runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
#[ignore = "runs in the process that the test above starts, where no other test installs a provider"]
fn child_without_a_tls_provider() {
    let built = HttpClient::new(&[], Duration::from_secs(1));
    assert!(matches!(built, Err(HttpClientError::NoTlsProvider)), "{built:?}");
}

#[test]
fn logs_are_sent_through_the_client() {
    use opentelemetry::logs::{LogRecord, Logger, LoggerProvider};
    let server = Server::start([]);
    let exporter = LogExporter::builder()
        .with_http()
        .with_http_client(http_client(&[server.url("/")]))
        .with_endpoint(server.url("/v1/logs"))
        .build()
        .expect("the exporter is built");
    let provider = SdkLoggerProvider::builder().with_batch_exporter(exporter).build();
    let logger = provider.logger("test");
    let mut record = logger.create_log_record();
    record.set_body("hello".into());

    logger.emit(record);
    provider.shutdown().expect("the record is delivered");

    assert_eq!(server.next().request_line, "POST /v1/logs HTTP/1.1");
}

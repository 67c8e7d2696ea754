//! opentelemetry-appender-tracing: log records of `tracing` events. Our module is a filter around it.

use std::sync::mpsc;
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, Protocol, WithExportConfig};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use prost::Message;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::faults::{Faults, modules};
use crate::server::serve;

const CRATE: &str = "opentelemetry-appender-tracing 0.33";

#[test]
fn appender_tracing_creates_records_with_these_faults() {
    let records = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder().with_simple_exporter(records.clone()).build();
    let subscriber = tracing_subscriber::registry().with(OpenTelemetryTracingBridge::new(&provider));
    tracing::subscriber::with_default(subscriber, || {
        tracing::error!(
            http.response.status_code = 500_u16,
            exception.message = "by chance",
            "the request failed"
        );
    });

    let records = records.get_emitted_logs().expect("the exporter is not shut down");
    let [logged] = records.as_slice() else { panic!("expected one record, got {records:?}") };
    let record = &logged.record;
    assert_eq!(record.severity_text(), Some("ERROR"));
    assert_eq!(record.body(), Some(&"the request failed".into()));
    let attribute = |name: &str| {
        record.attributes_iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value.clone())
    };
    assert_eq!(attribute("http.response.status_code"), Some(500.into()));
    assert_eq!(attribute("exception.message"), Some("by chance".into()));

    Faults::found_in(CRATE, modules::LOGS)
        .gone_if("gives no event name to an event without one", record.event_name().is_none_or(str::is_empty))
        .assert_all_remain();
}

#[test]
fn at_debug_appender_tracing_exports_the_events_of_its_own_exporter() {
    let (address, exports) = collector();
    // reqwest needs a provider. Another test may have already installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = LogExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("http://{address}/v1/logs"))
        .build()
        .expect("the endpoint is valid");
    let provider = SdkLoggerProvider::builder().with_batch_exporter(exporter).build();
    // The exporter sends from separate threads, so the subscriber must be that of the whole process. All
    // other tests use a subscriber of their thread.
    let bridge = OpenTelemetryTracingBridge::new(&provider).with_filter(LevelFilter::DEBUG);
    tracing_subscriber::registry()
        .with(bridge)
        .try_init()
        .expect("no other test sets a subscriber for the process");

    tracing::info!("one event");
    provider.force_flush().expect("the collector takes the records");
    let first = exports.recv().expect("the collector got an export");
    assert!(first.contains("one event"), "expected the event in {first}");
    provider.force_flush().expect("the collector takes the records");

    let second = exports.try_recv().unwrap_or_default();
    Faults::found_in(CRATE, modules::LOGS)
        .gone_if("leaves out what its exporter's HTTP client logs", !second.contains(&address.to_string()))
        .assert_all_remain();
}

/// An OTLP receiver for this test: its address, and each export as text.
fn collector() -> (std::net::SocketAddr, mpsc::Receiver<String>) {
    let (started, address) = mpsc::channel();
    let (exported, exports) = mpsc::channel();
    let receive = move |body: Bytes| {
        let request = ExportLogsServiceRequest::decode(body).expect("an export of log records");
        exported.send(format!("{request:?}")).ok();
        async {}
    };
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let address = serve(Router::new().route("/v1/logs", post(receive))).await;
            started.send(address).ok();
            std::future::pending::<()>().await
        })
    });
    (address.recv().expect("the collector starts"), exports)
}

//! The OTLP exporter and its HTTP client, with real servers on loopback.

mod client;
mod encoding;
mod export;
mod log_records;
mod proxy;
mod retry;
mod server;
mod spans;

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, slice};

use futures_executor::block_on;
use http::HeaderMap;
use instrumentation::otlp::{Compression, ExporterConfig, HttpClient, SpanExporter};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use url::Url;

use server::Server;

/// A client with a timeout that no test reaches.
fn http_client(endpoints: &[Url]) -> HttpClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    HttpClient::new(endpoints, Duration::from_secs(30)).expect("the client is built")
}

fn config(server: &Server) -> ExporterConfig {
    ExporterConfig {
        endpoint: server.url("/v1/traces"),
        headers: HeaderMap::new(),
        compression: Compression::None,
        timeout: Duration::from_secs(30),
    }
}

fn exporter(server: &Server) -> SpanExporter {
    exporter_with(config(server))
}

fn exporter_with(config: ExporterConfig) -> SpanExporter {
    SpanExporter::new(http_client(slice::from_ref(&config.endpoint)), config)
}

fn export(exporter: &SpanExporter, batch: Vec<SpanData>) -> OTelSdkResult {
    block_on(exporter.export(batch))
}

/// Collects the errors that the exporter reports.
fn with_errors(exporter: SpanExporter) -> (SpanExporter, Arc<Mutex<Vec<String>>>) {
    let errors = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&errors);
    (exporter.on_error(move |error| kept.lock().expect("the errors").push(format!("{error:?}"))), errors)
}

/// Runs one ignored test of this program in a separate process, without proxies.
fn child(test: &str) -> Command {
    let mut child = Command::new(env::current_exe().expect("this program's path"));
    child.args(["--exact", test, "--ignored", "--test-threads=1"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child
}

// ANCHOR: first-span
//! The exporters: OTLP over HTTP or gRPC. Headers and compression come from `OTEL_EXPORTER_OTLP_*` variables, which the
//! crate `opentelemetry-otlp` reads itself.

use std::sync::Arc;
use std::thread;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
// ANCHOR: log-correlation
use opentelemetry_otlp::LogExporter;
// ANCHOR_END: log-correlation
// ANCHOR: metrics
use opentelemetry_otlp::MetricExporter;
// ANCHOR_END: metrics
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};

use super::delivery::Delivery;
use super::settings::{Protocol, Settings, Signal};

/// Builds the exporters, which share one HTTP client.
pub(super) struct Otlp<'a> {
    settings: &'a Settings,
    client: Client,
}

impl<'a> Otlp<'a> {
    pub(super) fn new(settings: &'a Settings, delivery: &Arc<Delivery>) -> Result<Self, reqwest::Error> {
        // A blocking client, for the exporters run in threads of their own. It may not be built where an async task
        // runs, and it is not instrumented: its own spans would beget spans without end.
        let client = reqwest::blocking::Client::builder().timeout(settings.timeout);
        // Plain HTTP does without the system's certificates, which may be missing, and take 3 ms to read.
        let client = if settings.needs_tls() { client } else { client.tls_certs_only([]) };
        let build = move || client.build();
        let inner = thread::scope(|scope| scope.spawn(build).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Self { settings, client: Client { inner, delivery: Arc::clone(delivery) } })
    }

    pub(super) fn span_exporter(&self) -> Result<Option<SpanExporter>, ExporterBuildError> {
        let exporter = self.route(Signal::Traces).map(|route| match route {
            Route::Http(client, endpoint) => {
                SpanExporter::builder().with_http().with_http_client(client).with_endpoint(endpoint).build()
            }
            Route::Grpc(endpoint) => SpanExporter::builder().with_tonic().with_endpoint(endpoint).build(),
        });
        exporter.transpose()
    }

    // ANCHOR: metrics
    pub(super) fn metric_exporter(&self) -> Result<Option<MetricExporter>, ExporterBuildError> {
        let exporter = self.route(Signal::Metrics).map(|route| match route {
            Route::Http(client, endpoint) => {
                MetricExporter::builder().with_http().with_http_client(client).with_endpoint(endpoint).build()
            }
            Route::Grpc(endpoint) => MetricExporter::builder().with_tonic().with_endpoint(endpoint).build(),
        });
        exporter.transpose()
    }
    // ANCHOR_END: metrics

    // ANCHOR: log-correlation
    pub(super) fn log_exporter(&self) -> Result<Option<LogExporter>, ExporterBuildError> {
        let exporter = self.route(Signal::Logs).map(|route| match route {
            Route::Http(client, endpoint) => {
                LogExporter::builder().with_http().with_http_client(client).with_endpoint(endpoint).build()
            }
            Route::Grpc(endpoint) => LogExporter::builder().with_tonic().with_endpoint(endpoint).build(),
        });
        exporter.transpose()
    }
    // ANCHOR_END: log-correlation

    fn route(&self, signal: Signal) -> Option<Route> {
        let endpoint = self.settings.endpoint(signal);
        self.settings.sends(signal).then(|| match self.settings.protocol(signal) {
            Protocol::HttpProtobuf => Route::Http(self.client.clone(), endpoint),
            Protocol::Grpc => Route::Grpc(endpoint),
        })
    }
}

/// By what a signal is sent, and where to.
enum Route {
    Http(Client, String),
    Grpc(String),
}

/// Sends a request and hands back the answer, whatever its status: by it the exporter decides whether to try again. (The
/// crate's own client makes one "network error" of all that fails, and tries again what was refused for good.)
#[derive(Debug, Clone)]
struct Client {
    inner: reqwest::blocking::Client,
    delivery: Arc<Delivery>,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.inner.execute(request.try_into()?);
        let mut answer = answer.inspect_err(|error| self.delivery.note(innermost(error)))?;
        let headers = std::mem::take(answer.headers_mut());
        let mut response = Response::builder().status(answer.status()).body(answer.bytes()?)?;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// "Connection refused" says more than "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().unwrap_or(error).to_string()
}
// ANCHOR_END: first-span

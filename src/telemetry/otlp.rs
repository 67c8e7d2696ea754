//! The exporters: OTLP over HTTP or gRPC. Endpoint, headers and compression come from `OTEL_EXPORTER_OTLP_*`, which the
//! crate `opentelemetry-otlp` reads itself.

use std::sync::Arc;
use std::thread;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, SpanExporter, WithHttpConfig,
};

use super::delivery::Delivery;
use super::settings::{Protocol, Settings, Signal};

/// Builds the exporters, which share one HTTP client.
pub(super) struct Otlp<'a> {
    settings: &'a Settings,
    client: Client,
}

impl<'a> Otlp<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        delivery: &Arc<Delivery>,
    ) -> Result<Self, reqwest::Error> {
        // A blocking client, for the exporters run in threads of their own. It may not be built where an async task
        // runs, and it is not instrumented: its own spans would beget spans without end.
        let timeout = settings.timeout;
        let build = move || {
            reqwest::blocking::Client::builder()
                .timeout(timeout)
                .build()
        };
        let inner = thread::scope(|scope| scope.spawn(build).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Self {
            settings,
            client: Client {
                inner,
                delivery: Arc::clone(delivery),
            },
        })
    }

    pub(super) fn span_exporter(&self) -> Result<Option<SpanExporter>, ExporterBuildError> {
        self.exporter(
            Signal::Traces,
            |client| {
                SpanExporter::builder()
                    .with_http()
                    .with_http_client(client)
                    .build()
            },
            || SpanExporter::builder().with_tonic().build(),
        )
    }

    pub(super) fn log_exporter(&self) -> Result<Option<LogExporter>, ExporterBuildError> {
        self.exporter(
            Signal::Logs,
            |client| {
                LogExporter::builder()
                    .with_http()
                    .with_http_client(client)
                    .build()
            },
            || LogExporter::builder().with_tonic().build(),
        )
    }

    pub(super) fn metric_exporter(&self) -> Result<Option<MetricExporter>, ExporterBuildError> {
        self.exporter(
            Signal::Metrics,
            |client| {
                MetricExporter::builder()
                    .with_http()
                    .with_http_client(client)
                    .build()
            },
            || MetricExporter::builder().with_tonic().build(),
        )
    }

    fn exporter<E>(
        &self,
        signal: Signal,
        http: impl FnOnce(Client) -> Result<E, ExporterBuildError>,
        grpc: impl FnOnce() -> Result<E, ExporterBuildError>,
    ) -> Result<Option<E>, ExporterBuildError> {
        if !self.settings.sends(signal) {
            return Ok(None);
        }
        match self.settings.protocol(signal) {
            Protocol::HttpProtobuf => http(self.client.clone()),
            Protocol::Grpc => grpc(),
        }
        .map(Some)
    }
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
        let mut response = Response::builder()
            .status(answer.status())
            .body(answer.bytes()?)?;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// "Connection refused" says more than "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

//! Builds the exporters of all three signals from the settings.

use std::io;

use opentelemetry_otlp::{ExporterBuildError, MetricExporter, WithExportConfig, WithHttpConfig};

use super::exporter::Sender;
use super::{Compression, ExporterConfig, HttpClient, HttpClientError};
use crate::delivery::{CountedLogProcessor, CountedSpanProcessor, Delivery, WatchedMetricExporter};
use crate::settings::{Protocol, Settings, SignalSettings};

/// Builds the exporters, which share one HTTP client. They report to [`Delivery`] why an export failed.
#[derive(Debug)]
pub struct Exporters {
    settings: Settings,
    delivery: Delivery,
    client: HttpClient,
}

impl HttpClient {
    /// A client for the endpoints in `settings`, with the longest of their timeouts.
    ///
    /// # Errors
    ///
    /// The same as for [`HttpClient::new`].
    pub fn from_settings(settings: &Settings) -> Result<Self, HttpClientError> {
        let signals = [&settings.traces, &settings.metrics, &settings.logs];
        let by_http = || {
            let by_http =
                |signal: &&&SignalSettings| signal.enabled && signal.protocol == Protocol::HttpProtobuf;
            signals.iter().filter(by_http)
        };
        let timeout = by_http().map(|signal| signal.timeout).max().unwrap_or(settings.traces.timeout);
        Self::new(by_http().map(|signal| &signal.endpoint), timeout)
    }
}

impl Exporters {
    /// Builds the HTTP client.
    ///
    /// # Errors
    ///
    /// The same as for [`HttpClient::new`].
    pub fn new(settings: &Settings, delivery: &Delivery) -> Result<Self, HttpClientError> {
        let reasons = delivery.clone();
        let client =
            HttpClient::from_settings(settings)?.on_error(move |error| reasons.set_reason(error.to_string()));
        Ok(Self { settings: settings.clone(), delivery: delivery.clone(), client })
    }

    /// What the exporters report to.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The processor of spans: it sends them in batches. Spans that are not exported are made and dropped, as
    /// `OTEL_TRACES_EXPORTER=none` asks for.
    ///
    /// To be called inside a Tokio runtime, in which gRPC sends.
    ///
    /// # Errors
    ///
    /// If the SDK's exporter for gRPC cannot be built, or the thread that sends cannot be started.
    pub fn span_processor(&self) -> Result<CountedSpanProcessor, ExporterBuildError> {
        let settings = &self.settings.traces;
        if settings.enabled && settings.protocol == Protocol::HttpProtobuf {
            let delivery = self.delivery.clone();
            let sender = self.sender(settings, "spans");
            let sender = sender.on_error(move |error| delivery.span_export_failed(error));
            return CountedSpanProcessor::encoding(&self.delivery, sender).map_err(no_thread);
        }
        let by_grpc = || {
            let builder = opentelemetry_otlp::SpanExporter::builder().with_tonic();
            builder.with_endpoint(settings.endpoint.as_str()).build()
        };
        Ok(self.delivery.span_processor(settings.enabled.then(by_grpc).transpose()?))
    }

    /// The same for log records.
    ///
    /// # Errors
    ///
    /// As [`span_processor`](Self::span_processor).
    pub fn log_processor(&self) -> Result<CountedLogProcessor, ExporterBuildError> {
        let settings = &self.settings.logs;
        if settings.enabled && settings.protocol == Protocol::HttpProtobuf {
            let delivery = self.delivery.clone();
            let sender = self.sender(settings, "log records");
            let sender = sender.on_error(move |error| delivery.log_export_failed(error));
            return CountedLogProcessor::encoding(&self.delivery, sender).map_err(no_thread);
        }
        let by_grpc = || {
            let builder = opentelemetry_otlp::LogExporter::builder().with_tonic();
            builder.with_endpoint(settings.endpoint.as_str()).build()
        };
        Ok(self.delivery.log_processor(settings.enabled.then(by_grpc).transpose()?))
    }

    fn sender(&self, settings: &SignalSettings, items: &'static str) -> Sender {
        let sender = Sender::new(self.client.clone(), config(settings), items);
        self.delivery.stop_retries_at_shutdown(sender.retry_stop());
        sender
    }

    /// The exporter of metrics, which discards them if they are not exported.
    ///
    /// # Errors
    ///
    /// The SDK's exporter cannot be built.
    pub fn metrics(&self) -> Result<WatchedMetricExporter, ExporterBuildError> {
        let settings = &self.settings.metrics;
        if !settings.enabled {
            return Ok(self.delivery.metric_exporter(None));
        }
        let builder = MetricExporter::builder();
        let endpoint = settings.endpoint.as_str();
        let exporter = match settings.protocol {
            Protocol::HttpProtobuf => {
                builder.with_http().with_http_client(self.client.clone()).with_endpoint(endpoint).build()?
            }
            Protocol::Grpc => builder.with_tonic().with_endpoint(endpoint).build()?,
        };
        Ok(self.delivery.metric_exporter(Some(exporter)))
    }
}

fn no_thread(error: io::Error) -> ExporterBuildError {
    ExporterBuildError::InternalFailure(format!("cannot start the thread that sends: {error}"))
}

fn config(settings: &SignalSettings) -> ExporterConfig {
    ExporterConfig {
        endpoint: settings.endpoint.clone(),
        headers: settings.headers.clone(),
        compression: if settings.gzip { Compression::Gzip } else { Compression::None },
        timeout: settings.timeout,
    }
}

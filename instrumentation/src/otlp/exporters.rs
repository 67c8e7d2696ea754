//! Builds the exporters of all three signals from the settings.

use opentelemetry_otlp::{ExporterBuildError, MetricExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::LogBatch;
use opentelemetry_sdk::trace::SpanData;
use std::time::Duration;

use super::{Compression, ExporterConfig, HttpClient, HttpClientError, LogRecordExporter, SpanExporter};
use crate::delivery::{Delivery, WatchedMetricExporter};
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

    /// The exporter of spans; `None` if they are not exported.
    ///
    /// # Errors
    ///
    /// The SDK's exporter for gRPC cannot be built.
    pub fn spans(&self) -> Result<Option<AnySpanExporter>, ExporterBuildError> {
        let settings = &self.settings.traces;
        if !settings.enabled {
            return Ok(None);
        }
        Ok(Some(match settings.protocol {
            Protocol::HttpProtobuf => AnySpanExporter::Http(self.http_spans(settings)),
            Protocol::Grpc => AnySpanExporter::Grpc(
                opentelemetry_otlp::SpanExporter::builder()
                    .with_tonic()
                    .with_endpoint(settings.endpoint.as_str())
                    .build()?,
            ),
        }))
    }

    fn http_spans(&self, settings: &SignalSettings) -> SpanExporter {
        let delivery = self.delivery.clone();
        let exporter = SpanExporter::new(self.client.clone(), config(settings))
            .on_error(move |error| delivery.span_export_failed(error));
        self.delivery.stop_retries_at_shutdown(exporter.retry_stop());
        exporter
    }

    /// The exporter of log records; `None` if they are not exported.
    ///
    /// # Errors
    ///
    /// The SDK's exporter for gRPC cannot be built.
    pub fn log_records(&self) -> Result<Option<AnyLogExporter>, ExporterBuildError> {
        let settings = &self.settings.logs;
        if !settings.enabled {
            return Ok(None);
        }
        Ok(Some(match settings.protocol {
            Protocol::HttpProtobuf => AnyLogExporter::Http(self.http_log_records(settings)),
            Protocol::Grpc => AnyLogExporter::Grpc(
                opentelemetry_otlp::LogExporter::builder()
                    .with_tonic()
                    .with_endpoint(settings.endpoint.as_str())
                    .build()?,
            ),
        }))
    }

    fn http_log_records(&self, settings: &SignalSettings) -> LogRecordExporter {
        let delivery = self.delivery.clone();
        let exporter = LogRecordExporter::new(self.client.clone(), config(settings))
            .on_error(move |error| delivery.log_export_failed(error));
        self.delivery.stop_retries_at_shutdown(exporter.retry_stop());
        exporter
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

fn config(settings: &SignalSettings) -> ExporterConfig {
    ExporterConfig {
        endpoint: settings.endpoint.clone(),
        headers: settings.headers.clone(),
        compression: if settings.gzip { Compression::Gzip } else { Compression::None },
        timeout: settings.timeout,
    }
}

/// A span exporter for either protocol.
#[derive(Debug)]
pub enum AnySpanExporter {
    /// OTLP over HTTP, from this crate.
    Http(SpanExporter),
    /// OTLP over gRPC, from the SDK.
    Grpc(opentelemetry_otlp::SpanExporter),
}

impl opentelemetry_sdk::trace::SpanExporter for AnySpanExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self {
            Self::Http(exporter) => exporter.export(batch).await,
            Self::Grpc(exporter) => exporter.export(batch).await,
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        match self {
            Self::Http(exporter) => exporter.shutdown_with_timeout(timeout),
            Self::Grpc(exporter) => exporter.shutdown_with_timeout(timeout),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        match self {
            Self::Http(exporter) => exporter.force_flush(),
            Self::Grpc(exporter) => exporter.force_flush(),
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        match self {
            Self::Http(exporter) => exporter.set_resource(resource),
            Self::Grpc(exporter) => exporter.set_resource(resource),
        }
    }
}

/// An exporter of log records for either protocol.
#[derive(Debug)]
pub enum AnyLogExporter {
    /// OTLP over HTTP, from this crate.
    Http(LogRecordExporter),
    /// OTLP over gRPC, from the SDK.
    Grpc(opentelemetry_otlp::LogExporter),
}

impl opentelemetry_sdk::logs::LogExporter for AnyLogExporter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        match self {
            Self::Http(exporter) => exporter.export(batch).await,
            Self::Grpc(exporter) => exporter.export(batch).await,
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        match self {
            Self::Http(exporter) => exporter.shutdown_with_timeout(timeout),
            Self::Grpc(exporter) => exporter.shutdown_with_timeout(timeout),
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        match self {
            Self::Http(exporter) => exporter.set_resource(resource),
            Self::Grpc(exporter) => exporter.set_resource(resource),
        }
    }
}

//! Exporters that report the outcome of each export to [`Delivery`].

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;

use super::Delivery;

/// An exporter that reports the outcome of each export.
#[derive(Debug)]
pub struct Counted<E> {
    exporter: E,
    delivery: Delivery,
    runtime: Handle,
}

impl<E> Counted<E> {
    pub(super) fn new(exporter: E, delivery: &Delivery) -> Self {
        Self { exporter, delivery: delivery.clone(), runtime: Handle::current() }
    }

    /// The SDK polls exporters in its own threads. gRPC waits there with Tokio's timer before a retry.
    async fn in_runtime<T>(&self, export: impl Future<Output = T>) -> T {
        let mut export = pin!(export);
        poll_fn(|task| {
            let _entered = self.runtime.enter();
            export.as_mut().poll(task)
        })
        .await
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.delivery.0.spans.dequeued(count);
        let result = self.in_runtime(self.exporter.export(batch)).await;
        self.delivery.0.note_result(&result);
        self.delivery.0.spans.settled(count, result.is_ok());
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for Counted<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count();
        self.delivery.0.log_records.dequeued(count);
        let result = self.in_runtime(self.exporter.export(batch)).await;
        self.delivery.0.note_result(&result);
        self.delivery.0.log_records.settled(count, result.is_ok());
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// A metric exporter whose failures [`Delivery`] reports. Without an inner exporter, metrics are discarded.
pub type WatchedMetricExporter = Counted<Option<MetricExporter>>;

impl PushMetricExporter for WatchedMetricExporter {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let Some(exporter) = &self.exporter else { return Ok(()) };
        let result = self.in_runtime(exporter.export(metrics)).await;
        self.delivery.0.note_result(&result);
        self.delivery.0.set_metrics_fail(result.is_err());
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.as_ref().map_or(Ok(()), PushMetricExporter::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.as_ref().map_or(Ok(()), |exporter| exporter.shutdown_with_timeout(timeout))
    }

    fn temporality(&self) -> Temporality {
        self.exporter.as_ref().map_or(Temporality::Cumulative, PushMetricExporter::temporality)
    }
}

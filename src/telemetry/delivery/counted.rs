// ANCHOR: first-span
//! Exporters that keep the accounts of [`Delivery`].

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use tokio::runtime::Handle;

use super::Delivery;

/// An exporter that settles the accounts.
#[derive(Debug)]
pub(in crate::telemetry) struct Counted<E> {
    exporter: E,
    delivery: Arc<Delivery>,
    runtime: Handle,
}

impl<E> Counted<E> {
    pub(in crate::telemetry) fn new(exporter: E, delivery: &Arc<Delivery>) -> Self {
        Self { exporter, delivery: Arc::clone(delivery), runtime: Handle::current() }
    }

    /// The SDK polls exporters in threads of its own; gRPC, before it tries again, sleeps by Tokio's timer.
    async fn in_runtime<T>(&self, export: impl Future<Output = T>) -> T {
        let mut export = pin!(export);
        poll_fn(|context| {
            let _entered = self.runtime.enter();
            export.as_mut().poll(context)
        })
        .await
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.delivery.spans.hand_over(count);
        let result = self.in_runtime(self.exporter.export(batch)).await;
        self.delivery.note_failure(&result);
        self.delivery.spans.settle(count, &result);
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
        self.delivery.log_records.hand_over(count);
        let result = self.in_runtime(self.exporter.export(batch)).await;
        self.delivery.note_failure(&result);
        self.delivery.log_records.settle(count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Counted<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.in_runtime(self.exporter.export(metrics)).await;
        self.delivery.note_failure(&result);
        self.delivery.metrics_trouble(result.is_err());
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
// ANCHOR_END: first-span

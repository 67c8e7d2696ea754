//! Counts exported and lost spans, because the SDK reports losses too late or not at all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::SpanData;

/// Counts of spans.
#[derive(Debug, Default)]
pub struct Delivery {
    started: AtomicU64,
    exported: AtomicU64,
    first_failure: OnceLock<String>,
}

impl Delivery {
    /// Number of spans that were started.
    pub fn spans(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// Number of spans that a collector accepted.
    pub fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    /// Why an export failed for the first time.
    pub fn first_failure(&self) -> Option<&str> {
        self.first_failure.get().map(String::as_str)
    }

    pub(super) fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }
}

/// An exporter that counts the spans that it exports.
#[derive(Debug)]
pub(super) struct Counted {
    exporter: SpanExporter,
    delivery: Arc<Delivery>,
}

impl Counted {
    pub(super) fn new(exporter: SpanExporter, delivery: &Arc<Delivery>) -> Self {
        Self { exporter, delivery: Arc::clone(delivery) }
    }
}

impl opentelemetry_sdk::trace::SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let result = self.exporter.export(batch).await;
        match &result {
            Ok(()) => {
                self.delivery.exported.fetch_add(count, Ordering::Relaxed);
            }
            Err(error) => {
                self.delivery.first_failure.get_or_init(|| error.to_string());
            }
        }
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

//! The SDK's batch processors, with a count of the items that enter their queue.

use std::time::Duration;

use opentelemetry::logs::Severity;
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{BatchLogProcessor, LogExporter, LogProcessor, SdkLogRecord};
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};

use super::Delivery;

/// Spans wait in a queue, and are exported in batches by a separate thread. A span that is dropped because
/// the queue is full is counted.
#[derive(Debug)]
pub struct CountedSpanProcessor {
    batches: Option<BatchSpanProcessor>,
    delivery: Delivery,
}

impl CountedSpanProcessor {
    pub(super) fn new(delivery: &Delivery, exporter: Option<impl SpanExporter + 'static>) -> Self {
        let batching = delivery.0.settings.span_batching;
        let config = opentelemetry_sdk::trace::BatchConfigBuilder::default()
            .with_max_queue_size(batching.max_queue_size)
            .with_max_export_batch_size(batching.max_export_batch_size)
            .build();
        let batches =
            exporter.map(|exporter| BatchSpanProcessor::builder(exporter).with_batch_config(config).build());
        Self { batches, delivery: delivery.clone() }
    }
}

impl SpanProcessor for CountedSpanProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Some(batches) = &self.batches {
            batches.on_start(span, context);
        }
    }

    fn on_end(&self, span: SpanData) {
        if let Some(batches) = &self.batches
            && span.span_context.is_sampled()
            && self.delivery.0.spans.try_reserve()
        {
            batches.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.as_ref().map_or(Ok(()), SpanProcessor::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.delivery.stop_retries();
        self.batches.as_ref().map_or(Ok(()), |batches| batches.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(batches) = &mut self.batches {
            batches.set_resource(resource);
        }
    }
}

/// Log records wait in a queue, and are exported in batches by a separate thread. A record that is dropped
/// because the queue is full is counted.
#[derive(Debug)]
pub struct CountedLogProcessor {
    batches: Option<BatchLogProcessor>,
    delivery: Delivery,
}

impl CountedLogProcessor {
    pub(super) fn new(delivery: &Delivery, exporter: Option<impl LogExporter + 'static>) -> Self {
        let batching = delivery.0.settings.log_batching;
        let config = opentelemetry_sdk::logs::BatchConfigBuilder::default()
            .with_max_queue_size(batching.max_queue_size)
            .with_max_export_batch_size(batching.max_export_batch_size)
            .build();
        let batches =
            exporter.map(|exporter| BatchLogProcessor::builder(exporter).with_batch_config(config).build());
        Self { batches, delivery: delivery.clone() }
    }
}

impl LogProcessor for CountedLogProcessor {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if let Some(batches) = &self.batches
            && self.delivery.0.log_records.try_reserve()
        {
            batches.emit(record, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.as_ref().map_or(Ok(()), LogProcessor::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.delivery.stop_retries();
        self.batches.as_ref().map_or(Ok(()), |batches| batches.shutdown_with_timeout(timeout))
    }

    fn event_enabled(&self, severity: Severity, target: &str, name: Option<&str>) -> bool {
        self.batches.as_ref().is_some_and(|batches| batches.event_enabled(severity, target, name))
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(batches) = &mut self.batches {
            batches.set_resource(resource);
        }
    }
}

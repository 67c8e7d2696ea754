//! Processors that count what enters their queue.

use std::io;
use std::time::Duration;

use opentelemetry::logs::Severity;
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{BatchLogProcessor, LogExporter, LogProcessor, SdkLogRecord};
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};

use super::Delivery;
use super::queue::EncodedQueue;
use crate::otlp::{Sender, encode_log_record, encode_span, scope_name};

/// Spans wait in a queue, and are exported in batches by a separate thread. A span that is dropped because
/// the queue is full is counted.
#[derive(Debug)]
pub struct CountedSpanProcessor {
    queue: Queue<BatchSpanProcessor>,
    delivery: Delivery,
}

/// Where items wait for their export.
#[derive(Debug)]
enum Queue<P> {
    /// OTLP over HTTP.
    Encoded(EncodedQueue),
    /// Any other exporter, behind the SDK's batch processor.
    Sdk(P),
    /// Items are not exported.
    None,
}

impl CountedSpanProcessor {
    pub(super) fn new(delivery: &Delivery, exporter: Option<impl SpanExporter + 'static>) -> Self {
        let batching = delivery.0.settings.span_batching;
        let config = opentelemetry_sdk::trace::BatchConfigBuilder::default()
            .with_max_queue_size(batching.max_queue_size)
            .with_max_export_batch_size(batching.max_export_batch_size)
            .with_scheduled_delay(batching.schedule_delay)
            .build();
        let batches =
            exporter.map(|exporter| BatchSpanProcessor::builder(exporter).with_batch_config(config).build());
        Self { queue: batches.map_or(Queue::None, Queue::Sdk), delivery: delivery.clone() }
    }

    pub(crate) fn encoding(delivery: &Delivery, sender: Sender) -> io::Result<Self> {
        let batching = delivery.0.settings.span_batching;
        let queue = EncodedQueue::new(delivery, |state| &state.spans, batching, sender)?;
        Ok(Self { queue: Queue::Encoded(queue), delivery: delivery.clone() })
    }
}

impl SpanProcessor for CountedSpanProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Queue::Sdk(batches) = &self.queue {
            batches.on_start(span, context);
        }
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        match &self.queue {
            Queue::Encoded(queue) => {
                let scope = &span.instrumentation_scope;
                queue.add(scope.name(), scope, |buffer| encode_span(&span, buffer));
            }
            Queue::Sdk(batches) if self.delivery.0.spans.try_reserve() => batches.on_end(span),
            _ => {}
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        match &self.queue {
            Queue::Encoded(queue) => queue.flush(),
            Queue::Sdk(batches) => batches.force_flush(),
            Queue::None => Ok(()),
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.delivery.stop_retries();
        match &self.queue {
            Queue::Encoded(queue) => queue.shut_down(timeout),
            Queue::Sdk(batches) => batches.shutdown_with_timeout(timeout),
            Queue::None => Ok(()),
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        match &mut self.queue {
            Queue::Encoded(queue) => queue.set_resource(resource),
            Queue::Sdk(batches) => batches.set_resource(resource),
            Queue::None => {}
        }
    }
}

/// Log records wait in a queue, and are exported in batches by a separate thread. A record that is dropped
/// because the queue is full is counted.
#[derive(Debug)]
pub struct CountedLogProcessor {
    queue: Queue<BatchLogProcessor>,
    delivery: Delivery,
}

impl CountedLogProcessor {
    pub(super) fn new(delivery: &Delivery, exporter: Option<impl LogExporter + 'static>) -> Self {
        let batching = delivery.0.settings.log_batching;
        let config = opentelemetry_sdk::logs::BatchConfigBuilder::default()
            .with_max_queue_size(batching.max_queue_size)
            .with_max_export_batch_size(batching.max_export_batch_size)
            .with_scheduled_delay(batching.schedule_delay)
            .build();
        let batches =
            exporter.map(|exporter| BatchLogProcessor::builder(exporter).with_batch_config(config).build());
        Self { queue: batches.map_or(Queue::None, Queue::Sdk), delivery: delivery.clone() }
    }

    pub(crate) fn encoding(delivery: &Delivery, sender: Sender) -> io::Result<Self> {
        let batching = delivery.0.settings.log_batching;
        let queue = EncodedQueue::new(delivery, |state| &state.log_records, batching, sender)?;
        Ok(Self { queue: Queue::Encoded(queue), delivery: delivery.clone() })
    }
}

impl LogProcessor for CountedLogProcessor {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        match &self.queue {
            Queue::Encoded(queue) => {
                queue.add(scope_name(record, scope), scope, |buffer| encode_log_record(record, buffer));
            }
            Queue::Sdk(batches) if self.delivery.0.log_records.try_reserve() => batches.emit(record, scope),
            _ => {}
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        match &self.queue {
            Queue::Encoded(queue) => queue.flush(),
            Queue::Sdk(batches) => batches.force_flush(),
            Queue::None => Ok(()),
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.delivery.stop_retries();
        match &self.queue {
            Queue::Encoded(queue) => queue.shut_down(timeout),
            Queue::Sdk(batches) => batches.shutdown_with_timeout(timeout),
            Queue::None => Ok(()),
        }
    }

    fn event_enabled(&self, severity: Severity, target: &str, name: Option<&str>) -> bool {
        match &self.queue {
            Queue::Encoded(_) => true,
            Queue::Sdk(batches) => batches.event_enabled(severity, target, name),
            Queue::None => false,
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        match &mut self.queue {
            Queue::Encoded(queue) => queue.set_resource(resource),
            Queue::Sdk(batches) => batches.set_resource(resource),
            Queue::None => {}
        }
    }
}

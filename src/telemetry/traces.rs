//! Traces: the tracer provider, and how ids cross to other services.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use opentelemetry_semantic_conventions::attribute::EXCEPTION_STACKTRACE;

use super::delivery::{Counted, Delivery};
use super::settings::Settings;

/// Spans wait in a queue, and leave in batches from a thread of their own.
pub(super) fn provider(
    resource: Resource,
    exporter: Option<SpanExporter>,
    delivery: &Arc<Delivery>,
    settings: &Settings,
) -> SdkTracerProvider {
    let mut provider = SdkTracerProvider::builder().with_resource(resource);
    if let Some(exporter) = exporter {
        let batching = BatchConfigBuilder::default()
            .with_max_queue_size(settings.spans.max_queue_size)
            .with_max_export_batch_size(settings.spans.max_export_batch_size)
            .build();
        let exporter = Counted::new(exporter, delivery);
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(batching).build();
        provider = provider.with_span_processor(Queue { batches, delivery: Arc::clone(delivery) });
    }
    provider.build()
}

/// The tracer of this crate.
pub(super) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    provider.tracer("handson")
}

/// Reads and writes the headers `traceparent`, `tracestate` and `baggage`, as `OTEL_PROPAGATORS` says.
pub(super) fn propagator(settings: &Settings) -> TextMapCompositePropagator {
    let mut propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
    if settings.trace_context {
        propagators.push(Box::new(TraceContextPropagator::new()));
    }
    if settings.baggage {
        propagators.push(Box::new(BaggagePropagator::new()));
    }
    TextMapCompositePropagator::new(propagators)
}

/// Lets a span into the SDK's queue where there is room, and counts it where there is not: the SDK itself would tell the
/// number of lost spans only when the process ends.
#[derive(Debug)]
struct Queue {
    batches: BatchSpanProcessor,
    delivery: Arc<Delivery>,
}

impl SpanProcessor for Queue {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        keep_full_exceptions(&mut span);
        if self.delivery.spans.admit() {
            self.batches.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// `sqlx-otel` records an exception of its own, without the chain of causes; the span around its span has the full one,
/// and one failure is one exception.
fn keep_full_exceptions(span: &mut SpanData) {
    span.events.events.retain(|event| {
        event.name != "exception"
            || event.attributes.iter().any(|about| about.key.as_str() == EXCEPTION_STACKTRACE)
    });
}

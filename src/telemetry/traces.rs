// ANCHOR: first-span
//! Traces: the tracer provider, and the layer that makes spans of `tracing`'s.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::delivery::{Counted, Delivery};
use super::settings::Settings;

/// Spans wait in a queue, and leave in batches from a thread of their own.
pub(super) fn provider(
    resource: Resource,
    exporter: Option<SpanExporter>,
    delivery: &Arc<Delivery>,
    settings: &Settings,
) -> SdkTracerProvider {
    // BEFORE datadog-sdk: // TODO datadog-sdk: with the feature `datadog`, let Datadog's SDK build the provider.
    // ANCHOR: datadog-sdk
    // Its address is `DD_TRACE_AGENT_URL`; service, environment and version are those of the resource.
    #[cfg(feature = "datadog")]
    let provider = datadog_opentelemetry::tracing();
    #[cfg(not(feature = "datadog"))]
    // ANCHOR_END: datadog-sdk
    let provider = SdkTracerProvider::builder();
    let mut provider = provider.with_resource(resource);
    if let Some(exporter) = exporter {
        let batching = BatchConfigBuilder::default()
            .with_max_queue_size(settings.spans.max_queue_size)
            .with_max_export_batch_size(settings.spans.max_export_batch_size)
            .build();
        let exporter = Counted::new(exporter, delivery);
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(batching).build();
        provider = provider.with_span_processor(Queue { batches, delivery: Arc::clone(delivery) });
    }
    // ANCHOR: datadog-sdk
    // It becomes the global provider, with a propagator of its own that knows Datadog's headers as well.
    #[cfg(feature = "datadog")]
    return provider.init();
    #[cfg(not(feature = "datadog"))]
    // ANCHOR_END: datadog-sdk
    provider.build()
}

/// The tracer of this crate.
pub(super) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    provider.tracer("handson")
}

/// `#[tracing::instrument]` makes spans; those of this crate become OpenTelemetry's. Without the filter, each library's
/// own would come alive. Events are log records, not events of a span.
pub(super) fn layer<S>(tracer: &SdkTracer) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer.clone())
        // What these would add to every span is either not in the semantic conventions or the path of a build machine.
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
        .with_level(false)
        .with_filter(
            Targets::new()
                .with_target("handson", LevelFilter::INFO)
                .and(filter_fn(|metadata| metadata.is_span())),
        )
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

    fn on_end(&self, span: SpanData) {
        // ANCHOR: errors
        let span = with_full_exceptions_only(span);
        // ANCHOR_END: errors
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

// ANCHOR: errors
/// `sqlx-otel` records an exception of its own, without the chain of causes; the span around its span has the full one,
/// and one failure is one exception.
fn with_full_exceptions_only(mut span: SpanData) -> SpanData {
    use opentelemetry_semantic_conventions::attribute::EXCEPTION_STACKTRACE;
    span.events.events.retain(|event| {
        event.name != "exception"
            || event.attributes.iter().any(|about| about.key.as_str() == EXCEPTION_STACKTRACE)
    });
    span
}
// ANCHOR_END: errors
// ANCHOR_END: first-span

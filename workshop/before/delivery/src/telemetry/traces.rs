//! The pipeline of spans.

use anyhow::Result;
use instrumentation::otlp::HttpClient;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider};

/// Ended spans wait in the processor's queue, and are sent in batches from a thread of its own.
pub fn provider(resource: Resource, otlp: &HttpClient) -> Result<SdkTracerProvider> {
    // TODO delivery: count what is lost on the way to the collector; begin with `otlp` in `src/telemetry.rs`.
    let exporter = SpanExporter::builder().with_http().with_http_client(otlp.clone()).build()?;
    let processor = BatchSpanProcessor::builder(exporter).build();
    // It sends to `DD_TRACE_AGENT_URL`. Service, environment and version are those of the resource.
    #[cfg(feature = "datadog")]
    let provider = datadog_opentelemetry::tracing()
        .with_resource(resource)
        .with_span_processor(processor)
        .init_local()
        .0;
    #[cfg(not(feature = "datadog"))]
    let provider =
        SdkTracerProvider::builder().with_resource(resource).with_span_processor(processor).build();
    Ok(provider)
}

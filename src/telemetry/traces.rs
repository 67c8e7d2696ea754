//! The pipeline of spans.

use anyhow::Result;
use instrumentation::otlp::Exporters;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

/// Ended spans wait in the processor's queue, and are sent in batches from a thread of its own.
pub fn provider(resource: Resource, otlp: &Exporters) -> Result<SdkTracerProvider> {
    let processor = otlp.span_processor()?;
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

//! The pipeline of log records.

use anyhow::Result;
use instrumentation::log_records::WithoutPlaceNames;
use instrumentation::otlp::Exporters;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;

/// Records wait in the queue of the second processor, and are sent in batches from a thread of its own.
pub fn provider(resource: Resource, otlp: &Exporters) -> Result<SdkLoggerProvider> {
    let processor = otlp.log_processor()?;
    let provider = SdkLoggerProvider::builder()
        .with_resource(resource)
        .with_log_processor(WithoutPlaceNames)
        .with_log_processor(processor)
        .build();
    Ok(provider)
}

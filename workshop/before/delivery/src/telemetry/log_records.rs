//! The pipeline of log records.

use anyhow::Result;
use instrumentation::log_records::WithoutPlaceNames;
use instrumentation::otlp::HttpClient;
use opentelemetry_otlp::{LogExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchLogProcessor, SdkLoggerProvider};

/// Records wait in the queue of the second processor, and are sent in batches from a thread of its own.
pub fn provider(resource: Resource, otlp: &HttpClient) -> Result<SdkLoggerProvider> {
    // TODO delivery: count what is lost on the way to the collector.
    let exporter = LogExporter::builder().with_http().with_http_client(otlp.clone()).build()?;
    let processor = BatchLogProcessor::builder(exporter).build();
    let provider = SdkLoggerProvider::builder()
        .with_resource(resource)
        .with_log_processor(WithoutPlaceNames)
        .with_log_processor(processor)
        .build();
    Ok(provider)
}

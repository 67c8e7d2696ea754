//! The pipeline of metrics.

use anyhow::Result;
use instrumentation::otlp::HttpClient;
use opentelemetry_otlp::{MetricExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;

/// A thread reads all instruments at an interval, and sends their values.
pub fn provider(resource: Resource, otlp: &HttpClient) -> Result<SdkMeterProvider> {
    // TODO delivery: let the metrics report what is lost, too.
    let exporter = MetricExporter::builder().with_http().with_http_client(otlp.clone()).build()?;
    let provider = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_periodic_exporter(exporter)
        .with_view(instrumentation::process_metrics::only_correct)
        .build();
    // The SDK's own counts and the metrics of the process use the global provider, so it must be set before
    // the batch processors are built. The metrics of the process come from /proc, so they exist only on
    // Linux.
    opentelemetry::global::set_meter_provider(provider.clone());
    let _ = opentelemetry_instrumentation_process::init();
    Ok(provider)
}

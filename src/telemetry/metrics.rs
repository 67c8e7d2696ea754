//! The pipeline of metrics.

use anyhow::Result;
use instrumentation::otlp::Exporters;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;

/// A thread reads all instruments at an interval, and sends their values.
pub fn provider(resource: Resource, otlp: &Exporters) -> Result<SdkMeterProvider> {
    let provider = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_periodic_exporter(otlp.metrics()?)
        .with_view(instrumentation::process_metrics::only_correct)
        .build();
    otlp.delivery().report_to(&provider);
    // The SDK's own counts and the metrics of the process use the global provider, so it must be set before
    // the batch processors are built. The metrics of the process come from /proc, so they exist only on
    // Linux.
    opentelemetry::global::set_meter_provider(provider.clone());
    let _ = opentelemetry_instrumentation_process::init();
    Ok(provider)
}

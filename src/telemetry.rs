//! The pipelines of OpenTelemetry: an exporter, a processor and a provider for each signal, and one resource
//! for all.
//!
//! [`start`] builds and installs them; [`Telemetry::flush`] exports the remaining telemetry before the
//! process ends.

use std::time::Duration;

use anyhow::Result;
use instrumentation::Instrumentation;
use opentelemetry_sdk::error::OTelSdkResult;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use crate::config::Setup;
use crate::logs;

/// Time limit for exporting the rest of one signal when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// The running pipelines.
#[derive(Default)]
pub struct Telemetry {
    /// The destination of telemetry, for the start-up line.
    pub destination: String,
    /// What the layers around axum, reqwest and sqlx use to record.
    pub instrumentation: Instrumentation,
    shutdowns: Vec<Box<dyn FnOnce(Duration) -> OTelSdkResult>>,
}

/// Starts logging, and every signal that `setup` does not switch off. Call it once, inside a Tokio runtime,
/// which gRPC needs for sending.
///
/// # Errors
///
/// An exporter cannot be built, or a subscriber is already installed.
pub fn start(setup: &Setup) -> Result<Telemetry> {
    let mut telemetry = Telemetry::default();
    let subscriber = registry().with(logs::lines(setup));
    if setup.settings.disabled {
        telemetry.destination = "off".to_owned();
        tracing::subscriber::set_global_default(subscriber)?;
        return Ok(telemetry);
    }
    // BEFORE first-span: // TODO first-span: report where telemetry is sent.
    // BEFORE first-span: telemetry.destination = "nowhere yet".to_owned();
    // BEFORE first-span: // TODO first-span: build an exporter, a processor, a resource and a provider; add the layer for spans.
    // ANCHOR: first-span
    telemetry.destination = setup.settings.destination();
    let resource = opentelemetry_sdk::Resource::builder()
        .with_detectors(&instrumentation::identity::detectors())
        .with_service_name(setup.identity.service.clone())
        .with_attributes(setup.identity.attributes())
        .build();
    // BEFORE delivery: // TODO delivery: count what is lost on the way to the collector, and report it.
    // BEFORE delivery: use opentelemetry_otlp::WithHttpConfig;
    // BEFORE delivery: let http = instrumentation::otlp::HttpClient::from_settings(&setup.settings)?;
    // ANCHOR: delivery
    let delivery = instrumentation::delivery::Delivery::new(&setup.settings);
    let exporters = instrumentation::otlp::Exporters::new(&setup.settings, &delivery)?;
    let at_the_end = delivery.clone();
    telemetry.on_flush(move |_| {
        at_the_end.report_the_end();
        Ok(())
    });
    // ANCHOR_END: delivery
    // ANCHOR_END: first-span

    // BEFORE metrics: // TODO metrics: build a meter provider, and let the layers record with it.
    // ANCHOR: metrics
    // BEFORE delivery: let exporter = opentelemetry_otlp::MetricExporter::builder();
    // BEFORE delivery: let exporter = exporter.with_http().with_http_client(http.clone()).build()?;
    // ANCHOR: delivery
    let exporter = exporters.metrics()?;
    // ANCHOR_END: delivery
    let metrics = opentelemetry_sdk::metrics::SdkMeterProvider::builder()
        .with_resource(resource.clone())
        .with_periodic_exporter(exporter)
        .with_view(instrumentation::process_metrics::only_correct)
        .build();
    telemetry.instrumentation = telemetry.instrumentation.with_meter_provider(&metrics);
    // The SDK's own counts and the metrics of the process use the global provider, so it must be set before
    // the batch processors are built. The metrics of the process come from /proc, so they exist only on
    // Linux.
    opentelemetry::global::set_meter_provider(metrics.clone());
    let _ = opentelemetry_instrumentation_process::init();
    // ANCHOR: delivery
    delivery.report_to(&metrics);
    // ANCHOR_END: delivery
    telemetry.on_flush(move |timeout| metrics.shutdown_with_timeout(timeout));
    // ANCHOR_END: metrics

    // BEFORE log-correlation: // TODO log-correlation: build a logger provider, and add the layer that feeds it.
    // ANCHOR: log-correlation
    // BEFORE delivery: let exporter = opentelemetry_otlp::LogExporter::builder();
    // BEFORE delivery: let exporter = exporter.with_http().with_http_client(http.clone()).build()?;
    // BEFORE delivery: let processor = opentelemetry_sdk::logs::BatchLogProcessor::builder(exporter).build();
    // ANCHOR: delivery
    let processor = delivery.log_processor(exporters.log_records()?);
    // ANCHOR_END: delivery
    let records = opentelemetry_sdk::logs::SdkLoggerProvider::builder()
        .with_resource(resource.clone())
        .with_log_processor(instrumentation::log_records::WithoutPlaceNames)
        .with_log_processor(processor)
        .build();
    let bridge = instrumentation::log_records::layer(&records, logs::levels(&setup.process));
    let subscriber = subscriber.with(bridge);
    telemetry.on_flush(move |timeout| records.shutdown_with_timeout(timeout));
    // ANCHOR_END: log-correlation

    // BEFORE first-span: // TODO first-span: the exporter, the processor, the provider and the layer belong here.
    // ANCHOR: first-span
    // BEFORE delivery: let exporter = opentelemetry_otlp::SpanExporter::builder();
    // BEFORE delivery: let exporter = exporter.with_http().with_http_client(http.clone()).build()?;
    // BEFORE delivery: let processor = opentelemetry_sdk::trace::BatchSpanProcessor::builder(exporter).build();
    // ANCHOR: delivery
    let processor = delivery.span_processor(exporters.spans()?);
    // ANCHOR_END: delivery
    // BEFORE datadog-sdk: // TODO datadog-sdk: with the feature `datadog`, let Datadog's SDK build the provider.
    // ANCHOR: datadog-sdk
    // It sends to `DD_TRACE_AGENT_URL`. Service, environment and version are those of the resource.
    #[cfg(feature = "datadog")]
    let traces = datadog_opentelemetry::tracing()
        .with_resource(resource)
        .with_span_processor(processor)
        .init_local()
        .0;
    #[cfg(not(feature = "datadog"))]
    // ANCHOR_END: datadog-sdk
    let traces = opentelemetry_sdk::trace::SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(processor)
        .build();
    let subscriber =
        subscriber.with(instrumentation::spans::layer(&traces, "handson", crate::identity::VERSION));
    // ANCHOR_END: first-span

    // BEFORE server-spans: // TODO server-spans: let the layers record spans, and read the ids that callers send.
    // ANCHOR: server-spans
    telemetry.instrumentation =
        telemetry.instrumentation.with_tracer_provider(&traces).with_propagator(setup.settings.propagator());
    // ANCHOR_END: server-spans

    // BEFORE first-span: // TODO first-span: shut the provider down when telemetry is flushed.
    // ANCHOR: first-span
    telemetry.on_flush(move |timeout| traces.shutdown_with_timeout(timeout));
    // ANCHOR_END: first-span
    tracing::subscriber::set_global_default(subscriber)?;
    // ANCHOR: delivery
    delivery.watch();
    // ANCHOR_END: delivery
    Ok(telemetry)
}

impl Telemetry {
    /// Runs `shutdown` when telemetry is flushed; its argument is the time that it may take.
    pub fn on_flush(&mut self, shutdown: impl FnOnce(Duration) -> OTelSdkResult + 'static) {
        self.shutdowns.push(Box::new(shutdown));
    }

    /// Exports the rest of each signal, within 9 s. Call it when no request is running any more, because
    /// anything recorded later is lost.
    pub fn flush(self) {
        // The metrics are built first and shut down last, because they count the exports of the other
        // signals.
        for shutdown in self.shutdowns.into_iter().rev() {
            // A failed export has already been logged.
            let _ = shutdown(FLUSH_TIMEOUT);
        }
    }
}

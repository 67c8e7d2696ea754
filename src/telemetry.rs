//! OpenTelemetry: how traces, metrics and logs are made, and how they leave the process.
//!
//! [`start`] builds the pipelines and installs them; [`Telemetry::flush`] sends what is left before the process ends.

mod logs;
pub mod settings;

// ANCHOR: structured-logs
mod json_lines;
// ANCHOR_END: structured-logs

// ANCHOR: first-span
mod delivery;
mod otlp;
mod resource;
mod traces;
// ANCHOR_END: first-span

// ANCHOR: server-spans
mod http_attributes;
mod propagation;
pub mod server_spans;
// ANCHOR_END: server-spans

// ANCHOR: client-spans
pub mod client_spans;
// ANCHOR_END: client-spans

// ANCHOR: log-correlation
mod log_records;
// ANCHOR_END: log-correlation

// ANCHOR: errors
pub mod failures;
// ANCHOR_END: errors

// ANCHOR: metrics
mod http_metrics;
mod metrics;
// ANCHOR_END: metrics

// ANCHOR: first-span
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
// ANCHOR_END: first-span
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use crate::config::Process;
use crate::identity::Identity;
use settings::Settings;

// ANCHOR: first-span
/// Time for the spans and log records that are left to be sent when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
// ANCHOR_END: first-span
// ANCHOR: metrics
/// Time for the last metrics after that.
const METRICS_FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
// ANCHOR_END: metrics

// ANCHOR: first-span
/// Unset where telemetry is off, so that no layer is put into the way of a request.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// The tracer of this service; `None` where telemetry is off (`OTEL_SDK_DISABLED=true`).
pub fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}
// ANCHOR_END: first-span

// ANCHOR: server-spans
/// The id of the current trace, 32 hex digits; `None` outside a request.
pub fn trace_id() -> Option<String> {
    use opentelemetry::trace::TraceContextExt;
    opentelemetry::Context::map_current(|context| {
        let span = context.span().span_context().clone();
        span.is_valid().then(|| span.trace_id().to_string())
    })
}
// ANCHOR_END: server-spans

/// The running pipelines.
#[derive(Default)]
pub struct Telemetry {
    /// Where telemetry goes, in words for the start-up line.
    pub destination: String,
    // ANCHOR: first-span
    traces: Option<SdkTracerProvider>,
    delivery: Option<Arc<delivery::Delivery>>,
    // ANCHOR_END: first-span
    // ANCHOR: log-correlation
    logs: Option<opentelemetry_sdk::logs::SdkLoggerProvider>,
    // ANCHOR_END: log-correlation
    // ANCHOR: metrics
    metrics: Option<opentelemetry_sdk::metrics::SdkMeterProvider>,
    // ANCHOR_END: metrics
}

/// Starts logging, and what `settings` do not switch off of the signals. To be called once, inside a Tokio runtime:
/// gRPC sends from there.
///
/// # Errors
///
/// Where an exporter cannot be built.
pub fn start(
    settings: &Settings,
    process: &Process,
    identity: &Identity,
) -> Result<Telemetry, Box<dyn std::error::Error>> {
    let subscriber = registry().with(logs::lines(process, identity));

    // BEFORE first-span: // TODO first-span: build an exporter and a tracer provider, and add the layer that makes spans.
    // BEFORE first-span: let destination = format!("not yet to {}", settings.destination());
    // BEFORE first-span: let telemetry = Telemetry { destination };
    // ANCHOR: first-span
    if settings.disabled {
        tracing::subscriber::set_global_default(subscriber)?;
        return Ok(Telemetry { destination: "off".to_owned(), ..Telemetry::default() });
    }
    let mut telemetry = Telemetry { destination: settings.destination(), ..Telemetry::default() };
    let delivery = delivery::Delivery::new(settings);
    let resource = resource::of(identity);
    let otlp = otlp::Otlp::new(settings, &delivery)?;
    // ANCHOR_END: first-span

    // BEFORE metrics: // TODO metrics: build a meter provider, and make it the global one.
    // ANCHOR: metrics
    // The meter provider before the others, which make instruments of its meters.
    let metrics = metrics::provider(resource.clone(), otlp.metric_exporter()?, &delivery, settings);
    telemetry.metrics = Some(metrics);
    // ANCHOR_END: metrics

    // BEFORE server-spans: // TODO server-spans: set the global propagator, which reads the caller's ids.
    // ANCHOR: server-spans
    opentelemetry::global::set_text_map_propagator(propagation::propagator(settings));
    // ANCHOR_END: server-spans

    // ANCHOR: first-span
    let traces = traces::provider(resource.clone(), otlp.span_exporter()?, &delivery, settings);
    opentelemetry::global::set_tracer_provider(traces.clone());
    let tracer = TRACER.get_or_init(|| traces::tracer(&traces));
    let subscriber = subscriber.with(traces::layer(tracer));
    telemetry.traces = Some(traces);
    // ANCHOR_END: first-span

    // BEFORE log-correlation: // TODO log-correlation: build a logger provider, and add the layer that feeds it to the subscriber.
    // ANCHOR: log-correlation
    telemetry.logs =
        otlp.log_exporter()?.map(|exporter| log_records::provider(resource, exporter, &delivery, settings));
    let subscriber =
        subscriber.with(telemetry.logs.as_ref().map(|provider| log_records::layer(provider, process)));
    // ANCHOR_END: log-correlation

    tracing::subscriber::set_global_default(subscriber)?;
    // ANCHOR: first-span
    delivery.watch();
    telemetry.delivery = Some(delivery);
    // ANCHOR_END: first-span
    Ok(telemetry)
}

impl Telemetry {
    /// Sends what is left, within 6 s, and says what could not be sent. To be called when no request runs any more:
    /// what is recorded after it is lost.
    pub fn flush(self) {
        // BEFORE first-span: // TODO first-span: shut the provider down, or the spans that still wait are lost.
        // ANCHOR: first-span
        // Spans and log records at the same time, as a collector that hangs would use up the time of both; metrics
        // last, because they count what became of the others. What fails is counted by `delivery`, which tells it.
        thread::scope(|scope| {
            scope.spawn(|| self.traces.map(|traces| traces.shutdown_with_timeout(FLUSH_TIMEOUT)));
            // ANCHOR: log-correlation
            scope.spawn(|| self.logs.map(|logs| logs.shutdown_with_timeout(FLUSH_TIMEOUT)));
            // ANCHOR_END: log-correlation
        });
        // ANCHOR: metrics
        let _ = self.metrics.map(|metrics| metrics.shutdown_with_timeout(METRICS_FLUSH_TIMEOUT));
        // ANCHOR_END: metrics
        if let Some(delivery) = self.delivery {
            delivery.close();
        }
        // ANCHOR_END: first-span
    }
}

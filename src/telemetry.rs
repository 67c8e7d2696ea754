//! OpenTelemetry: how traces, metrics and logs are made, and how they leave the process.
//!
//! [`start`] builds the three pipelines and installs them; [`Telemetry::flush`] sends what is left before the process
//! ends. Between the two, the service uses [`server_spans`], [`client_spans`], `sqlx-otel` and `tracing`'s own macros.

pub mod client_spans;
mod delivery;
pub mod failures;
mod http_attributes;
mod json_lines;
mod logs;
mod metrics;
mod otlp;
mod resource;
pub mod server_spans;
pub mod settings;
mod traces;

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::config::Process;
use crate::identity::Identity;
use delivery::Delivery;
use otlp::Otlp;
use settings::Settings;

/// Time for the spans and log records that are left to be sent when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for the last metrics after that.
const METRICS_FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Unset where telemetry is off, so that no layer is put into the way of a request.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// The tracer of this service; `None` where telemetry is off (`OTEL_SDK_DISABLED=true`).
pub fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}

/// Whether telemetry is on.
pub fn is_on() -> bool {
    tracer().is_some()
}

/// The id of the current trace, 32 hex digits; `None` outside a request.
pub fn trace_id() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span().span_context().clone();
        span.is_valid().then(|| span.trace_id().to_string())
    })
}

/// The running pipelines.
pub struct Telemetry {
    pipelines: Option<Pipelines>,
    /// Where telemetry goes, in words for the start-up line.
    pub destination: String,
}

struct Pipelines {
    traces: SdkTracerProvider,
    logs: Option<SdkLoggerProvider>,
    metrics: SdkMeterProvider,
    delivery: Arc<Delivery>,
}

/// Starts logging, and the three signals where `settings` do not switch them off. To be called once, inside a Tokio
/// runtime: gRPC sends from there.
///
/// # Errors
///
/// Where an exporter cannot be built.
pub fn start(
    settings: &Settings,
    process: &Process,
    identity: &Identity,
) -> Result<Telemetry, Box<dyn std::error::Error>> {
    if settings.disabled {
        logs::install(process, identity, None, None)?;
        return Ok(Telemetry { pipelines: None, destination: "off".to_owned() });
    }

    let delivery = Delivery::new(settings);
    let resource = resource::of(identity);
    let otlp = Otlp::new(settings, &delivery)?;

    // The meter provider first: the others make instruments of its meters.
    let metrics = metrics::provider(resource.clone(), otlp.metric_exporter()?, &delivery, settings);
    let traces = traces::provider(resource.clone(), otlp.span_exporter()?, &delivery, settings);
    let logs = otlp.log_exporter()?.map(|exporter| logs::provider(resource, exporter, &delivery, settings));

    global::set_text_map_propagator(traces::propagator(settings));
    global::set_tracer_provider(traces.clone());
    let tracer = TRACER.get_or_init(|| traces::tracer(&traces));
    logs::install(process, identity, Some(tracer), logs.as_ref())?;
    delivery.watch();

    let destination = settings.destination();
    Ok(Telemetry { pipelines: Some(Pipelines { traces, logs, metrics, delivery }), destination })
}

impl Telemetry {
    /// Sends what is left, within 6 s, and says what could not be sent. To be called when no request runs any more:
    /// what is recorded after it is lost.
    pub fn flush(self) {
        let Some(Pipelines { traces, logs, metrics, delivery }) = self.pipelines else {
            return;
        };
        // Spans and log records at the same time, as a collector that hangs would use up the time of both; metrics
        // last, because they count what became of the others. What fails is counted by `delivery`, which tells it.
        thread::scope(|scope| {
            scope.spawn(|| traces.shutdown_with_timeout(FLUSH_TIMEOUT));
            scope.spawn(|| logs.map(|logs| logs.shutdown_with_timeout(FLUSH_TIMEOUT)));
        });
        let _ = metrics.shutdown_with_timeout(METRICS_FLUSH_TIMEOUT);
        delivery.close();
    }
}

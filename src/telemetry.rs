//! The pipelines of OpenTelemetry: an exporter, a processor and a provider for each signal, and one resource
//! for all.
//!
//! [`start`] builds and installs them; [`Telemetry::flush`] exports the remaining telemetry before the
//! process ends.

mod log_records;
mod metrics;
mod traces;

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

    telemetry.destination = setup.settings.destination();
    let resource = opentelemetry_sdk::Resource::builder()
        .with_detectors(&instrumentation::identity::detectors())
        .with_service_name(setup.identity.service.clone())
        .with_attributes(setup.identity.attributes())
        .build();
    // BEFORE delivery: let otlp = instrumentation::otlp::HttpClient::from_settings(&setup.settings)?;
    let delivery = instrumentation::delivery::Delivery::new(&setup.settings);
    let otlp = instrumentation::otlp::Exporters::new(&setup.settings, &delivery)?;
    delivery.watch();
    telemetry.on_flush(move |_| {
        delivery.report_the_end();
        Ok(())
    });

    // BEFORE metrics: // TODO metrics: build a meter provider in `src/telemetry/metrics.rs`; let the layers record with it.
    let metrics = metrics::provider(resource.clone(), &otlp)?;
    telemetry.instrumentation = telemetry.instrumentation.with_meter_provider(&metrics);
    telemetry.on_flush(move |timeout| metrics.shutdown_with_timeout(timeout));

    // BEFORE log-correlation: // TODO log-correlation: build a logger provider in `src/telemetry/log_records.rs`; add its layer.
    let records = log_records::provider(resource.clone(), &otlp)?;
    let subscriber =
        subscriber.with(instrumentation::log_records::layer(&records, logs::levels(&setup.process)));
    telemetry.on_flush(move |timeout| records.shutdown_with_timeout(timeout));

    let traces = traces::provider(resource, &otlp)?;
    // BEFORE server-spans: // TODO server-spans: let the layers record spans, and read the ids that callers send.
    telemetry.instrumentation =
        telemetry.instrumentation.with_tracer_provider(&traces).with_propagator(setup.settings.propagator());

    let subscriber =
        subscriber.with(instrumentation::spans::layer(&traces, "handson", crate::identity::VERSION));
    telemetry.on_flush(move |timeout| traces.shutdown_with_timeout(timeout));

    tracing::subscriber::set_global_default(subscriber)?;
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

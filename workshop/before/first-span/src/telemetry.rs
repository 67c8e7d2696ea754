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

    // TODO first-span: report where telemetry is sent; make a resource, and an HTTP client for all signals.
    telemetry.destination = "nowhere yet".to_owned();

    // TODO metrics: build a meter provider in `src/telemetry/metrics.rs`; let the layers record with it.

    // TODO log-correlation: build a logger provider in `src/telemetry/log_records.rs`; add its layer.

    // TODO first-span: build a tracer provider in `src/telemetry/traces.rs`.
    // TODO server-spans: let the layers record spans, and read the ids that callers send.

    // TODO first-span: add the layer for spans, and shut the provider down when telemetry is flushed.

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

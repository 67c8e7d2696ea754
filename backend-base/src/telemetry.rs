//! OpenTelemetry: how traces, metrics and logs are made, and how they leave the process.
//!
//! [`start`] builds the pipelines and installs them; [`Telemetry::flush`] sends what is left before the process ends.

mod logs;
pub mod settings;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use crate::config::Process;
use crate::identity::Identity;
use settings::Settings;

/// The running pipelines.
#[derive(Default)]
pub struct Telemetry {
    /// Where telemetry goes, in words for the start-up line.
    pub destination: String,
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

    // TODO first-span: build an exporter and a tracer provider, and add the layer that makes spans.
    let destination = format!("not yet to {}", settings.destination());
    let telemetry = Telemetry { destination };

    // TODO metrics: build a meter provider, and make it the global one.

    // TODO server-spans: set the global propagator, which reads the caller's ids.

    // TODO log-correlation: build a logger provider, and add the layer that feeds it to the subscriber.

    tracing::subscriber::set_global_default(subscriber)?;
    Ok(telemetry)
}

impl Telemetry {
    /// Sends what is left, within 6 s, and says what could not be sent. To be called when no request runs any more:
    /// what is recorded after it is lost.
    pub fn flush(self) {
        // TODO first-span: shut the provider down, or the spans that still wait are lost.
    }
}

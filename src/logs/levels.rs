//! What is logged.

use tracing::Metadata;
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::config::Process;

/// Events are lines, and spans are not.
pub(super) fn is_line(metadata: &Metadata<'_>) -> bool {
    // The SDK logs every export that fails. `Delivery` logs one line when exports begin to fail, and one when
    // they recover.
    metadata.is_event() && !metadata.name().starts_with("Export.")
}

/// `RUST_LOG`, otherwise `LOG_LEVEL`.
pub(crate) fn levels(process: &Process) -> Targets {
    if let Some(levels) = &process.rust_log {
        return levels.clone();
    }
    // Only the SDK knows what a collector rejects in a partial success of metrics, and of any signal over
    // gRPC.
    Targets::new()
        .with_default(LevelFilter::from(process.log_level))
        .with_target("opentelemetry", LevelFilter::OFF)
        .with_target("opentelemetry-otlp", LevelFilter::WARN)
}

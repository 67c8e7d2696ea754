//! What is logged.

use tracing::Metadata;
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::config::Process;

/// Events are lines, and spans are not.
pub(super) fn is_line(metadata: &Metadata<'_>) -> bool {
    // TODO delivery: leave out the lines of the SDK about every export that fails.
    metadata.is_event()
}

/// `RUST_LOG`, otherwise `LOG_LEVEL`.
pub(crate) fn levels(process: &Process) -> Targets {
    if let Some(levels) = &process.rust_log {
        return levels.clone();
    }
    Targets::new().with_default(LevelFilter::from(process.log_level))
}

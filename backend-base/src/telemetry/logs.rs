//! Logs: lines on stdout.

use std::io::{IsTerminal, stdout};

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, Process};
use crate::identity::Identity;

/// Lines on stdout.
pub(super) fn lines<S>(process: &Process, identity: &Identity) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // TODO structured-logs: write one JSON object a line, which names who we are.
    let _ = identity;
    let layer = match process.log_format {
        LogFormat::Text => fmt::layer().with_target(false).with_ansi(stdout().is_terminal()).boxed(),
    };
    layer.with_filter(levels(process).and(filter_fn(is_line)))
}

/// `RUST_LOG`, or else `LOG_LEVEL`.
pub(super) fn levels(process: &Process) -> Targets {
    if let Some(levels) = &process.rust_log {
        return levels.clone();
    }
    Targets::new().with_default(LevelFilter::from(process.log_level))
}

/// Events are lines, and spans are not.
fn is_line(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

//! Logs: lines on stdout.

use std::io::{IsTerminal, stdout};

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt};

// ANCHOR: structured-logs
use super::json_lines::JsonLines;
// ANCHOR_END: structured-logs
use crate::config::{LogFormat, Process};
use crate::identity::Identity;

/// Lines on stdout.
pub(super) fn lines<S>(process: &Process, identity: &Identity) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // BEFORE structured-logs: // TODO structured-logs: write one JSON object a line, which names who we are.
    // BEFORE structured-logs: let _ = identity;
    let layer = match process.log_format {
        // ANCHOR: structured-logs
        LogFormat::Json => fmt::layer().event_format(JsonLines::new(identity)).boxed(),
        // ANCHOR_END: structured-logs
        LogFormat::Text => fmt::layer().with_target(false).with_ansi(stdout().is_terminal()).boxed(),
    };
    layer.with_filter(levels(process).and(filter_fn(is_line)))
}

/// `RUST_LOG`, or else `LOG_LEVEL`.
pub(super) fn levels(process: &Process) -> Targets {
    if let Some(levels) = &process.rust_log {
        return levels.clone();
    }
    // BEFORE first-span: Targets::new().with_default(LevelFilter::from(process.log_level))
    // ANCHOR: first-span
    // Every failure of an exporter would be a line; [`super::delivery`] tells of those. What a collector takes and then
    // rejects, a "partial success", only the exporter knows.
    Targets::new()
        .with_default(LevelFilter::from(process.log_level))
        .with_target("opentelemetry", LevelFilter::OFF)
        .with_target("opentelemetry-otlp", LevelFilter::WARN)
    // ANCHOR_END: first-span
}

/// Events are lines, and spans are not.
fn is_line(metadata: &Metadata<'_>) -> bool {
    // BEFORE first-span: metadata.is_event()
    // ANCHOR: first-span
    // Nor is what an exporter says of one export, and [`super::delivery`] of all.
    metadata.is_event() && !metadata.name().starts_with("Export.")
    // ANCHOR_END: first-span
}

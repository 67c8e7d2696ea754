//! Log lines on stdout.

use std::io::{IsTerminal, stdout};

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, Process, Setup};

/// Writes each event as a line on stdout.
pub(crate) fn lines<S>(setup: &Setup) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let text = fmt::layer().with_target(false).with_ansi(stdout().is_terminal());
    // TODO structured-logs: write one JSON object per line, which says who wrote it.
    // TODO log-correlation: let each line name the span that it belongs to.
    let json = fmt::layer().with_target(false).with_ansi(stdout().is_terminal());
    let lines = match setup.process.log_format {
        LogFormat::Json => json.boxed(),
        LogFormat::Text => text.boxed(),
    };
    lines.with_filter(levels(&setup.process).and(filter_fn(is_line)))
}

/// Events are lines, and spans are not.
fn is_line(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

/// `RUST_LOG`, otherwise `LOG_LEVEL`.
pub(crate) fn levels(process: &Process) -> Targets {
    if let Some(levels) = &process.rust_log {
        return levels.clone();
    }
    Targets::new().with_default(LevelFilter::from(process.log_level))
}

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
    // BEFORE structured-logs: // TODO structured-logs: write one JSON object per line, which says who wrote it.
    // ANCHOR: structured-logs
    let json = instrumentation::json_lines::JsonLines::new(&setup.identity);
    // ANCHOR_END: structured-logs
    // BEFORE log-correlation: // TODO log-correlation: let each line name the span that it belongs to.
    // ANCHOR: log-correlation
    let json = json.with_span_ids();
    // ANCHOR_END: log-correlation
    // BEFORE structured-logs: let json = fmt::layer().with_target(false).with_ansi(stdout().is_terminal());
    // ANCHOR: structured-logs
    let json = fmt::layer().event_format(json);
    // ANCHOR_END: structured-logs
    let lines = match setup.process.log_format {
        LogFormat::Json => json.boxed(),
        LogFormat::Text => text.boxed(),
    };
    lines.with_filter(levels(&setup.process).and(filter_fn(is_line)))
}

/// Events are lines, and spans are not.
fn is_line(metadata: &Metadata<'_>) -> bool {
    // BEFORE delivery: metadata.is_event()
    // ANCHOR: delivery
    // The SDK logs every export that fails. `Delivery` logs one line when exports begin to fail, and one when
    // they recover.
    metadata.is_event() && !metadata.name().starts_with("Export.")
    // ANCHOR_END: delivery
}

/// `RUST_LOG`, otherwise `LOG_LEVEL`.
pub(crate) fn levels(process: &Process) -> Targets {
    if let Some(levels) = &process.rust_log {
        return levels.clone();
    }
    // BEFORE delivery: Targets::new().with_default(LevelFilter::from(process.log_level))
    // ANCHOR: delivery
    // Only the SDK knows what a collector rejects in a partial success of metrics, and of any signal over
    // gRPC.
    Targets::new()
        .with_default(LevelFilter::from(process.log_level))
        .with_target("opentelemetry", LevelFilter::OFF)
        .with_target("opentelemetry-otlp", LevelFilter::WARN)
    // ANCHOR_END: delivery
}

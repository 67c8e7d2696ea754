//! Log lines on stdout.

mod levels;

use std::io::{IsTerminal, stdout};

use tracing::Subscriber;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, Setup};

pub(crate) use levels::levels;

/// Writes each event as a line on stdout.
pub(crate) fn lines<S>(setup: &Setup) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let text = fmt::layer().with_target(false).with_ansi(stdout().is_terminal());

    // TODO structured-logs: write one JSON object per line, which says who wrote it.
    let json = fmt::format().with_target(false).with_ansi(stdout().is_terminal());

    // TODO log-correlation: let each line name the span that it belongs to.

    let json = fmt::layer().event_format(json);
    let lines = match setup.process.log_format {
        LogFormat::Json => json.boxed(),
        LogFormat::Text => text.boxed(),
    };
    lines.with_filter(levels(&setup.process).and(filter_fn(levels::is_line)))
}

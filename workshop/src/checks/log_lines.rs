//! Parses log lines as JSON objects, and the time in them.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::evidence::Run;
use otlp::model::Span;

/// The line as a JSON object, if it is one.
pub(super) fn object(line: &str) -> Option<Value> {
    serde_json::from_str::<Value>(line).ok().filter(Value::is_object)
}

/// A run with the lines of its stdout that are JSON objects, parsed once.
pub(super) struct Logged<'a> {
    pub(super) run: &'a Run,
    /// Each line as text and as an object.
    pub(super) lines: Vec<(&'a str, Value)>,
    /// The spans of the run by trace id and span id.
    spans: BTreeMap<(&'a str, &'a str), &'a Span>,
}

impl<'a> Logged<'a> {
    pub(super) fn by_run(run: &'a Run) -> Self {
        let lines = run.stdout.iter().filter_map(|line| Some((line.as_str(), object(line)?)));
        let spans = run.telemetry.spans.iter();
        let spans = spans.map(|span| ((span.trace_id.as_str(), span.span_id.as_str()), span));
        Self { run, lines: lines.collect(), spans: spans.collect() }
    }

    pub(super) fn span(&self, trace: &str, span: &str) -> Option<&'a Span> {
        self.spans.get(&(trace, span)).copied()
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = &Value> {
        self.lines.iter().map(|(_, object)| object)
    }
}

/// A time with limited precision: the moment was between `from` and `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timestamp {
    /// Nanoseconds since 1970.
    pub(super) from: u64,
    /// Nanoseconds since 1970.
    pub(super) to: u64,
}

/// The member `time` of a line: RFC 3339 in UTC, with or without fractions of a second.
pub(super) fn time(line: &Value) -> Option<Timestamp> {
    let text = line["time"].as_str()?;
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let digits = match text.get(19..)? {
        "" => 0,
        fraction => fraction.strip_prefix('.')?.len(),
    };
    let since_1970 = humantime::parse_rfc3339(&format!("{text}Z")).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let from = u64::try_from(since_1970.as_nanos()).ok()?;
    let step = 10_u64.pow(9 - u32::try_from(digits).ok()?.min(9));
    Some(Timestamp { from, to: from.saturating_add(step - 1) })
}

/// Whether the line has a trace id, in any of the usual spellings.
pub(super) fn has_ids(line: &Value) -> bool {
    IDS_OF_TRACE.iter().chain(&IDS_OF_SPAN).any(|key| line.get(*key).is_some())
}

/// All spellings of the trace id in a line.
pub(super) const IDS_OF_TRACE: [&str; 3] = ["trace.id", "trace_id", "dd.trace_id"];
/// All spellings of the span id in a line.
pub(super) const IDS_OF_SPAN: [&str; 3] = ["span.id", "span_id", "dd.span_id"];

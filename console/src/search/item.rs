//! What a search is matched against: a span in its trace, a log record, an error group.

use std::cell::OnceCell;
use std::sync::Arc;

use super::word::Word;
use super::{LEVELS, Target, Test};
use crate::store::{Group, duration};
use otlp::model::{Attributes, LogRecord, Span, SpanKind, StatusCode, Value};

/// A built-in key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Service,
    Name,
    Status,
    Kind,
    Message,
    Type,
    Stack,
    TraceId,
    SpanId,
    Level,
    Count,
    Duration,
    TraceDuration,
    TraceSpans,
}

impl Field {
    /// The built-in key of this name, if the target has one.
    pub(super) fn from_key(key: &str, target: Target) -> Option<Self> {
        match (target, key) {
            (_, "service") | (Target::Errors, "service.name") => Some(Self::Service),
            (_, "message") | (Target::Errors, "exception.message") => Some(Self::Message),
            (_, "trace_id") => Some(Self::TraceId),
            (Target::Traces | Target::Logs, "span_id") => Some(Self::SpanId),
            (Target::Traces | Target::Logs, "name") => Some(Self::Name),
            (Target::Traces, "status") => Some(Self::Status),
            (Target::Traces, "kind") => Some(Self::Kind),
            (Target::Traces, "duration") => Some(Self::Duration),
            (Target::Traces, "trace.duration") => Some(Self::TraceDuration),
            (Target::Traces, "trace.spans") => Some(Self::TraceSpans),
            (Target::Logs, "level" | "severity") => Some(Self::Level),
            (Target::Errors, "type" | "exception.type") => Some(Self::Type),
            (Target::Errors, "exception.stacktrace") => Some(Self::Stack),
            (Target::Errors, "count") => Some(Self::Count),
            _ => None,
        }
    }

    /// Whether it is a number, which is compared with other numbers.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Level | Self::Count | Self::Duration | Self::TraceDuration | Self::TraceSpans)
    }
}

pub(super) trait Item {
    /// Whether the built-in value passes the test; false if the item has none.
    fn field(&self, field: Field, test: &Test) -> bool;

    /// Whether the value of the attribute passes the test; false if there is none. An attribute of the span
    /// hides one of its resource.
    fn attribute(&self, key: &str, test: &Test) -> bool;

    /// Whether the word is in one of the texts in which words are searched.
    fn has_word(&self, word: &Word) -> bool;
}

/// The spans of a trace, and what is computed from them at most once.
pub(crate) struct TraceSpans<'a> {
    spans: &'a [Arc<Span>],
    duration: OnceCell<u64>,
}

/// A span in its trace.
pub(super) struct SpanOfTrace<'a> {
    trace: &'a TraceSpans<'a>,
    span: &'a Span,
}

impl<'a> TraceSpans<'a> {
    pub(crate) fn new(spans: &'a [Arc<Span>]) -> Self {
        Self { spans, duration: OnceCell::new() }
    }

    pub(super) fn span(&'a self, span: &'a Span) -> SpanOfTrace<'a> {
        SpanOfTrace { trace: self, span }
    }
}

impl Item for SpanOfTrace<'_> {
    fn field(&self, field: Field, test: &Test) -> bool {
        let (trace, span) = (self.trace, self.span);
        match field {
            Field::Service => test.accepts_text(span.service()),
            Field::Name => test.accepts_text(&span.name),
            Field::Status => test.accepts_text(status(span.status)),
            Field::Kind => test.accepts_text(kind(span.kind)),
            Field::Message => test.accepts_text(&span.status_message),
            Field::TraceId => test.accepts_text(&span.trace_id),
            Field::SpanId => test.accepts_text(&span.span_id),
            Field::Duration => test.accepts_number(span.duration() as f64),
            Field::TraceDuration => {
                test.accepts_number(*trace.duration.get_or_init(|| duration(trace.spans)) as f64)
            }
            Field::TraceSpans => test.accepts_number(trace.spans.len() as f64),
            Field::Type | Field::Stack | Field::Level | Field::Count => false,
        }
    }

    fn attribute(&self, key: &str, test: &Test) -> bool {
        let span = self.span;
        // The spans are large, and most searches spend their time here: nothing is read that is not needed.
        if let Some(value) = span.attributes.get(key) {
            return test.accepts(value);
        }
        let accepts = |value: &Value| test.accepts(value);
        span.events.iter().any(|event| event.attributes.get(key).is_some_and(accepts))
            || span.resource.get(key).or_else(|| span.scope.attributes.get(key)).is_some_and(accepts)
    }

    fn has_word(&self, word: &Word) -> bool {
        let span = self.span;
        word.is_in(&span.name)
            || word.is_in(&span.status_message)
            || span.events.iter().any(|event| has_value(&event.attributes, word))
    }
}

impl Item for LogRecord {
    fn field(&self, field: Field, test: &Test) -> bool {
        let id = |id: &Option<String>| id.as_ref().is_some_and(|id| test.accepts_text(id));
        match field {
            Field::Service => test.accepts_text(self.service()),
            Field::Name => test.accepts_text(&self.event_name),
            Field::Message => test.accepts(&self.body),
            Field::TraceId => id(&self.trace_id),
            Field::SpanId => id(&self.span_id),
            Field::Level => {
                self.severity_number >= LEVELS[0].1 && test.accepts_number(self.severity_number.into())
            }
            _ => false,
        }
    }

    fn attribute(&self, key: &str, test: &Test) -> bool {
        let of_sender = || self.resource.get(key).or_else(|| self.scope.attributes.get(key));
        self.attributes.get(key).or_else(of_sender).is_some_and(|value| test.accepts(value))
    }

    fn has_word(&self, word: &Word) -> bool {
        is_in_value(word, &self.body) || has_value(&self.attributes, word)
    }
}

impl Item for Group {
    fn field(&self, field: Field, test: &Test) -> bool {
        match field {
            Field::Service => test.accepts_text(&self.service),
            Field::Type => test.accepts_text(&self.kind),
            Field::Message => test.accepts_text(&self.message),
            Field::Stack => test.accepts_text(&self.stack),
            Field::TraceId => self.traces().any(|id| test.accepts_text(id)),
            Field::Count => test.accepts_number(self.count as f64),
            _ => false,
        }
    }

    fn attribute(&self, _: &str, _: &Test) -> bool {
        false
    }

    fn has_word(&self, word: &Word) -> bool {
        word.is_in(&self.kind) || word.is_in(&self.message)
    }
}

fn has_value(attributes: &Attributes, word: &Word) -> bool {
    attributes.iter().any(|(_, value)| is_in_value(word, value))
}

fn is_in_value(word: &Word, value: &Value) -> bool {
    match value {
        Value::Text(text) => word.is_in(text),
        other => word.is_in(&other.unquoted()),
    }
}

fn status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    }
}

fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

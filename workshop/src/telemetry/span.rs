//! Spans.

use std::sync::Arc;

use super::Attributes;

/// A span. Ids are lowercase hex, as everywhere in this crate: 32 digits and 16.
#[derive(Debug, Clone)]
pub struct Span {
    /// What the span says of the process that made it.
    pub resource: Arc<Attributes>,
    /// Name of the instrumentation scope.
    pub scope: String,
    /// The trace to which it belongs.
    pub trace_id: String,
    /// Its own id.
    pub span_id: String,
    /// `None` for a root.
    pub parent_span_id: Option<String>,
    /// Its name, such as `GET /handson`.
    pub name: String,
    /// Its role in a call.
    pub kind: SpanKind,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    /// Keys and values.
    pub attributes: Attributes,
    /// What happened while it ran.
    pub events: Vec<Event>,
    /// Its outcome.
    pub status: StatusCode,
    /// Words for a status of Error.
    pub status_message: String,
}

/// Something that happened at one moment of a span.
#[derive(Debug, Clone)]
pub struct Event {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Its name, such as `exception`.
    pub name: String,
    /// Keys and values.
    pub attributes: Attributes,
}

/// A span's role in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SpanKind {
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// A span's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum StatusCode {
    Unset,
    Ok,
    Error,
}

//! Spans.

use std::sync::Arc;

use super::{Attributes, Scope};

/// A span. Ids are lowercase hex, as everywhere in this crate: 32 digits and 16.
#[derive(Debug, Clone)]
pub struct Span {
    /// What the span says of the process that made it.
    pub resource: Arc<Attributes>,
    /// The instrumentation that made it.
    pub scope: Arc<Scope>,
    /// The trace to which it belongs.
    pub trace_id: String,
    /// Its own id.
    pub span_id: String,
    /// `None` for a root.
    pub parent_span_id: Option<String>,
    /// W3C's `tracestate`, as it came.
    pub trace_state: String,
    /// OTLP's flags; the lowest bit is W3C's `sampled`.
    pub flags: u32,
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
    /// Spans of other traces that have to do with it.
    pub links: Vec<Link>,
    /// What its SDK left out.
    pub dropped: Dropped,
    /// Its outcome.
    pub status: StatusCode,
    /// Words for a status of Error.
    pub status_message: String,
}

impl Span {
    /// Nanoseconds; 0 where it ends before it starts.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// `service.name`, of which at most 255 bytes.
    pub fn service(&self) -> &str {
        super::service(&self.resource)
    }
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

/// Another span that has to do with this one.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its trace.
    pub trace_id: String,
    /// Its id.
    pub span_id: String,
    /// W3C's `tracestate`.
    pub trace_state: String,
    /// OTLP's flags.
    pub flags: u32,
    /// Keys and values.
    pub attributes: Attributes,
}

/// How many of each the SDK left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Dropped {
    pub attributes: u32,
    pub events: u32,
    pub links: u32,
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

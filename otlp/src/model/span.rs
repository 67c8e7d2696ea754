//! Spans.

use std::sync::Arc;

use super::{Attributes, Scope};

/// A span. Its ids are lowercase hex, as everywhere in this crate: 32 and 16 digits.
#[derive(Debug, Clone)]
pub struct Span {
    /// The attributes of the process that recorded it.
    pub resource: Arc<Attributes>,
    /// The instrumentation that made it.
    pub scope: Arc<Scope>,
    /// The id of its trace.
    pub trace_id: String,
    /// The id of the span.
    pub span_id: String,
    /// The id of its parent; `None` for a root.
    pub parent_span_id: Option<String>,
    /// W3C's `tracestate`, unchanged.
    pub trace_state: String,
    /// OTLP's flags; the lowest bit is W3C's `sampled`.
    pub flags: u32,
    /// Its name, such as `GET /handson`.
    pub name: String,
    /// Its role in a call between services.
    pub kind: SpanKind,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    /// Keys and values.
    pub attributes: Attributes,
    /// What happened while it ran, such as exceptions.
    pub events: Vec<Event>,
    /// Links to related spans.
    pub links: Vec<Link>,
    /// Numbers of items that the SDK dropped.
    pub dropped: Dropped,
    /// Its status.
    pub status: StatusCode,
    /// The description of a status Error.
    pub status_message: String,
}

impl Span {
    /// Nanoseconds; 0 if it ends before it starts.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// `service.name`, of which at most 255 bytes.
    pub fn service(&self) -> &str {
        super::service(&self.resource)
    }
}

/// Something that happened at one moment during a span.
#[derive(Debug, Clone)]
pub struct Event {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Its name, such as `exception`.
    pub name: String,
    /// Keys and values.
    pub attributes: Attributes,
}

/// A link to a related span.
#[derive(Debug, Clone)]
pub struct Link {
    /// The id of its trace.
    pub trace_id: String,
    /// The id of the span.
    pub span_id: String,
    /// W3C's `tracestate`.
    pub trace_state: String,
    /// OTLP's flags.
    pub flags: u32,
    /// Keys and values.
    pub attributes: Attributes,
}

/// Numbers of items that the SDK dropped, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Dropped {
    pub attributes: u32,
    pub events: u32,
    pub links: u32,
}

/// A span's role in a call between services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum SpanKind {
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// A span's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum StatusCode {
    Unset,
    Ok,
    Error,
}

//! Log records.

use std::sync::Arc;

use super::{Attributes, Scope, Value};

/// A log record, as received over OTLP.
#[derive(Debug, Clone)]
pub struct LogRecord {
    /// The attributes of the process that recorded it.
    pub resource: Arc<Attributes>,
    /// The instrumentation that made it.
    pub scope: Arc<Scope>,
    /// Nanoseconds since 1970; 0 if unknown.
    pub time: u64,
    /// Nanoseconds since 1970.
    pub observed: u64,
    /// OTLP's number: 9 is INFO, 13 WARN, 17 ERROR.
    pub severity_number: i32,
    /// The name of the level, as the program wrote it.
    pub severity_text: String,
    /// The message.
    pub body: Value,
    /// Keys and values.
    pub attributes: Attributes,
    /// Lowercase hex; `None` outside a trace.
    pub trace_id: Option<String>,
    /// Lowercase hex; `None` outside a span.
    pub span_id: Option<String>,
    /// Name of the event.
    pub event_name: String,
}

impl LogRecord {
    /// `service.name`, of which at most 255 bytes.
    pub fn service(&self) -> &str {
        super::service(&self.resource)
    }

    /// The time when it happened, otherwise when it was observed, in nanoseconds since 1970.
    pub fn when(&self) -> u64 {
        if self.time == 0 { self.observed } else { self.time }
    }
}

//! Received telemetry, in a shape that is easy to ask: the checks see this, and nothing of protobuf.

mod attributes;
mod log_record;
mod metric;
mod span;
mod trace;

pub use attributes::{Attributes, Value};
pub use log_record::LogRecord;
pub use metric::{Data, HistogramPoint, Metric, Point, Temporality};
pub use span::{Event, Span, SpanKind, StatusCode};
pub use trace::Trace;

/// All that a receiver took.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    /// In the order of arrival.
    pub spans: Vec<Span>,
    /// In the order of arrival.
    pub log_records: Vec<LogRecord>,
    /// One item for each metric of each export: of a sum that is exported twice there are two.
    pub metrics: Vec<Metric>,
    /// Requests that were no OTLP, in words: a wrong path, a body that does not decode, another content type.
    pub refused: Vec<String>,
}

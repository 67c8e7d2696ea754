//! Received telemetry, in a shape that is easy to ask: the checks and the console see this, and nothing of protobuf.

mod attributes;
mod log_record;
mod metric;
pub mod otlp_json;
mod outline;
mod pieces;
mod scope;
mod size;
mod span;
mod trace;

pub use attributes::{Attributes, Value};
pub use log_record::LogRecord;
pub use metric::{Data, HistogramPoint, Metric, Point, SummaryPoint, Temporality};
pub use scope::Scope;
pub use span::{Dropped, Event, Link, Span, SpanKind, StatusCode};
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

impl Telemetry {
    /// Number of items: spans, log records, metrics and refused requests.
    pub fn len(&self) -> usize {
        self.spans.len() + self.log_records.len() + self.metrics.len() + self.refused.len()
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds what arrived later.
    pub fn extend(&mut self, later: Self) {
        self.spans.extend(later.spans);
        self.log_records.extend(later.log_records);
        self.metrics.extend(later.metrics);
        self.refused.extend(later.refused);
    }
}

/// Bytes of a `service.name` that are used: its length is the sender's choice, and it is kept and shown in many places.
const MAX_SERVICE_NAME_BYTES: usize = 255;

/// `service.name` of a resource, which the conventions require, cut at [`MAX_SERVICE_NAME_BYTES`].
fn service(resource: &Attributes) -> &str {
    let name = resource.text("service.name").unwrap_or("(no service.name)");
    &name[..name.floor_char_boundary(MAX_SERVICE_NAME_BYTES)]
}

/// Nanoseconds since 1970, as in telemetry.
pub fn now() -> u64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

//! Received telemetry in a form that is easy to query. The checks and the console use this instead of
//! protobuf.

mod attributes;
mod exception;
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
pub use exception::type_without_module;
pub use log_record::LogRecord;
pub use metric::{Data, Exemplar, Gap, HistogramPoint, Metric, Point, SummaryPoint, Temporality};
pub use scope::Scope;
pub use span::{Dropped, Event, Link, Span, SpanKind, StatusCode};
pub use trace::Trace;

/// Everything that a receiver accepted.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    /// Spans, in the order of arrival.
    pub spans: Vec<Span>,
    /// Log records, in the order of arrival.
    pub log_records: Vec<LogRecord>,
    /// One item for each metric in each export: a sum that is exported twice is here twice.
    pub metrics: Vec<Metric>,
    /// The reasons of refused requests: a wrong path, a body that cannot be decoded, another content type.
    pub refused: Vec<String>,
}

impl Telemetry {
    /// Number of items: spans, log records, metrics and refused requests.
    pub fn len(&self) -> usize {
        self.spans.len() + self.log_records.len() + self.metrics.len() + self.refused.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends telemetry that arrived later.
    pub fn extend(&mut self, later: Self) {
        self.spans.extend(later.spans);
        self.log_records.extend(later.log_records);
        self.metrics.extend(later.metrics);
        self.refused.extend(later.refused);
    }
}

/// Bytes of a `service.name` that are used: its length is the sender's choice, and it is kept and shown in
/// many places.
const MAX_SERVICE_NAME_BYTES: usize = 255;

/// `service.name` of a resource, which the conventions require, cut at [`MAX_SERVICE_NAME_BYTES`].
fn service(resource: &Attributes) -> &str {
    let name = resource.text("service.name").unwrap_or("(no service.name)");
    &name[..name.floor_char_boundary(MAX_SERVICE_NAME_BYTES)]
}

/// The current time in nanoseconds since 1970, as in telemetry.
pub fn now() -> u64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

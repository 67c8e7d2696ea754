//! Why an item is not kept.

use super::cut;
use otlp::model::Span;

/// Why an item is not kept. Its text is the message of OTLP's partial success.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejection {
    #[error(
        "the span {span:?} has the trace id {trace_id:?} and the span id {span_id:?}: expected 16 and 8 bytes that are not \
         all zero"
    )]
    SpanIds { span: String, trace_id: String, span_id: String },
    #[error("trace {trace_id} is larger than {max} bytes: raise --memory")]
    TraceTooLarge { trace_id: String, max: usize },
    #[error("a log record is larger than {max} bytes")]
    LogRecordTooLarge { max: usize },
    #[error("invalid name '{name}' of an instrument: expected 1 to {max} bytes")]
    InstrumentName { name: String, max: usize },
    #[error("a data point of '{instrument}' is larger than {max} bytes")]
    PointTooLarge { instrument: String, max: usize },
}

impl Rejection {
    /// What was sent may be long, so that only its beginning is quoted.
    pub(super) fn of_span_ids(span: &Span) -> Self {
        Self::SpanIds {
            span: cut(&span.name, 100).to_owned(),
            trace_id: cut(&span.trace_id, 40).to_owned(),
            span_id: cut(&span.span_id, 40).to_owned(),
        }
    }

    pub(super) fn of_instrument_name(name: &str, max: usize) -> Self {
        Self::InstrumentName { name: cut(name, 100).to_owned(), max }
    }
}

// ANCHOR: errors
//! A failure is recorded once, on the span where it happened.

use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_semantic_conventions::attribute;

use crate::error::Error;

/// Records `error` on the current span.
pub fn record(error: &Error) {
    Context::map_current(|context| record_on(context, error));
}

/// Records `error` on the span of `context`: status Error, and one event `exception`.
pub(super) fn record_on(context: &Context, error: &Error) {
    let span = context.span();
    if span.is_recording() {
        span.set_status(Status::error(error.to_string()));
        span.add_event(
            "exception",
            vec![
                KeyValue::new(attribute::EXCEPTION_TYPE, error.kind().name()),
                KeyValue::new(attribute::EXCEPTION_MESSAGE, error.to_string()),
                KeyValue::new(attribute::EXCEPTION_STACKTRACE, error.stack()),
            ],
        );
    }
}
// ANCHOR_END: errors

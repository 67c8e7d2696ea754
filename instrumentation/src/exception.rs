//! Failures, recorded on the span where they happened.
//!
//! One failure is one event `exception` on one span:
//! <https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/>. This module exists because the
//! event of `tracing-opentelemetry` (`err` in `#[instrument]`) has a message, but neither `exception.type`
//! nor a stack trace.

use std::fmt::Display;

use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_semantic_conventions::attribute;

/// A failure that can be recorded. Its `Display` is `exception.message`.
pub trait Exception: Display {
    /// `exception.type`: a stable name by which failures are counted, grouped and searched.
    fn exception_type(&self) -> &str;

    /// `exception.stacktrace`: the causes or the frames, one per line.
    fn stack_trace(&self) -> String;
}

/// Records `exception` on the current span: status Error, and one event `exception`. Does nothing without a
/// span.
pub fn record(exception: &impl Exception) {
    Context::map_current(|context| record_on(context, exception));
}

pub(crate) fn record_on(context: &Context, exception: &impl Exception) {
    let span = context.span();
    if !span.is_recording() {
        return;
    }
    let message = exception.to_string();
    span.set_status(Status::error(message.clone()));
    span.add_event(
        "exception",
        vec![
            KeyValue::new(attribute::EXCEPTION_TYPE, exception.exception_type().to_owned()),
            KeyValue::new(attribute::EXCEPTION_MESSAGE, message),
            KeyValue::new(attribute::EXCEPTION_STACKTRACE, exception.stack_trace()),
        ],
    );
}

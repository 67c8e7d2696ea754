//! The span and the duration of one query.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Span;
use opentelemetry_semantic_conventions::attribute::DB_QUERY_TEXT;

use super::failure;
use super::recorder::{Names, Operation, Recorder};

/// A query that is recorded. When it is dropped, it ends the span and records the duration, if the query has
/// started.
pub(super) struct Recording {
    recorder: Arc<Recorder>,
    operation: Arc<Operation>,
    parent: Context,
    text: Option<Arc<str>>,
    started: Option<Instant>,
    span: Option<Span>,
    failure: Option<Vec<KeyValue>>,
}

impl Recording {
    /// A query in the current context, which has not started yet.
    pub(super) fn new(recorder: Arc<Recorder>, names: Option<Names>) -> Self {
        let operation = recorder.operation(names);
        Self {
            recorder,
            operation,
            parent: Context::current(),
            text: None,
            started: None,
            span: None,
            failure: None,
        }
    }

    /// Adds the text of the query, as [`Operation::query_text`] records it.
    pub(super) fn with_text(mut self, text: &str, is_parameterized: bool) -> Self {
        if self.recorder.tracer.is_some() {
            self.text = Some(self.operation.query_text(text, is_parameterized, self.recorder.system));
        }
        self
    }

    /// Polls the driver of the database by `poll`. The first call is the start of the query.
    pub(super) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        if self.started.is_none() {
            self.span = self.start_span();
            self.started = Some(Instant::now());
        }
        self.recorder.system.hide_tracing_span(poll)
    }

    /// Records that the query has failed.
    pub(super) fn fail(&mut self, error: &sqlx::Error) {
        let attributes = failure::attributes(error);
        if let Some(span) = self.span.as_mut().filter(|span| span.is_recording()) {
            span.set_attributes(attributes.iter().cloned());
            span.set_status(Status::error(error.to_string()));
        }
        self.failure = Some(attributes);
    }

    fn start_span(&mut self) -> Option<Span> {
        let tracer = self.recorder.tracer.as_ref()?;
        let mut attributes = Vec::with_capacity(self.operation.attributes.len() + 1);
        attributes.extend_from_slice(&self.operation.attributes);
        attributes.extend(self.text.take().map(|text| KeyValue::new(DB_QUERY_TEXT, text)));
        let mut span = SpanBuilder::from_name(self.operation.span_name.clone()).with_kind(SpanKind::Client);
        span.attributes = Some(attributes);
        Some(tracer.build_with_context(span, &self.parent))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let Some(started) = self.started else { return };
        if let Some(span) = &mut self.span {
            span.end();
        }
        if let Some(duration) = &self.recorder.duration {
            let seconds = started.elapsed().as_secs_f64();
            match self.failure.take() {
                None => self.operation.record_success(duration, seconds),
                Some(failure) => self.operation.record_failure(duration, seconds, failure),
            }
        }
    }
}

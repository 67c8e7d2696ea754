//! Encodes spans.

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;

use super::{attributes, unix_nanos};
use crate::otlp::protobuf::ExpectedLength::{Medium, Short};
use crate::otlp::protobuf::Writer;

/// `SpanFlags` in trace/v1/trace.proto: it is known whether the parent (of a span) or the context (of a link)
/// is remote.
const HAS_IS_REMOTE: u32 = 0x100;
/// `SpanFlags` in trace/v1/trace.proto: the parent, or the context, is remote.
const IS_REMOTE: u32 = 0x200;

/// Encodes a span as an element of `ScopeSpans`, using the memory of `buffer`.
pub(crate) fn encode_span(span: &SpanData, buffer: Vec<u8>) -> Vec<u8> {
    let mut to = Writer::new(buffer);
    to.message(2, Medium, |to| self::span(to, span));
    to.into_bytes()
}

/// `Span` in trace/v1/trace.proto.
fn span(to: &mut Writer, span: &SpanData) {
    context(to, &span.span_context);
    if span.parent_span_id != SpanId::INVALID {
        to.bytes_always(4, &span.parent_span_id.to_bytes());
    }
    to.string(5, &span.name);
    to.integer(6, kind(&span.span_kind));
    to.fixed64(7, unix_nanos(span.start_time));
    to.fixed64(8, unix_nanos(span.end_time));
    attributes(to, 9, &span.attributes);
    to.integer(10, span.dropped_attributes_count);
    for event in span.events.iter() {
        to.message(11, Medium, |to| self::event(to, event));
    }
    to.integer(12, span.events.dropped_count);
    for link in span.links.iter() {
        to.message(13, Short, |to| self::link(to, link));
    }
    to.integer(14, span.links.dropped_count);
    to.message(15, Short, |to| status(to, &span.status));
    to.fixed32(16, flags(&span.span_context, span.parent_span_is_remote));
}

/// `Span.Event` in trace/v1/trace.proto.
fn event(to: &mut Writer, event: &Event) {
    to.fixed64(1, unix_nanos(event.timestamp));
    to.string(2, &event.name);
    attributes(to, 3, &event.attributes);
    to.integer(4, event.dropped_attributes_count);
}

/// `Span.Link` in trace/v1/trace.proto.
fn link(to: &mut Writer, link: &Link) {
    context(to, &link.span_context);
    attributes(to, 4, &link.attributes);
    to.integer(5, link.dropped_attributes_count);
    to.fixed32(6, flags(&link.span_context, link.span_context.is_remote()));
}

/// The first three fields of both `Span` and `Span.Link`.
fn context(to: &mut Writer, context: &SpanContext) {
    to.bytes_always(1, &context.trace_id().to_bytes());
    to.bytes_always(2, &context.span_id().to_bytes());
    to.string(3, &context.trace_state().header());
}

fn flags(context: &SpanContext, is_remote: bool) -> u32 {
    let remote = if is_remote { IS_REMOTE } else { 0 };
    u32::from(context.trace_flags().to_u8()) | HAS_IS_REMOTE | remote
}

/// `SpanKind` in trace/v1/trace.proto.
fn kind(kind: &SpanKind) -> u32 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// `Status` in trace/v1/trace.proto.
fn status(to: &mut Writer, status: &Status) {
    match status {
        Status::Unset => {}
        Status::Ok => to.integer(3, 1),
        Status::Error { description } => {
            to.string(2, description);
            to.integer(3, 2);
        }
    }
}

//! Ids of spans as text: in headers, as defined in <https://www.w3.org/TR/trace-context/>, and in log lines.

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The SDK's propagator of `traceparent` and `tracestate`, with two differences when injecting: an empty
/// `tracestate` is left out, and ids are written without [`format!`], which takes a quarter of the
/// instructions.
#[derive(Debug, Default)]
pub(crate) struct TraceContext(TraceContextPropagator);

impl TextMapPropagator for TraceContext {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = context.span();
        let span = span.span_context();
        if !span.is_valid() {
            return;
        }
        injector.set("traceparent", trace_parent(span));
        let trace_state = span.trace_state().header();
        if !trace_state.is_empty() {
            injector.set("tracestate", trace_state);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

/// `00-<trace id>-<span id>-<flags>`, the form of `traceparent` and `traceresponse`.
pub(crate) fn trace_parent(span: &SpanContext) -> String {
    let mut text = *b"00-tttttttttttttttttttttttttttttttt-ssssssssssssssss-ff";
    write_hex(&mut text[3..35], &span.trace_id().to_bytes());
    write_hex(&mut text[36..52], &span.span_id().to_bytes());
    // The specification defines more flags, but only a participant that has set them may send them.
    write_hex(&mut text[53..55], &[(span.trace_flags() & TraceFlags::SAMPLED).to_u8()]);
    into_string(text.to_vec())
}

/// `bytes` in lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = vec![0; 2 * bytes.len()];
    write_hex(&mut text, bytes);
    into_string(text)
}

/// Hex digits and dashes are always valid UTF-8. Checking that with `from_utf8` costs a fraction of
/// `from_utf8_lossy`.
fn into_string(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap_or_default()
}

fn write_hex(text: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let (pairs, _) = text.as_chunks_mut();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
}

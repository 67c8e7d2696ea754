//! The ids that link lines with traces.

use instrumentation::json_lines::JsonLines;
use opentelemetry::trace::{TraceContextExt, Tracer};

use super::{identity, logged};
use crate::support::Telemetry;

const TRACE_ID: [&str; 3] = ["trace.id", "trace_id", "dd.trace_id"];
const SPAN_ID: [&str; 3] = ["span.id", "span_id", "dd.span_id"];

#[test]
fn lines_inside_a_span_have_its_ids_and_those_outside_have_none() {
    let tracer = Telemetry::new().tracer();
    let mut ids = Vec::new();
    let lines = logged(JsonLines::new(&identity()).with_span_ids(), || {
        tracing::info!("before");
        tracer.in_span("outer", |outer| {
            tracer.in_span("inner", |inner| {
                ids.push(inner.span().span_context().clone());
                tracing::info!("in the inner one");
            });
            ids.push(outer.span().span_context().clone());
            tracing::info!("in the outer one");
        });
        tracing::info!("after");
    });
    let objects = lines.objects();
    for (line, ids) in objects[1..3].iter().zip(&ids) {
        for name in TRACE_ID {
            assert_eq!(line[name], ids.trace_id().to_string(), "{name}");
        }
        for name in SPAN_ID {
            assert_eq!(line[name], ids.span_id().to_string(), "{name}");
        }
    }
    for outside in [&objects[0], &objects[3]] {
        for name in TRACE_ID.iter().chain(&SPAN_ID) {
            assert_eq!(outside.get(*name), None, "{outside:?}");
        }
    }
    for name in TRACE_ID.iter().chain(&SPAN_ID) {
        assert_eq!(lines.text().matches(&format!("\"{name}\":")).count(), 2, "{name}");
    }
}

#[test]
fn lines_have_no_ids_unless_they_are_enabled() {
    let tracer = Telemetry::new().tracer();
    let lines = logged(JsonLines::new(&identity()), || tracer.in_span("span", |_| tracing::info!("inside")));
    let line = lines.objects().remove(0);
    for name in TRACE_ID.iter().chain(&SPAN_ID) {
        assert_eq!(line.get(*name), None, "{line:?}");
    }
}

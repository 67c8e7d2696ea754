//! json-subscriber: log lines as JSON objects.
//!
//! With static and dynamic fields it writes the workshop's line. The nested `error` object needs a custom
//! visitor, and the fields of the object are also in the line itself.

use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex};

use ::json_subscriber::JsonLayer;
use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceContextExt, TraceId, Tracer, TracerProvider};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use crate::faults::{Faults, modules};
use crate::telemetry::Telemetry;

/// The destination of the lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer has panicked").write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn only(&self) -> Value {
        let text = self.0.lock().expect("no writer has panicked");
        serde_json::from_slice(&text).expect("the line is JSON")
    }
}

/// The ids of the current span: `None` outside of a trace.
fn ids() -> Option<(TraceId, SpanId)> {
    Context::map_current(|context| {
        let span = context.span().span_context().clone();
        span.is_valid().then(|| (span.trace_id(), span.span_id()))
    })
}

/// The workshop's line.
fn layer(lines: &Lines) -> JsonLayer<registry::Registry, impl Fn() -> Lines + use<>> {
    let lines = lines.clone();
    let mut layer = JsonLayer::new(move || lines.clone());
    layer.with_timer("time", SystemTime);
    layer.with_level("level");
    for name in ["service", "dd.service"] {
        layer.add_static_field(name, json!("handson-sakura"));
    }
    for name in ["trace.id", "trace_id", "dd.trace_id"] {
        layer.add_dynamic_field(name, |_, _| ids().map(|(trace_id, _)| trace_id.to_string()));
    }
    for name in ["span.id", "span_id", "dd.span_id"] {
        layer.add_dynamic_field(name, |_, _| ids().map(|(_, span_id)| span_id.to_string()));
    }
    layer.add_dynamic_field("error", |event, _| {
        let mut error = ErrorObject::default();
        event.record(&mut error);
        (!error.0.is_empty()).then_some(error.0)
    });
    layer.with_flattened_event();
    layer
}

/// The members of the `error` object.
#[derive(Default)]
struct ErrorObject(serde_json::Map<String, Value>);

impl Visit for ErrorObject {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = match field.name() {
            "exception.type" => "kind",
            "exception.message" => "message",
            "exception.stacktrace" => "stack",
            _ => return,
        };
        self.0.insert(name.to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[test]
fn json_subscriber_writes_the_line_but_repeats_the_fields_of_the_error() {
    let (telemetry, lines) = (Telemetry::new(), Lines::default());
    let tracer = telemetry.traces.tracer("registry");
    tracing::subscriber::with_default(registry().with(layer(&lines)), || {
        tracer.in_span("request", |_| {
            tracing::error!(
                http.response.status_code = 500,
                "exception.type" = "RandomError",
                exception.message = "by chance",
                "the request failed"
            );
        });
    });

    let line = lines.only();
    let span = telemetry.span(opentelemetry::trace::SpanKind::Internal).0;
    let (trace_id, span_id) =
        (span.span_context.trace_id().to_string(), span.span_context.span_id().to_string());
    for (name, value) in [
        ("level", json!("ERROR")),
        ("message", json!("the request failed")),
        ("service", json!("handson-sakura")),
        ("dd.service", json!("handson-sakura")),
        ("trace.id", json!(trace_id)),
        ("trace_id", json!(trace_id)),
        ("dd.trace_id", json!(trace_id)),
        ("span.id", json!(span_id)),
        ("span_id", json!(span_id)),
        ("dd.span_id", json!(span_id)),
        ("http.response.status_code", json!(500)),
        ("error", json!({"kind": "RandomError", "message": "by chance"})),
    ] {
        assert_eq!(line[name], value, "{name} of {line}");
    }
    assert!(
        line["time"].as_str().is_some_and(|time| time.ends_with('Z')),
        "expected a time in UTC in {line}"
    );

    Faults::found_in("json-subscriber 0.3", modules::JSON_LINES)
        .gone_if("can leave a field out that an object has", line.get("exception.type").is_none())
        .assert_all_remain();
}

#[test]
fn json_subscriber_omits_the_ids_outside_of_a_trace() {
    let lines = Lines::default();
    tracing::subscriber::with_default(registry().with(layer(&lines)), || tracing::info!("started"));
    let line = lines.only();
    assert!(line.get("trace_id").is_none() && line.get("dd.span_id").is_none(), "expected no ids in {line}");
}

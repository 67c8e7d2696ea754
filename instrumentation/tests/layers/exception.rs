//! Failures are recorded on the span in which they happened.

use std::fmt;

use instrumentation::exception::{Exception, record};
use opentelemetry::Context;
use opentelemetry::trace::{Status, TraceContextExt, Tracer};

use crate::support::{Telemetry, attributes};

struct OutOfStock;

impl fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no more 桜 in stock")
    }
}

impl Exception for OutOfStock {
    fn exception_type(&self) -> &str {
        "OutOfStock"
    }

    fn stack_trace(&self) -> String {
        "OutOfStock: no more 桜 in stock\n  at src/stock.rs:7".to_owned()
    }
}

#[test]
fn a_failure_is_an_event_and_the_status_of_the_current_span_only() {
    let telemetry = Telemetry::new();
    let tracer = telemetry.tracer();
    tracer.in_span("request", |_| tracer.in_span("order", |_| record(&OutOfStock)));

    let spans = telemetry.spans();
    let [order, request] = spans.as_slice() else { panic!("expected two spans, got {spans:?}") };
    assert_eq!(order.status, Status::error("no more 桜 in stock"));
    let [event] = order.events.events.as_slice() else { panic!("expected one event in {order:?}") };
    assert_eq!(event.name, "exception");
    assert_eq!(
        attributes(&event.attributes),
        [
            r#"exception.message="no more 桜 in stock""#,
            r#"exception.stacktrace="OutOfStock: no more 桜 in stock\n  at src/stock.rs:7""#,
            r#"exception.type="OutOfStock""#,
        ]
    );
    assert!(order.attributes.is_empty(), "{order:?}");
    assert_eq!((request.status.clone(), request.events.events.len()), (Status::Unset, 0));
}

/// An exception whose text must not be formatted unless it is recorded.
struct Unread;

impl fmt::Display for Unread {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("nobody reads this")
    }
}

impl Exception for Unread {
    fn exception_type(&self) -> &str {
        panic!("nobody reads this")
    }

    fn stack_trace(&self) -> String {
        panic!("nobody reads this")
    }
}

#[test]
fn nothing_happens_without_a_span_or_on_a_span_that_is_not_recorded() {
    record(&Unread);

    let telemetry = Telemetry::new();
    let not_sampled = opentelemetry::trace::SpanContext::new(
        opentelemetry::trace::TraceId::from(7),
        opentelemetry::trace::SpanId::from(8),
        opentelemetry::trace::TraceFlags::NOT_SAMPLED,
        true,
        Default::default(),
    );
    let _attached = Context::new().with_remote_span_context(not_sampled).attach();
    telemetry.tracer().in_span("not recorded", |_| record(&Unread));
    assert!(telemetry.spans().is_empty());
}

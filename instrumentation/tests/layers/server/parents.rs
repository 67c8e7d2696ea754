//! The parent of a server span, its children, and the ids in the response.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use instrumentation::server::ServerLayer;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{FutureExt, SpanId, SpanKind, TraceContextExt, TraceId, Tracer};
use opentelemetry::{Context, Value};
use tokio::sync::{Barrier, Notify};

use super::{header, start};
use crate::http::{client, send_lines, serve};
use crate::support::{Telemetry, ids};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn a_remote_parent_and_its_state_are_honoured() {
    let telemetry = Telemetry::new();
    let address = start(&telemetry.instrumentation(), &Arc::new(Notify::new())).await;
    let parent = format!("traceparent: 00-{TRACE}-b7ad6b7169203331-01");
    let state = "tracestate: vendor=a,other@tenant=b";
    let response = send_lines(address, &["GET /items/1 HTTP/1.1", "host: shop", &parent, state]).await;

    let span = telemetry.span(SpanKind::Server);
    assert_eq!(span.span_context.trace_id(), TraceId::from_hex(TRACE).expect("32 hex digits"));
    assert_eq!(span.parent_span_id, SpanId::from_hex("b7ad6b7169203331").expect("16 hex digits"));
    assert!(span.parent_span_is_remote);
    assert_eq!(span.span_context.trace_state().header(), "vendor=a,other@tenant=b");
    assert_eq!(header(&response, "traceresponse"), Some(ids(&span).as_str()));
}

#[tokio::test]
async fn without_a_valid_parent_each_request_starts_a_trace() {
    let telemetry = Telemetry::new();
    let address = start(&telemetry.instrumentation(), &Arc::new(Notify::new())).await;
    let no_parents = [
        "x-nothing: here".to_owned(),
        "traceparent: garbage".to_owned(),
        "traceparent:".to_owned(),
        format!("traceparent: 00-{TRACE}-0000000000000000-01"),
        "traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01".to_owned(),
        format!("traceparent: ff-{TRACE}-b7ad6b7169203331-01"),
    ];
    for no_parent in &no_parents {
        let response = send_lines(address, &["GET /items/1 HTTP/1.1", "host: shop", no_parent]).await;
        let span = telemetry.spans().pop().expect("the span has ended");
        assert_eq!(span.parent_span_id, SpanId::INVALID, "{no_parent}");
        assert_ne!(span.span_context.trace_id().to_string(), TRACE, "{no_parent}");
        assert!(span.span_context.is_valid() && span.span_context.is_sampled(), "{no_parent}");
        assert_eq!(header(&response, "traceresponse"), Some(ids(&span).as_str()), "{no_parent}");
    }
    assert_eq!(telemetry.spans().len(), no_parents.len());
}

#[tokio::test]
async fn a_parent_that_is_not_sampled_is_continued_and_not_recorded() {
    let telemetry = Telemetry::new();
    let address = start(&telemetry.instrumentation(), &Arc::new(Notify::new())).await;
    let parent = format!("traceparent: 00-{TRACE}-b7ad6b7169203331-00");
    let response = send_lines(address, &["GET /status/500 HTTP/1.1", "host: shop", &parent]).await;

    assert!(telemetry.spans().is_empty());
    let ids = header(&response, "traceresponse").expect("the caller learns the ids all the same");
    assert!(ids.starts_with(&format!("00-{TRACE}-")) && ids.ends_with("-00"), "{ids}");
    assert!(!ids.contains("b7ad6b7169203331") && !ids.contains("0000000000000000"), "{ids}");
    // A request counts as one, whether it is sampled or not.
    assert_eq!(telemetry.durations("http.server.request.duration").len(), 1);
}

#[tokio::test]
async fn baggage_of_the_caller_is_in_the_context_of_the_handler() {
    let telemetry = Telemetry::new();
    let tenant = || async {
        Context::map_current(|context| context.baggage().get("tenant").map(|tenant| tenant.to_string()))
            .unwrap_or_default()
    };
    let router = Router::new().route("/tenant", get(tenant));
    let address = serve(router.layer(ServerLayer::new(&telemetry.instrumentation()))).await;
    let request = client().get(format!("http://{address}/tenant")).header("baggage", "tenant=sakura%20shop");
    let response = request.send().await.expect("the server answers");
    assert_eq!(response.text().await.expect("the body arrives"), "sakura shop");
}

#[tokio::test]
async fn spans_of_the_handler_are_children_of_the_server_span() {
    let telemetry = Telemetry::new();
    let tracer = telemetry.tracer();
    let handler = move || {
        let tracer = tracer.clone();
        async move {
            tracer.in_span("outer", |_| tracer.in_span("inner", |_| ()));
            // A spawned task is separate: it gets the context only if the handler passes it on.
            let spawned = async move { tracer.in_span("spawned", |_| ()) };
            let given = tokio::spawn(spawned.with_context(Context::current()));
            given.await.expect("the task does not panic");
        }
    };
    let router = Router::new().route("/", get(handler));
    let address = serve(router.layer(ServerLayer::new(&telemetry.instrumentation()))).await;
    client().get(format!("http://{address}/")).send().await.expect("the server answers");

    let spans = telemetry.spans();
    let parents: Vec<_> = spans
        .iter()
        .map(|span| {
            let parent = spans.iter().find(|other| other.span_context.span_id() == span.parent_span_id);
            (span.name.as_ref(), parent.map(|parent| parent.name.as_ref()))
        })
        .collect();
    assert_eq!(
        parents,
        [("inner", Some("outer")), ("outer", Some("GET /")), ("spawned", Some("GET /")), ("GET /", None),]
    );
}

#[tokio::test]
async fn what_the_handler_sets_on_the_current_span_is_on_the_server_span() {
    let telemetry = Telemetry::new();
    let handler = || async {
        let context = Context::current();
        tokio::task::yield_now().await;
        context.span().set_attribute(opentelemetry::KeyValue::new("handson.user", "sakura"));
        context.span().span_context().span_id().to_string()
    };
    let router = Router::new().route("/", get(handler));
    let address = serve(router.layer(ServerLayer::new(&telemetry.instrumentation()))).await;
    let response = client().get(format!("http://{address}/")).send().await.expect("the server answers");
    let current = response.text().await.expect("the body arrives");

    let span = telemetry.span(SpanKind::Server);
    assert_eq!(current, span.span_context.span_id().to_string());
    let user = span.attributes.iter().find(|attribute| attribute.key.as_str() == "handson.user");
    assert_eq!(user.map(|attribute| &attribute.value), Some(&Value::from("sakura")));
}

#[tokio::test]
async fn two_requests_at_the_same_time_do_not_mix() {
    let telemetry = Telemetry::new();
    // Both handlers run at the same time: each waits for the other before and after it reads its context.
    let both = Arc::new(Barrier::new(2));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (tracer, log) = (telemetry.tracer(), Arc::clone(&seen));
    let handler = move |axum::extract::Path(id): axum::extract::Path<String>| {
        let (both, tracer, log) = (Arc::clone(&both), tracer.clone(), Arc::clone(&log));
        async move {
            both.wait().await;
            tracer.in_span(id.clone(), |context| {
                let trace_id = context.span().span_context().trace_id();
                log.lock().expect("no test has panicked").push((id, trace_id));
            });
            both.wait().await;
        }
    };
    let router = Router::new().route("/{id}", get(handler));
    let address = serve(router.layer(ServerLayer::new(&telemetry.instrumentation()))).await;
    let traces = ["0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"];
    let request = |trace: &'static str| {
        let request = client().get(format!("http://{address}/{trace}"));
        request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01")).send()
    };
    let (first, second) = tokio::join!(request(traces[0]), request(traces[1]));
    for (response, trace) in [(first, traces[0]), (second, traces[1])] {
        let response = response.expect("the server answers");
        let ids = response.headers()["traceresponse"].to_str().expect("hex digits").to_owned();
        assert!(ids.starts_with(&format!("00-{trace}-")), "{ids}");
    }

    for (id, trace_id) in seen.lock().expect("no test has panicked").iter() {
        assert_eq!(id, &trace_id.to_string());
    }
    for span in telemetry.spans_of(SpanKind::Internal) {
        let servers = telemetry.spans_of(SpanKind::Server);
        let parent = servers.iter().find(|server| server.span_context.span_id() == span.parent_span_id);
        let parent = parent.expect("its parent is a server span");
        assert_eq!(parent.span_context.trace_id().to_string(), span.name);
    }
}

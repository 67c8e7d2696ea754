// ANCHOR: server-spans
//! A SERVER span that continues the caller's trace, for every request, as a middleware.
//!
//! Semantic conventions: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span>. The crate
//! `opentelemetry-instrumentation-tower` leaves the scheme empty, hence this file.

mod attributes;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use opentelemetry::trace::{FutureExt, SpanContext, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{KeyValue, global};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::trace::SdkTracer;
use opentelemetry_semantic_conventions::attribute;

use super::http_attributes;

/// The way of one request through the middleware.
async fn server_spans(State(tracer): State<SdkTracer>, request: Request, next: Next) -> Response {
    let method = http_attributes::method(request.method());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let version = http_attributes::protocol_version(request.version());
    // ANCHOR: metrics
    let measured = super::http_metrics::ServerRequest::start(method);
    // ANCHOR_END: metrics

    // A caller that is traced itself sends its ids in the header `traceparent`: this span continues that trace.
    let parent =
        global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(request.headers())));
    let name = match &route {
        Some(route) => format!("{} {route}", http_attributes::span_name(method)).into(),
        None => http_attributes::span_name(method).into(),
    };
    let span = tracer
        .span_builder::<std::borrow::Cow<'static, str>>(name)
        .with_kind(SpanKind::Server)
        .with_attributes(attributes::of_request(&request, method, route.as_ref(), &version))
        .start_with_context(&tracer, &parent);
    let context = parent.with_span(span);

    let mut response = next.run(request).with_context(context.clone()).await;

    let status = response.status();
    let span = context.span();
    let mut about = Vec::with_capacity(2);
    about.push(KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16())));
    if status.is_server_error() {
        about.push(KeyValue::new(attribute::ERROR_TYPE, status.as_str().to_owned()));
        span.set_status(Status::error(""));
    }
    // ANCHOR: metrics
    let labels = about
        .iter()
        .cloned()
        .chain([version])
        .chain(route.map(|route| KeyValue::new(attribute::HTTP_ROUTE, route)));
    measured.answered(labels.collect());
    // ANCHOR_END: metrics
    span.set_attributes(about);

    response.headers_mut().insert("traceresponse", trace_response(span.span_context()));
    response
}

/// `traceresponse: 00-<trace id>-<span id>-<flags>`, so that one curl finds its trace.
fn trace_response(span: &SpanContext) -> HeaderValue {
    let value = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags());
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(""))
}

/// Puts the middleware around `router`, unless telemetry is off.
pub fn around(router: Router) -> Router {
    match super::tracer() {
        Some(tracer) => router.layer(from_fn_with_state(tracer.clone(), server_spans)),
        None => router,
    }
}
// ANCHOR_END: server-spans

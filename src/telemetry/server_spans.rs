//! A SERVER span, the caller's context and the `http.server.*` metrics for every request, as a middleware.
//!
//! Semantic conventions: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span>. The crate
//! `opentelemetry-instrumentation-tower` leaves the scheme empty, and counts a request that its client gave up as active
//! for ever, hence this file.

mod attributes;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use opentelemetry::metrics::{Histogram, UpDownCounter};
use opentelemetry::trace::{FutureExt, SpanContext, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{KeyValue, global};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::trace::SdkTracer;
use opentelemetry_semantic_conventions::{attribute, metric};

use super::http_attributes::{self, SECONDS};

/// What the middleware needs for every request.
struct ServerSpans {
    tracer: SdkTracer,
    duration: Histogram<f64>,
    active_requests: UpDownCounter<i64>,
}

impl ServerSpans {
    /// Spans by `tracer`, metrics by the global meter.
    fn new(tracer: &SdkTracer) -> Arc<Self> {
        let meter = global::meter("handson");
        Arc::new(Self {
            tracer: tracer.clone(),
            duration: meter
                .f64_histogram(metric::HTTP_SERVER_REQUEST_DURATION)
                .with_unit("s")
                .with_description("Duration of HTTP server requests.")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            active_requests: meter
                .i64_up_down_counter(metric::HTTP_SERVER_ACTIVE_REQUESTS)
                .with_unit("{request}")
                .with_description("Number of active HTTP server requests.")
                .build(),
        })
    }
}

/// The way of one request through the middleware.
async fn server_spans(State(spans): State<Arc<ServerSpans>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = http_attributes::method(request.method());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let version = http_attributes::protocol_version(request.version());
    let _active = Active::start(&spans, method);

    // A caller that is traced itself sends its ids in the header `traceparent`: this span continues that trace.
    let parent =
        global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(request.headers())));
    let name = match &route {
        Some(route) => format!("{} {route}", http_attributes::span_name(method)).into(),
        None => http_attributes::span_name(method).into(),
    };
    let span = spans
        .tracer
        .span_builder::<std::borrow::Cow<'static, str>>(name)
        .with_kind(SpanKind::Server)
        .with_attributes(attributes::of_request(&request, method, route.as_ref(), &version))
        .start_with_context(&spans.tracer, &parent);
    let context = parent.with_span(span);

    let mut response = next.run(request).with_context(context.clone()).await;

    let status = response.status();
    let span = context.span();
    let mut about = Vec::with_capacity(6);
    about.push(KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16())));
    if status.is_server_error() {
        about.push(KeyValue::new(attribute::ERROR_TYPE, status.as_str().to_owned()));
        span.set_status(Status::error(""));
    }
    span.set_attributes(about.iter().cloned());
    about.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD, method));
    about.push(KeyValue::new(attribute::URL_SCHEME, "http"));
    about.push(version);
    about.extend(route.map(|route| KeyValue::new(attribute::HTTP_ROUTE, route)));
    spans.duration.record(start.elapsed().as_secs_f64(), &about);

    response.headers_mut().insert("traceresponse", trace_response(span.span_context()));
    response
}

/// `traceresponse: 00-<trace id>-<span id>-<flags>`, so that one curl finds its trace.
fn trace_response(span: &SpanContext) -> HeaderValue {
    let value = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags());
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(""))
}

/// Counts a request as active until it is answered, or its caller gives up and it is dropped.
struct Active<'a> {
    spans: &'a ServerSpans,
    about: [KeyValue; 2],
}

impl<'a> Active<'a> {
    fn start(spans: &'a ServerSpans, method: &'static str) -> Self {
        let about = [
            KeyValue::new(attribute::HTTP_REQUEST_METHOD, method),
            KeyValue::new(attribute::URL_SCHEME, "http"),
        ];
        spans.active_requests.add(1, &about);
        Self { spans, about }
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.spans.active_requests.add(-1, &self.about);
    }
}

/// Puts the middleware around `router`, unless telemetry is off.
pub fn around(router: Router) -> Router {
    match super::tracer() {
        Some(tracer) => router.layer(from_fn_with_state(ServerSpans::new(tracer), server_spans)),
        None => router,
    }
}

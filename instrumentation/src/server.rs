//! Server spans and metrics for axum, as a tower layer.
//!
//! ```
//! # use axum::{Router, routing::get};
//! # use instrumentation::{Instrumentation, server::ServerLayer};
//! # let instrumentation = Instrumentation::new();
//! let router: Router = Router::new()
//!     .route("/hello", get(|| async { "hello" }))
//!     .layer(ServerLayer::new(&instrumentation));
//! ```
//!
//! For every request, the layer
//! - continues the caller's trace (`traceparent`), or starts a new one,
//! - makes a span of kind SERVER that is the current one while the request is served, named after method and
//!   route,
//! - records `http.server.request.duration` and `http.server.active_requests`,
//! - sends the ids of the span to the caller in the response header `traceresponse`.
//!
//! It follows <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span> and
//! <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>. The span ends with the head of the
//! response; a body that is streamed for longer is not covered.
//!
//! The Registry has three crates for the same purpose; `tests/registry` runs each and shows its faults. The
//! best is `opentelemetry-instrumentation-tower` 0.19, which leaves `url.scheme` empty, sets neither
//! `server.address` nor `error.type`, and never decrements active requests whose caller hangs up.
//! `axum-tracing-opentelemetry` 0.42 has no metrics. `tower-otel` 0.12 records all headers, including
//! `authorization`.

mod request;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use axum::extract::MatchedPath;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use opentelemetry::metrics::{BoundHistogram, BoundUpDownCounter, Histogram, UpDownCounter};
use opentelemetry::trace::{FutureExt, SpanContext, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::trace::SdkTracer;
use opentelemetry_semantic_conventions::{attribute, metric};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::bound::Bound;
use crate::http_semconv::{self, span_name};
use crate::trace_context::trace_parent;
use crate::{Instrumentation, Propagator};

/// Adds a server span and the metrics of the conventions to an axum router.
#[derive(Clone)]
pub struct ServerLayer {
    recorder: Option<Arc<Recorder>>,
}

/// What records the requests.
struct Recorder {
    tracer: SdkTracer,
    propagator: Option<Propagator>,
    metrics: Option<Metrics>,
}

struct Metrics {
    duration: Histogram<f64>,
    active_requests: UpDownCounter<i64>,
    bound_durations: Bound<(Facts, StatusCode), BoundHistogram<f64>>,
    bound_active_requests: Bound<(&'static str, &'static str), BoundUpDownCounter<i64>>,
}

/// The properties of a request that are known when it arrives and are attributes of metrics.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Facts {
    method: &'static str,
    scheme: &'static str,
    version: &'static str,
    route: Option<Arc<str>>,
}

impl Facts {
    fn from_request<B>(request: &Request<B>) -> Self {
        Self {
            method: http_semconv::method(request.method()),
            scheme: request::scheme(request),
            version: http_semconv::protocol_version(request.version()),
            route: request.extensions().get::<MatchedPath>().map(|route| route.as_str().into()),
        }
    }

    fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        let always = [
            KeyValue::new(attribute::HTTP_REQUEST_METHOD, self.method),
            KeyValue::new(attribute::URL_SCHEME, self.scheme),
            KeyValue::new(attribute::NETWORK_PROTOCOL_VERSION, self.version),
        ];
        let route = self.route.clone().map(|route| KeyValue::new(attribute::HTTP_ROUTE, route));
        always.into_iter().chain(route)
    }
}

impl Metrics {
    /// Adds `change` to the number of active requests: 1 at the start, -1 at the end.
    fn count_active(&self, facts: &Facts, change: i64) {
        let attributes = || {
            [
                KeyValue::new(attribute::HTTP_REQUEST_METHOD, facts.method),
                KeyValue::new(attribute::URL_SCHEME, facts.scheme),
            ]
        };
        let bind = || self.active_requests.bind(&attributes());
        self.bound_active_requests.record((facts.method, facts.scheme), bind, |count| count.add(change));
    }

    /// Records a request that was answered with `status`, which has the attributes `outcome`, after
    /// `seconds`.
    fn record_duration(&self, facts: &Facts, status: StatusCode, outcome: Vec<KeyValue>, seconds: f64) {
        let bind = || {
            let attributes: Vec<KeyValue> = outcome.into_iter().chain(facts.attributes()).collect();
            self.duration.bind(&attributes)
        };
        self.bound_durations.record((facts.clone(), status), bind, |duration| duration.record(seconds));
    }
}

impl ServerLayer {
    /// Records with the providers of `instrumentation`. Without a tracer provider, the layer passes requests
    /// through unchanged.
    pub fn new(instrumentation: &Instrumentation) -> Self {
        let metrics = instrumentation.meter().map(|meter| Metrics {
            duration: http_semconv::duration(
                meter,
                metric::HTTP_SERVER_REQUEST_DURATION,
                "Duration of HTTP server requests.",
            ),
            active_requests: meter
                .i64_up_down_counter(metric::HTTP_SERVER_ACTIVE_REQUESTS)
                .with_unit("{request}")
                .with_description("Number of active HTTP server requests.")
                .build(),
            bound_durations: Bound::default(),
            bound_active_requests: Bound::default(),
        });
        let recorder = instrumentation.tracer().map(|tracer| Recorder {
            tracer: tracer.clone(),
            propagator: instrumentation.propagator.clone(),
            metrics,
        });
        Self { recorder: recorder.map(Arc::new) }
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService { inner, recorder: self.recorder.clone() }
    }
}

/// A service with a [`ServerLayer`] around it.
#[derive(Clone)]
pub struct ServerService<S> {
    inner: S,
    recorder: Option<Arc<Recorder>>,
}

impl<S, B, R> Service<Request<B>> for ServerService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(recorder) = &self.recorder else {
            return ResponseFuture::Unrecorded { inner: self.inner.call(request) };
        };
        let active = ActiveRequest::start(recorder, &request);
        let context = active.context.clone();
        // The context is also attached during this call, because a service may do work before it returns its
        // future.
        let _attached = context.clone().attach();
        let inner = self.inner.call(request).with_context(context);
        ResponseFuture::Recorded { inner, active }
    }
}

pin_project! {
    /// The future of the response.
    #[allow(missing_docs)]
    #[project = Projected]
    pub enum ResponseFuture<F> {
        /// Telemetry is off.
        Unrecorded {
            #[pin]
            inner: F,
        },
        /// The request has a span.
        Recorded {
            #[pin]
            inner: opentelemetry::trace::WithContext<F>,
            active: ActiveRequest,
        },
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projected::Unrecorded { inner } => inner.poll(task),
            Projected::Recorded { inner, active } => {
                inner.poll(task).map_ok(|response| active.answered(response))
            }
        }
    }
}

/// A request that is being handled. It counts as active until this value is dropped: after the response, or
/// when the caller hangs up and the future of the response is dropped.
pub struct ActiveRequest {
    recorder: Arc<Recorder>,
    context: Context,
    start: Instant,
    facts: Facts,
}

impl ActiveRequest {
    fn start<B>(recorder: &Arc<Recorder>, request: &Request<B>) -> Self {
        let start = Instant::now();
        let facts = Facts::from_request(request);
        let name = match &facts.route {
            Some(route) => [span_name(facts.method), " ", route].concat().into(),
            None => span_name(facts.method).into(),
        };
        let mut attributes = request::attributes(request);
        attributes.extend(facts.attributes());

        // A traced caller sends its ids in `traceparent`. Without it, the parent is an empty context instead
        // of the current one, because earlier work of this task does not belong to the request.
        let parent = Context::new();
        let parent = match &recorder.propagator {
            Some(propagator) => propagator.extract_with_context(&parent, &HeaderExtractor(request.headers())),
            None => parent,
        };
        let span = recorder
            .tracer
            .span_builder::<std::borrow::Cow<'static, str>>(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes)
            .start_with_context(&recorder.tracer, &parent);
        let context = parent.with_span(span);

        if let Some(metrics) = &recorder.metrics {
            metrics.count_active(&facts, 1);
        }
        Self { recorder: Arc::clone(recorder), context, start, facts }
    }

    /// Records the response, and adds the ids of the span to it.
    fn answered<R>(&self, mut response: Response<R>) -> Response<R> {
        let status = response.status();
        let span = self.context.span();
        let mut outcome = Vec::with_capacity(2);
        outcome.push(KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16())));
        // Status codes of 4xx are mistakes of the caller, not failures of this server.
        if status.is_server_error() {
            outcome.push(KeyValue::new(attribute::ERROR_TYPE, status.as_str().to_owned()));
            span.set_status(Status::error(""));
        }
        for attribute in &outcome {
            span.set_attribute(attribute.clone());
        }
        if let Some(metrics) = &self.recorder.metrics {
            metrics.record_duration(&self.facts, status, outcome, self.start.elapsed().as_secs_f64());
        }
        response.headers_mut().insert("traceresponse", trace_response(span.span_context()));
        response
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        // Without this, a task that the handler has spawned with its context would keep the span open.
        self.context.span().end();
        if let Some(metrics) = &self.recorder.metrics {
            metrics.count_active(&self.facts, -1);
        }
    }
}

/// `00-<trace id>-<span id>-<flags>`: <https://w3c.github.io/trace-context/#traceresponse-header>.
fn trace_response(span: &SpanContext) -> HeaderValue {
    // Hex digits and dashes are always valid in a header.
    HeaderValue::try_from(trace_parent(span)).unwrap_or(HeaderValue::from_static(""))
}

//! A CLIENT span, the caller's context and a duration for every HTTP call, as a `reqwest-middleware` middleware.
//!
//! Semantic conventions: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span>. The crate
//! `reqwest-tracing` writes status and port as strings and leaves `url.full` out, hence this file.

use std::time::Instant;

use async_trait::async_trait;
use http::Extensions;
use opentelemetry::metrics::Histogram;
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::trace::SdkTracer;
use opentelemetry_semantic_conventions::{attribute, metric};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next};

use super::failures;
use super::http_attributes::{self, SECONDS};
use crate::error::Error;

/// The middleware. Put it last, so that a retry before it makes a span for each attempt.
pub struct ClientSpans {
    tracer: SdkTracer,
    duration: Histogram<f64>,
}

/// The span of a call, which the middleware leaves in the call's extensions. It ends when they are dropped: after
/// [`Middleware::handle`], or later where the caller keeps them until the body has been read.
#[derive(Clone)]
struct CallSpan {
    context: Context,
    /// Whether the middleware has marked the span as failed already.
    failed: bool,
}

impl ClientSpans {
    /// Spans by `tracer`, durations by the global meter.
    pub fn new(tracer: &SdkTracer) -> Self {
        let duration = global::meter("handson")
            .f64_histogram(metric::HTTP_CLIENT_REQUEST_DURATION)
            .with_unit("s")
            .with_description("Duration of HTTP client requests.")
            .with_boundaries(SECONDS.to_vec())
            .build();
        Self { tracer: tracer.clone(), duration }
    }
}

#[async_trait]
impl Middleware for ClientSpans {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let start = Instant::now();
        let method = http_attributes::method(request.method());
        let url = request.url();
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = i64::from(url.port_or_known_default().unwrap_or_default());

        // With room for what the answer adds.
        let mut about = Vec::with_capacity(8);
        about.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD, method));
        about.push(KeyValue::new(attribute::URL_FULL, http_attributes::url_full(url)));
        about.push(KeyValue::new(attribute::SERVER_ADDRESS, host.clone()));
        about.push(KeyValue::new(attribute::SERVER_PORT, port));
        let span = self
            .tracer
            .span_builder(http_attributes::span_name(method))
            .with_kind(SpanKind::Client)
            .with_attributes(about)
            .start(&self.tracer);
        let context = Context::current_with_span(span);
        extensions.insert(CallSpan { context: context.clone(), failed: false });

        // The other side continues this trace: it learns the ids from the header `traceparent`.
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
        });

        let outcome = next.run(request, extensions).with_context(context.clone()).await;

        let mut about = Vec::with_capacity(6);
        about.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD, method));
        about.push(KeyValue::new(attribute::SERVER_ADDRESS, host));
        about.push(KeyValue::new(attribute::SERVER_PORT, port));
        let learnt = about.len();
        if let Ok(response) = &outcome {
            let status = response.status().as_u16();
            about.push(KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
            about.push(http_attributes::protocol_version(response.version()));
        }
        if let Some(error_type) = error_type(&outcome) {
            about.push(KeyValue::new(attribute::ERROR_TYPE, error_type));
            context.span().set_status(Status::error(""));
            extensions.insert(CallSpan { context: context.clone(), failed: true });
        }
        self.duration.record(start.elapsed().as_secs_f64(), &about);
        context.span().set_attributes(about.drain(learnt..));
        outcome
    }
}

/// Records why a call failed on the span of that call.
pub fn record_failure(extensions: &Extensions, error: &Error) {
    let Some(CallSpan { context, failed }) = extensions.get() else {
        return;
    };
    if !failed {
        // The answer's head was good, and then its body broke.
        context.span().set_attribute(KeyValue::new(attribute::ERROR_TYPE, error.kind().name()));
    }
    failures::record_on(context, error);
}

/// `error.type` of a call: the status of 400 and above, or how it failed without one; `None` for success.
fn error_type(outcome: &reqwest_middleware::Result<Response>) -> Option<String> {
    match outcome {
        Ok(response) if response.status().as_u16() < 400 => None,
        Ok(response) => Some(response.status().as_u16().to_string()),
        Err(error) if error.is_timeout() => Some("timeout".to_owned()),
        Err(error) if error.is_connect() => Some("connect".to_owned()),
        Err(_) => Some("request".to_owned()),
    }
}

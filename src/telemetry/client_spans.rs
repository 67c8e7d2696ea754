// ANCHOR: client-spans
//! A CLIENT span for every HTTP call, whose ids travel with it, as a `reqwest-middleware` middleware.
//!
//! Semantic conventions: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span>. The crate
//! `reqwest-tracing` writes status and port as strings and leaves `url.full` out, hence this file.

// ANCHOR: metrics
use std::time::Instant;

// ANCHOR_END: metrics
use async_trait::async_trait;
use http::Extensions;
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::trace::SdkTracer;
use opentelemetry_semantic_conventions::attribute;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next};

use super::http_attributes;

/// The middleware. Put it last, so that a retry before it makes a span for each attempt.
pub struct ClientSpans {
    tracer: SdkTracer,
}

// ANCHOR: errors
/// In the extensions of a call whose span the middleware has marked as failed already.
#[derive(Clone)]
struct MarkedAsFailed;
// ANCHOR_END: errors

impl ClientSpans {
    /// Spans by `tracer`.
    pub fn new(tracer: &SdkTracer) -> Self {
        Self { tracer: tracer.clone() }
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
        // ANCHOR: metrics
        let start = Instant::now();
        // ANCHOR_END: metrics
        let method = http_attributes::method(request.method());
        let url = request.url();
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = i64::from(url.port_or_known_default().unwrap_or_default());

        // With room for what the answer adds.
        let mut about = Vec::with_capacity(8);
        about.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD, method));
        about.push(KeyValue::new(attribute::URL_FULL, http_attributes::url_full(url)));
        about.push(KeyValue::new(attribute::SERVER_ADDRESS, host));
        about.push(KeyValue::new(attribute::SERVER_PORT, port));
        // ANCHOR: metrics
        let mut labels = about.clone();
        labels.retain(|label| label.key.as_str() != attribute::URL_FULL);
        // ANCHOR_END: metrics
        let span = self
            .tracer
            .span_builder(http_attributes::span_name(method))
            .with_kind(SpanKind::Client)
            .with_attributes(about)
            .start(&self.tracer);
        let context = Context::current_with_span(span);
        // The span ends when the last holder of this context lets it go: after this function, or later where the caller
        // keeps the extensions until the body has been read.
        extensions.insert(context.clone());

        // The other side continues this trace: it learns the ids from the header `traceparent`.
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
        });

        let outcome = next.run(request, extensions).with_context(context.clone()).await;

        let mut about = Vec::with_capacity(3);
        if let Ok(response) = &outcome {
            let status = response.status().as_u16();
            about.push(KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
            about.push(http_attributes::protocol_version(response.version()));
        }
        if let Some(error_type) = error_type(&outcome) {
            about.push(KeyValue::new(attribute::ERROR_TYPE, error_type));
            context.span().set_status(Status::error(""));
            // ANCHOR: errors
            extensions.insert(MarkedAsFailed);
            // ANCHOR_END: errors
        }
        // ANCHOR: metrics
        labels.extend_from_slice(&about);
        super::http_metrics::client_request(start, &labels);
        // ANCHOR_END: metrics
        context.span().set_attributes(about);
        outcome
    }
}

// ANCHOR: errors
/// Records why a call failed on the span of that call.
pub fn record_failure(extensions: &Extensions, error: &crate::error::Error) {
    let Some(context) = extensions.get::<Context>() else {
        return;
    };
    if extensions.get::<MarkedAsFailed>().is_none() {
        // The answer's head was good, and then its body broke.
        context.span().set_attribute(KeyValue::new(attribute::ERROR_TYPE, error.kind().name()));
    }
    super::failures::record_on(context, error);
}
// ANCHOR_END: errors

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
// ANCHOR_END: client-spans

//! Client spans and metrics for reqwest, as a middleware of `reqwest-middleware`.
//!
//! ```
//! # use instrumentation::{Instrumentation, client::ClientMiddleware};
//! # let instrumentation = Instrumentation::new();
//! # let _ = rustls::crypto::ring::default_provider().install_default();
//! # let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
//! let client = reqwest_middleware::ClientBuilder::new(client)
//!     .with(ClientMiddleware::new(&instrumentation))
//!     .build();
//! ```
//!
//! For every call, the middleware
//! - makes a span of kind CLIENT, and propagates its ids (`traceparent`),
//! - keeps the span open until the response's body has been read or dropped,
//! - records `http.client.request.duration`,
//! - marks a call as failed if it gets no response, a status of 400 or above, or only half a body. The
//!   caller, who knows what that means, can record the reason: see [`CallSpan`].
//!
//! It follows <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span>. Add it as the
//! last middleware, so that a retry makes a span for each attempt.
//!
//! The Registry has two crates for the same purpose; `tests/registry` runs both and shows their faults.
//! `reqwest-tracing` 0.7 writes status and port as strings, leaves out `url.full` by default, and sends no
//! `traceparent` with OpenTelemetry 0.33. `tower-otel` 0.12 records all headers, and secrets in `url.full`.

mod body;
mod call;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::Injector;
use opentelemetry::trace::{FutureExt, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use opentelemetry_semantic_conventions::{attribute, metric};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next};
use url::Url;

use crate::http_semconv::{self, OTHER_METHOD, span_name};
use crate::{Instrumentation, Propagator};
use call::{Call, Metrics, Target};

pub use call::CallSpan;

/// Makes a client span and metrics for every call of a reqwest client.
pub struct ClientMiddleware {
    recorder: Option<Recorder>,
}

struct Recorder {
    tracer: SdkTracer,
    propagator: Option<Propagator>,
    metrics: Option<Arc<Metrics>>,
}

impl ClientMiddleware {
    /// Records with the providers of `instrumentation`. Without a tracer provider, the middleware passes
    /// calls through unchanged.
    pub fn new(instrumentation: &Instrumentation) -> Self {
        let description = "Duration of HTTP client requests.";
        let metrics = instrumentation
            .meter()
            .map(|meter| http_semconv::duration(meter, metric::HTTP_CLIENT_REQUEST_DURATION, description))
            .map(|duration| Arc::new(Metrics::new(duration)));
        let recorder = instrumentation.tracer().map(|tracer| Recorder {
            tracer: tracer.clone(),
            propagator: instrumentation.propagator.clone(),
            metrics,
        });
        Self { recorder }
    }
}

#[async_trait]
impl Middleware for ClientMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let Some(recorder) = &self.recorder else {
            return next.run(request, extensions).await;
        };
        let call = recorder.start(&request);
        if let Some(handle) = extensions.get::<CallSpan>() {
            handle.set(&call.context);
        }
        // The called service continues this trace. It must get the ids of the span that was just started, not
        // those of the current span, which would be the wrong parent.
        if let Some(propagator) = &recorder.propagator {
            propagator.inject_context(&call.context, &mut RequestHeaders(request.headers_mut()));
        }
        let outcome = next.run(request, extensions).with_context(call.context.clone()).await;
        match outcome {
            Ok(response) => Ok(body::until_read(response, call)),
            Err(error) => {
                call.failed_without_response(&error);
                Err(error)
            }
        }
    }
}

impl Recorder {
    fn start(&self, request: &Request) -> Call {
        let start = Instant::now();
        let method = http_semconv::method(request.method());
        let url = request.url();
        let target = Target {
            method,
            host: url.host_str().unwrap_or_default().trim_matches(['[', ']']).into(),
            port: url.port_or_known_default().unwrap_or_default(),
        };
        // The capacity includes the attributes of the response.
        let mut attributes = Vec::with_capacity(8);
        attributes.extend(target.attributes());
        attributes.push(KeyValue::new(attribute::URL_FULL, url_full(url)));
        if method == OTHER_METHOD {
            let method = request.method().as_str().to_owned();
            attributes.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD_ORIGINAL, method));
        }
        let span = self
            .tracer
            .span_builder(span_name(method))
            .with_kind(SpanKind::Client)
            .with_attributes(attributes)
            .start(&self.tracer);
        Call {
            context: Context::current_with_span(span),
            start,
            metrics: self.metrics.clone(),
            target,
            response: None,
            error_type: None,
        }
    }
}

/// The headers of a request, into which a propagator writes. Unlike the injector of `opentelemetry-http`, it
/// neither parses the name `traceparent` nor copies values.
struct RequestHeaders<'a>(&'a mut HeaderMap);

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

impl Injector for RequestHeaders<'_> {
    fn set(&mut self, name: &str, value: String) {
        let name = if name == TRACEPARENT { Ok(TRACEPARENT.clone()) } else { name.parse() };
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

/// `url.full`: without user and password, and without secrets in the query.
fn url_full(url: &Url) -> String {
    if url.username().is_empty() && url.password().is_none() && url.query().is_none() {
        return url.as_str().to_owned();
    }
    let mut public = url.clone();
    // Both calls fail only for URLs without a host, which no HTTP client can call.
    let _ = public.set_username("");
    let _ = public.set_password(None);
    let query = url.query().map(http_semconv::redacted_query);
    public.set_query(query.as_deref());
    public.into()
}

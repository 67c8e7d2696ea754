//! `--otlp`: a CLIENT span for each request, exported over OTLP; the target continues its trace.
//!
//! Without `--otlp` no `traceparent` is sent, because a parent that never arrives makes every trace look
//! incomplete.

mod delivery;

use std::env;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span, SpanKind, Status, Tracer, TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_resource_detectors::ServiceInstanceIdResourceDetector;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider};
use opentelemetry_semantic_conventions::attribute;
use url::{Host, Url};

pub use delivery::Delivery;

use crate::iteration::Failure;
use crate::target::Target;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Time to export the last spans.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Records the spans, and exports them from a separate thread.
#[derive(Debug, Clone)]
pub struct Spans {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    delivery: Arc<Delivery>,
}

/// The span of a running request.
#[derive(Debug)]
pub(crate) struct RequestSpan(opentelemetry_sdk::trace::Span);

impl Spans {
    /// Exports as the `OTEL_EXPORTER_OTLP_*` variables say, by default to `http://localhost:4318`. Must not
    /// be called in an async task.
    ///
    /// # Errors
    ///
    /// A variable has an invalid value.
    pub fn otlp() -> io::Result<Self> {
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            match env::var(name).as_deref() {
                Err(_) | Ok("" | "http/protobuf") => {}
                Ok(other) => {
                    let refused = format!("invalid value '{other}' for {name}: expected http/protobuf");
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, refused));
                }
            }
        }
        let client = http_client().map_err(io::Error::other)?;
        let exporter = SpanExporter::builder().with_http().with_http_client(client).build();
        let delivery = Arc::new(Delivery::default());
        let exporter = delivery::Counted::new(exporter.map_err(io::Error::other)?, &delivery);

        // The SDK's default queue loses spans at a few thousand per second. Its variables override these
        // values.
        let mut batching = BatchConfigBuilder::default();
        if env::var_os("OTEL_BSP_MAX_QUEUE_SIZE").is_none() {
            batching = batching.with_max_queue_size(16_384);
        }
        if env::var_os("OTEL_BSP_MAX_EXPORT_BATCH_SIZE").is_none() {
            batching = batching.with_max_export_batch_size(1024);
        }
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(batching.build()).build();
        let provider =
            SdkTracerProvider::builder().with_resource(resource()).with_span_processor(batches).build();
        Ok(Self { tracer: provider.tracer("loadtest"), provider, delivery })
    }

    /// The counts of exported spans.
    pub fn delivery(&self) -> Arc<Delivery> {
        Arc::clone(&self.delivery)
    }

    /// Exports the remaining spans. Blocks for at most 5 s.
    pub fn flush(&self) {
        // The counts of `Delivery` show whether it succeeded.
        drop(self.provider.shutdown_with_timeout(FLUSH_TIMEOUT));
    }

    pub(crate) fn start(&self, target: &Target) -> RequestSpan {
        let url = target.url();
        // For a method that the conventions do not know, the attribute is `_OTHER` and the name of the span
        // is `HTTP`.
        let known = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
        let method = known.into_iter().find(|known| target.method() == known);
        // The capacity includes the attributes of the response.
        let mut attributes = Vec::with_capacity(7);
        attributes.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD, method.unwrap_or("_OTHER")));
        attributes.push(KeyValue::new(attribute::URL_FULL, target.public_url().to_owned()));
        attributes
            .push(KeyValue::new(attribute::SERVER_ADDRESS, url.host_str().unwrap_or_default().to_owned()));
        attributes.push(KeyValue::new(
            attribute::SERVER_PORT,
            i64::from(url.port_or_known_default().unwrap_or_default()),
        ));
        if method.is_none() {
            attributes.push(KeyValue::new(
                attribute::HTTP_REQUEST_METHOD_ORIGINAL,
                target.method().as_str().to_owned(),
            ));
        }
        let span = self.tracer.span_builder(method.unwrap_or("HTTP")).with_kind(SpanKind::Client);
        let span = span.with_attributes(attributes).start(&self.tracer);
        // A span that the sampler drops is not exported, but does not count as lost.
        if span.is_recording() {
            self.delivery.started();
        }
        RequestSpan(span)
    }
}

impl RequestSpan {
    /// The header that lets the target continue the trace:
    /// <https://www.w3.org/TR/trace-context/#traceparent-header>.
    pub(crate) fn traceparent(&self) -> Option<(HeaderName, HeaderValue)> {
        let context = self.0.span_context();
        let value =
            format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8());
        Some((TRACEPARENT, HeaderValue::try_from(value).ok()?))
    }

    pub(crate) fn end(mut self, outcome: &Result<StatusCode, Failure>) {
        let error_type = match outcome {
            Ok(status) => {
                let status = status.as_u16();
                self.0.set_attribute(KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
                self.0.set_attribute(KeyValue::new(attribute::NETWORK_PROTOCOL_VERSION, "1.1"));
                (status >= 400).then(|| status.to_string())
            }
            Err(failure) => Some(failure.error_type.to_owned()),
        };
        if let Some(error_type) = error_type {
            self.0.set_attribute(KeyValue::new(attribute::ERROR_TYPE, error_type));
            let message = outcome.as_ref().err().map_or("", |failure| &failure.message);
            self.0.set_status(Status::error(message.to_owned()));
        }
        self.0.end();
    }
}

/// A collector on this machine is reached directly, even if the environment names a proxy.
fn http_client() -> reqwest::Result<reqwest::blocking::Client> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let endpoint = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or(variable("OTEL_EXPORTER_OTLP_ENDPOINT"));
    let is_loopback = match endpoint.and_then(|endpoint| Url::parse(&endpoint).ok()) {
        Some(endpoint) => match endpoint.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        },
        // The default is http://localhost:4318.
        None => true,
    };
    let client = reqwest::blocking::Client::builder();
    if is_loopback { client.no_proxy().build() } else { client.build() }
}

fn resource() -> Resource {
    let name = env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    Resource::builder()
        .with_detector(Box::new(ServiceInstanceIdResourceDetector))
        .with_attribute(KeyValue::new(attribute::SERVICE_VERSION, env!("CARGO_PKG_VERSION")))
        .with_service_name(name.unwrap_or_else(|| "loadtest".to_owned()))
        .build()
}

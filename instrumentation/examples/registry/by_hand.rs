//! Code that has to be added to the crates of the Registry.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::http::{Extensions, Response as HttpResponse, Uri, Version, header::HOST};
use axum::{middleware::Next, response::Response};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, Stream};
use reqwest_middleware::{Middleware, Next as Rest};
use reqwest_tracing::ReqwestOtelSpanBackend;
use tracing::{Instrument as _, Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// opentelemetry-resource-detectors uses Rust's names of architectures.
pub fn host_arch() -> KeyValue {
    KeyValue::new("host.arch", if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" })
}

/// opentelemetry-instrumentation-process has five gauges that are counters or up-down counters in the
/// conventions. A view can only drop them.
pub fn without_wrong_instruments(instrument: &Instrument) -> Option<Stream> {
    let right = ["process.cpu.time", "process.disk.io"].contains(&instrument.name());
    let wrong = instrument.name().starts_with("process.") && !right;
    wrong.then(|| Stream::builder().with_aggregation(Aggregation::Drop).build().ok()).flatten()
}

/// tracing-opentelemetry adds threads, busy time, levels and paths of the build machine to every span.
pub fn lean<S, T>(spans: OpenTelemetryLayer<S, T>) -> OpenTelemetryLayer<S, T>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    T: opentelemetry::trace::Tracer + 'static,
    T::Span: Send + Sync,
{
    let spans = spans.with_location(false).with_threads(false).with_tracked_inactivity(false);
    spans.with_level(false).with_target(false)
}

/// opentelemetry-appender-tracing also takes what the exporter's HTTP client logs: each export would cause
/// the next one.
pub fn without_exporter(level: LevelFilter) -> Targets {
    let exporter = ["hyper_util", "opentelemetry", "reqwest"].map(|target| (target, LevelFilter::OFF));
    Targets::new().with_default(level).with_targets(exporter)
}

/// opentelemetry-instrumentation-tower takes `url.scheme` from the request's target, which has none in
/// HTTP/1.1.
pub async fn set_scheme<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    let host = request.headers().get(HOST).map(|host| host.as_bytes().to_vec());
    if let (Some(host), Some(path)) = (host, request.uri().path_and_query())
        && let Ok(uri) = Uri::builder().scheme("http").authority(host).path_and_query(path.clone()).build()
    {
        *request.uri_mut() = uri;
    }
    request
}

/// Attributes that opentelemetry-instrumentation-tower does not set. They are set here and not by its request
/// extractor, because that puts them on its metrics too, with a series for each caller.
pub async fn complete_server_span(peer: ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    let context = Context::current();
    let span = context.span();
    span.set_attribute(KeyValue::new("client.address", peer.ip().to_string()));
    span.set_attribute(KeyValue::new("network.protocol.version", number(request.version())));
    if let Some(host) = request.uri().host() {
        span.set_attribute(KeyValue::new("server.address", host.to_owned()));
        let port = request.uri().port_u16().unwrap_or(80);
        span.set_attribute(KeyValue::new("server.port", i64::from(port)));
    }
    next.run(request).await
}

/// The version as the conventions write it: `1.1` and `2`.
fn number(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// The same crate does not set `error.type`; its response extractor can add it to span and metrics.
pub fn error_type<B>(response: &HttpResponse<B>) -> Vec<KeyValue> {
    let status = response.status();
    let failed = status.is_server_error().then(|| KeyValue::new("error.type", status.as_str().to_owned()));
    failed.into_iter().collect()
}

/// reqwest-tracing records numbers as strings and no URL by default, so this replaces its whole span. The
/// query of the URL is left out, because it may contain secrets.
pub struct ClientSpan;

impl ReqwestOtelSpanBackend for ClientSpan {
    fn on_request_start(request: &reqwest::Request, _: &mut Extensions) -> Span {
        let (method, mut url) = (request.method().as_str(), request.url().clone());
        url.set_query(None);
        let (host, port) = (url.host_str(), url.port_or_known_default().map(i64::from));
        info_span!("HTTP", otel.name = method, otel.kind = "client", http.request.method = method, url.full = %url,
            server.address = host, server.port = port, http.response.status_code = Empty,
            network.protocol.version = Empty, otel.status_code = Empty, "error.type" = Empty)
    }

    fn on_request_end(
        span: &Span,
        outcome: &reqwest_middleware::Result<reqwest::Response>,
        _: &mut Extensions,
    ) {
        if let Ok(response) = outcome {
            span.record("http.response.status_code", i64::from(response.status().as_u16()));
            span.record("network.protocol.version", number(response.version()));
        }
        let status = outcome.as_ref().map(reqwest::Response::status).ok();
        if status.is_none_or(|status| status.as_u16() >= 400) {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", status.as_ref().map_or("_OTHER", |status| status.as_str()));
        }
    }
}

/// reqwest-tracing only sends `traceparent` with OpenTelemetry up to 0.32.
pub struct Traceparent;

#[async_trait::async_trait]
impl Middleware for Traceparent {
    async fn handle(
        &self,
        mut request: reqwest::Request,
        extensions: &mut Extensions,
        next: Rest<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&Context::current(), &mut HeaderInjector(request.headers_mut()));
        });
        next.run(request, extensions).await
    }
}

/// No crate of the Registry instruments sqlx 0.9 with OpenTelemetry 0.33, so each query gets its span here.
pub async fn sqlite_version(pool: &sqlx::SqlitePool) -> sqlx::Result<String> {
    const QUERY: &str = "SELECT sqlite_version()";
    let span = info_span!(
        "SELECT",
        otel.kind = "client",
        db.system.name = "sqlite",
        db.operation.name = "SELECT",
        db.query.text = QUERY,
        otel.status_code = Empty,
        "error.type" = Empty
    );
    let found = sqlx::query_scalar(QUERY).fetch_one(pool).instrument(span.clone()).await;
    if found.is_err() {
        span.record("otel.status_code", "ERROR").record("error.type", "_OTHER");
    }
    found
}

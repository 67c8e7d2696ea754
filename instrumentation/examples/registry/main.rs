//! A whole service instrumented with crates of the OpenTelemetry Registry instead of this one.
//!
//! `PORT=8080 cargo run -p handson-instrumentation --example registry`, then `curl localhost:8080/hello`. The
//! `OTEL_*` variables set the destination of the telemetry. `by_hand.rs` contains what has to be added so
//! that the telemetry follows the semantic conventions; `REGISTRY.md` lists what cannot be added from
//! outside.

mod by_hand;

use std::{env, error::Error, future::Future, net::SocketAddr};

use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::{from_fn, map_request};
use axum::{Router, routing::get};
use opentelemetry::{KeyValue, global, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_resource_detectors::{HostResourceDetector, OsResourceDetector};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::{Resource, logs::SdkLoggerProvider, trace::SdkTracerProvider};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_tracing::TracingMiddleware;
use tower::{ServiceBuilder, ServiceExt};
use tower_otel::metrics::HttpLayer;
use tracing_subscriber::{filter::LevelFilter, prelude::*};

type Fallible<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Clone)]
struct App {
    client: ClientWithMiddleware,
    client_metrics: HttpLayer,
    pool: sqlx::SqlitePool,
    stock_url: String,
}

fn main() -> Fallible {
    // reqwest is built without a TLS provider. This fails if one is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // The exporters' HTTP client is blocking, so it must be built outside of tokio's threads.
    let shutdown = install_telemetry()?;
    let served = tokio::runtime::Runtime::new()?.block_on(serve());
    shutdown()?;
    served
}

/// Installs the three signals. The returned function exports what is still queued.
fn install_telemetry() -> Fallible<impl FnOnce() -> Fallible> {
    let resource = Resource::builder()
        .with_detectors(&[Box::new(HostResourceDetector::default()), Box::new(OsResourceDetector)])
        .with_attribute(by_hand::host_arch())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let exporter = SpanExporter::builder().with_http().build()?;
    let traces =
        SdkTracerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build();
    let exporter = LogExporter::builder().with_http().build()?;
    let logs =
        SdkLoggerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build();
    let exporter = MetricExporter::builder().with_http().build()?;
    let metrics = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_periodic_exporter(exporter)
        .with_view(by_hand::without_wrong_instruments)
        .build();
    // Most crates of the Registry take the providers and the propagator from the globals.
    global::set_tracer_provider(traces.clone());
    global::set_meter_provider(metrics.clone());
    global::set_text_map_propagator(TraceContextPropagator::new());
    opentelemetry_instrumentation_process::init()?;

    let spans = by_hand::lean(tracing_opentelemetry::layer().with_tracer(traces.tracer("registry")));
    let records =
        OpenTelemetryTracingBridge::new(&logs).with_filter(by_hand::without_exporter(LevelFilter::INFO));
    tracing_subscriber::registry()
        .with(spans.with_filter(LevelFilter::INFO))
        .with(records)
        .with(tracing_subscriber::fmt::layer().with_ansi(false).with_filter(LevelFilter::INFO))
        .try_init()?;
    Ok(move || Ok(traces.shutdown().and(metrics.shutdown()).and(logs.shutdown())?))
}

async fn serve() -> Fallible {
    let port = env::var("PORT").map_or(Ok(0), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    // A proxy from the environment cannot reach the loopback address of this machine.
    let client = ClientBuilder::new(reqwest::Client::builder().no_proxy().build()?);
    let app = App {
        client: client
            .with(TracingMiddleware::<by_hand::ClientSpan>::new())
            .with(by_hand::Traceparent)
            .build(),
        client_metrics: HttpLayer::client(&global::meter("registry")),
        pool: sqlx::SqlitePool::connect("sqlite::memory:").await?,
        stock_url: format!("http://{address}/stock"),
    };
    let server = LayerBuilder::builder().with_response_extractor_fn(by_hand::error_type).build()?;
    let router = Router::new()
        .route("/hello", get(hello))
        .route("/stock", get(async || "42"))
        // The layer that is added last runs first: the Registry's layer needs the scheme, and makes the span
        // for the other one.
        .layer(from_fn(by_hand::complete_server_span))
        .layer(server)
        .layer(map_request(by_hand::set_scheme))
        .with_state(app);
    // Each event has a name, because the bridge would otherwise use its location in the source as the name.
    tracing::info!(name: "registry.listening", "listening on http://{address}");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, service).with_graceful_shutdown(signal()?).await?)
}

/// Completes at Ctrl-C or SIGTERM.
fn signal() -> Fallible<impl Future<Output = ()>> {
    use tokio::signal::{ctrl_c, unix};
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = ctrl_c() => {} }
    })
}

/// Calls the other service, then queries the database.
async fn hello(State(app): State<App>) -> Result<String, StatusCode> {
    let answer = async {
        let request = app.client.get(&app.stock_url).build()?;
        // tower-otel uses the text of an error as `error.type`, so it must be short.
        let client =
            ServiceBuilder::new().layer(app.client_metrics).map_err(|_| "_OTHER").service(app.client);
        let stock = client.oneshot(request).await?.text().await?;
        let version = by_hand::sqlite_version(&app.pool).await?;
        Fallible::Ok(format!("{stock} in stock, by SQLite {version}\n"))
    };
    answer.await.map_err(|error| {
        tracing::error!(name: "registry.failed", { exception.message = %error }, "the request failed");
        StatusCode::INTERNAL_SERVER_ERROR
    })
}

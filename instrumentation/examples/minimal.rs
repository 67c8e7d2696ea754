//! All three signals: `PORT=8080 cargo run -p handson-instrumentation --example minimal`; then call `/hello`.

use axum::{Router, http::StatusCode, routing::get};
use instrumentation::{Identity, Instrumentation, database::Pool, delivery::Delivery, identity::detectors};
use instrumentation::{json_lines, log_records, otlp, server::ServerLayer, settings::Settings, spans};
use opentelemetry_sdk::{Resource, logs, metrics, trace};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware as Client};
use tracing_subscriber::{filter::LevelFilter, fmt, prelude::*, registry};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let variable = |name, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let (settings, version) = (Settings::from_env()?, env!("CARGO_PKG_VERSION"));
    let identity = Identity::new(variable("OTEL_SERVICE_NAME", "minimal"), version, "development");
    let resource = Resource::builder().with_detectors(&detectors()).with_attributes(identity.attributes());
    let resource = resource.with_service_name(identity.service.clone()).build();
    let delivery = Delivery::new(&settings);
    let exporters = otlp::Exporters::new(&settings, &delivery)?;
    let metrics = metrics::SdkMeterProvider::builder().with_resource(resource.clone());
    let metrics = metrics.with_periodic_exporter(exporters.metrics()?).build();
    let logs = logs::SdkLoggerProvider::builder().with_resource(resource.clone());
    let logs = logs.with_log_processor(exporters.log_processor()?).build();
    let traces = trace::SdkTracerProvider::builder().with_resource(resource);
    let traces = traces.with_span_processor(exporters.span_processor()?).build();
    let layers = Instrumentation::new().with_tracer_provider(&traces).with_meter_provider(&metrics);
    let layers = layers.with_propagator(settings.propagator());
    let lines = fmt::layer().event_format(json_lines::JsonLines::new(&identity).with_span_ids());
    let subscriber = registry().with(LevelFilter::INFO).with(log_records::layer(&logs, "info".parse()?));
    subscriber.with(lines).with(spans::layer(&traces, "minimal", version)).try_init()?;
    delivery.watch();
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", variable("PORT", "0"))).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tracing::info!(name: "minimal.listening", "listening on {url}");
    let client = ClientBuilder::new(reqwest::Client::builder().no_proxy().build()?);
    let client = client.with(instrumentation::client::ClientMiddleware::new(&layers)).build();
    let pool = Pool::new(sqlx::SqlitePool::connect("sqlite::memory:").await?, &layers);
    let hello = move || hello(client.clone(), pool.clone(), format!("{url}/stock"));
    let router = Router::new().route("/hello", get(hello)).route("/stock", get(async || "42"));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let stop = async move { tokio::select!(_ = terminate.recv() => {}, _ = tokio::signal::ctrl_c() => {}) };
    axum::serve(listener, router.layer(ServerLayer::new(&layers))).with_graceful_shutdown(stop).await?;
    // Metrics are exported last, because they count the exports of the other signals.
    let sent = traces.shutdown().and(logs.shutdown()).and(metrics.shutdown());
    delivery.report_the_end();
    Ok(sent?)
}

#[tracing::instrument(name = "minimal.hello", skip_all)]
async fn hello(client: Client, pool: Pool<sqlx::Sqlite>, url: String) -> Result<String, StatusCode> {
    let stock = client.get(url).send().await.map_err(failed)?.text().await.map_err(failed)?;
    sqlx::query("SELECT 1").execute(&pool).await.map_err(failed)?;
    tracing::info!(name: "minimal.answered", "{stock} in stock");
    Ok(format!("{stock} in stock\n"))
}

fn failed(error: impl std::error::Error) -> StatusCode {
    tracing::error!(name: "minimal.failed", { exception.message = %error }, "the request failed");
    StatusCode::INTERNAL_SERVER_ERROR
}

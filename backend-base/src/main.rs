//! Assembles the program, in the order in which its parts start: options, telemetry, service. They end in
//! reverse order.

use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use handson::config::{Command, Options, Service, Setup};
use handson::db::{self, Database};
use handson::error::{Error, ErrorKind, OrFail};
use handson::fault_injector::FaultInjector;
use handson::handson::Handson;
use handson::httpbin::{self, Httpbin};
use handson::identity::{self, VERSION};
use handson::telemetry::{self, Telemetry};
use handson::{app, healthcheck, panics, server, shutdown, stand_in};
use instrumentation::settings::{Settings, masked};
use reqwest_middleware::ClientBuilder;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Half of the cost of telemetry is memory that is allocated in one thread and freed in another. jemalloc is
/// better at that than most default allocators. It is optional, because building it needs `make`.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let (options, settings) = match Options::read() {
        Ok(read) => read,
        Err(status) => return status,
    };
    start(options, settings).unwrap_or_else(|error| {
        // Errors before logging was started.
        eprintln!("handson: {error:#}");
        ExitCode::FAILURE
    })
}

fn start(options: Options, settings: Settings) -> anyhow::Result<ExitCode> {
    // For https, both to httpbin and to a collector. This fails if a provider is already installed, which is
    // fine.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let runtime = Runtime::new()?;
    if let Some(Command::Healthcheck) = options.command {
        runtime.block_on(healthcheck::request(&options.address))?;
        return Ok(ExitCode::SUCCESS);
    }

    let name = options.process.otel_service_name.as_deref();
    let name = match options.command {
        Some(Command::Httpbin { .. }) => name.unwrap_or("httpbin").to_owned(),
        _ => identity::service_name(name, options.service.backend_name()),
    };
    let identity = identity::for_service(&name, options.process.environment.as_str());
    let setup = Setup { settings, process: options.process.clone(), identity };
    let telemetry = {
        let _entered = runtime.enter();
        telemetry::start(&setup)?
    };
    panics::log_panics();

    let outcome = runtime.block_on(async {
        match &options.command {
            Some(Command::Httpbin { port, delay }) => {
                serve_httpbin(*port, delay.clone(), &options, &telemetry).await
            }
            _ => serve_handson(&options, name, &telemetry).await,
        }
    });
    if let Err(error) = &outcome {
        error.log();
    }
    // No request is running any more, so telemetry is flushed now. The runtime must still run, because gRPC
    // sends from it.
    telemetry.flush();
    runtime.shutdown_background();
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Serves `/handson` until a signal ends it.
async fn serve_handson(options: &Options, name: String, telemetry: &Telemetry) -> Result<(), Error> {
    let listener = server::listen(options.address.host, options.address.port).await?;
    let Service { httpbin_timeout, request_timeout, random_error_rate, random_seed, .. } = options.service;
    let url = match &options.service.httpbin_url {
        Some(url) => url.clone(),
        None => stand_in::embed().await?,
    };

    let client = ClientBuilder::new(httpbin::client(&url, httpbin_timeout)?);
    // TODO client-spans: add the middleware that gives each call a span and sends its ids along.

    let database = &options.service.database_url;
    let pool = db::connect(database.clone()).await?;
    // TODO db-spans: wrap the pool.

    let handson = Handson {
        name,
        httpbin: Httpbin::new(client.build(), &url),
        database: Database::new(pool),
        fault_injector: FaultInjector::new(random_error_rate, random_seed),
    };
    let router = app::router(handson, request_timeout);
    // TODO server-spans: add the layer that gives each request a span.

    serve(listener, router, options, telemetry, Some(masked(&url))).await
}

/// Serves a local httpbin, as a separate service with its own spans, until a signal ends it.
async fn serve_httpbin(
    port: u16,
    delay: RangeInclusive<Duration>,
    options: &Options,
    telemetry: &Telemetry,
) -> Result<(), Error> {
    let listener = server::listen(options.address.host, port).await?;
    let router = stand_in::router(delay);
    // TODO server-spans: add the layer here, too.

    serve(listener, router, options, telemetry, None).await
}

/// Writes the start-up line, and serves until a signal ends it.
async fn serve(
    listener: TcpListener,
    router: Router,
    options: &Options,
    telemetry: &Telemetry,
    httpbin: Option<String>,
) -> Result<(), Error> {
    let stop = shutdown::signal().or_fail(ErrorKind::StartError, "waiting for signals")?;
    let address = listener.local_addr().or_fail(ErrorKind::StartError, "reading the port")?;
    tracing::info!(
        name: "handson.started",
        {
            server.address = %address.ip(),
            server.port = address.port(),
            handson.telemetry = telemetry.destination,
            handson.httpbin.url = httpbin,
        },
        "handson {VERSION} listens on http://{address}",
    );
    let router = healthcheck::route(router);
    server::serve(listener, router, stop, options.process.grace_period)
        .await
        .or_fail(ErrorKind::StartError, "serving")
}

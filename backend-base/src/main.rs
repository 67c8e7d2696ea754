//! Puts the parts together, in the order in which they start: options, telemetry, service. They end the other way round.

use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use handson::app::{self, App};
use handson::config::{Command, Options};
use handson::db::Database;
use handson::error::{Error, ErrorKind, OrFail};
use handson::httpbin::Httpbin;
use handson::identity::{Identity, VERSION};
use handson::random_error::RandomError;
use handson::telemetry;
use handson::telemetry::settings::Settings;
use handson::{healthcheck, panics, server, shutdown, stand_in};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Half of what telemetry costs is memory, allocated in one thread and freed in another, which jemalloc does better than
/// most systems' own allocators. Not by default, as building it takes `make`.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match start() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("handson: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong before there was a log, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn start() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (options, settings) = match Options::read().and_then(|options| Ok((options, Settings::read()?))) {
        Ok(read) => read,
        Err(refusal) => return Ok(refusal.tell()),
    };
    // For https, of httpbin as of a collector. It fails where a provider is installed already, which would do as well.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let runtime = Runtime::new()?;
    if let Some(Command::Healthcheck) = options.command {
        return Ok(match runtime.block_on(healthcheck::ask(&options.address)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        });
    }

    let identity = identity(&options);
    let entered = runtime.enter();
    let telemetry = telemetry::start(&settings, &options.process, &identity)?;
    drop(entered);
    panics::log_panics();

    let outcome = runtime.block_on(run(options, identity, &telemetry.destination));
    if let Err(error) = &outcome {
        error.log();
    }
    // Requests are over, telemetry flushes last; the runtime still runs, for gRPC sends from it.
    telemetry.flush();
    runtime.shutdown_background();
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn identity(options: &Options) -> Identity {
    let named = options.process.otel_service_name.as_deref();
    let environment = options.process.environment;
    match options.command {
        Some(Command::Httpbin { .. }) => Identity::new(named, None, "httpbin", environment),
        _ => Identity::new(named, options.service.backend_name(), "handson", environment),
    }
}

async fn run(options: Options, identity: Identity, telemetry: &str) -> Result<(), Error> {
    let stop = shutdown::asked_to_stop().or_fail(ErrorKind::StartError, "waiting for signals")?;
    let grace_period = options.process.grace_period;
    let host = options.address.host;

    let (listener, router, upstream) = match options.command {
        Some(Command::Httpbin { port, delay }) => {
            let router = stand_in::router(delay);
            // TODO server-spans: the stand-in alone is a service of its own, with spans of its own.
            let router = router.route("/healthz", get(|| async { "ok" }));
            (server::listen(host, port).await?, router, None)
        }
        _ => {
            let listener = server::listen(host, options.address.port).await?;
            let (router, upstream) = service(options.service, identity).await?;
            (listener, router, Some(upstream))
        }
    };

    announce(&listener, telemetry, upstream.as_deref())?;
    server::serve(listener, router, stop, grace_period).await.or_fail(ErrorKind::StartError, "serving")
}

/// The service, and the address of the httpbin that it calls.
async fn service(options: handson::config::Service, identity: Identity) -> Result<(Router, String), Error> {
    let httpbin = match options.httpbin_url {
        Some(url) => url,
        None => stand_in::embed().await?,
    };
    // Without user and password.
    let upstream = httpbin.origin().ascii_serialization();
    let app = App {
        name: identity.service,
        httpbin: Httpbin::new(httpbin, options.httpbin_timeout)?,
        database: Database::open(options.database_url).await?,
        random_error: RandomError::new(options.random_error_rate, options.random_seed),
    };
    Ok((app::router(app, options.request_timeout), upstream))
}

/// The one line of the start: version, address, where telemetry goes and which httpbin is called.
fn announce(listener: &TcpListener, telemetry: &str, upstream: Option<&str>) -> Result<(), Error> {
    let address = listener.local_addr().or_fail(ErrorKind::StartError, "asking for the port")?;
    tracing::info!(
        name: "handson.started",
        {
            server.address = %address.ip(),
            server.port = address.port(),
            handson.telemetry = telemetry,
            handson.httpbin.url = upstream,
        },
        "handson {VERSION} listens on http://{address}",
    );
    Ok(())
}

//! Builds a backend, starts it, sends requests to it, and stops it. Everything that this shows is the
//! [`Evidence`].
//!
//! There are three runs: a calm one, one with random errors, and one with unusual requests. Everything that
//! the program connects to is in this process: the stand-in for httpbin, and the OTLP receiver.

mod backend;
mod build;
mod database;
mod delivery;
mod error;
mod httpbin;
mod interrupt;
mod lines;
mod program;
mod requests;
mod service;
mod stop;
mod unusual;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::datadog::TraceAgent;
use crate::evidence::{Backend, DatadogRun, Evidence, Run};
use database::DatabaseFile;
use httpbin::Httpbin;
use otlp::Receiver;
use otlp::model::now;
use requests::Plan;
use service::Service;

pub use backend::{backend, command_backend};
pub(crate) use build::cargo_build;
pub use build::{Built, build, build_package};
pub use delivery::gather_delivery;
pub use error::RunError;
pub use interrupt::unless_interrupted;
pub use program::{CommandLine, Program};
pub(crate) use service::client;
pub(crate) use stop::{is_open, stop_command};

/// Time for all three runs together, without the starts, which have their own limit.
const RUNS_TIMEOUT: Duration = Duration::from_secs(55);
/// `OTEL_METRIC_EXPORT_INTERVAL` of the run with unusual requests, in milliseconds: metrics are exported
/// during a request.
const METRIC_EXPORT_INTERVAL: &str = "100";
/// Time between the last response and SIGTERM.
const PAUSE_BEFORE_SIGTERM: Duration = Duration::from_millis(30);

/// Runs `program` three times, and records its responses, log lines and telemetry.
///
/// # Errors
///
/// The program does not start, does not listen on its port, or writes too much output.
pub async fn gather(backend: &Backend, program: &Program) -> Result<Evidence, RunError> {
    let mut left = RUNS_TIMEOUT;
    Ok(Evidence {
        backend: backend.clone(),
        calm: run(backend, program, Requests::Planned(&requests::CALM), &mut left).await?,
        errors: run(backend, program, Requests::Planned(&requests::ERRORS), &mut left).await?,
        unusual: run(backend, program, Requests::Unusual, &mut left).await?,
        datadog: None,
        delivery: None,
    })
}

/// Builds the package in `folder` with the feature `datadog`, and runs it once with a trace agent.
///
/// # Errors
///
/// The package does not build, the program does not start, or the run takes too long.
pub async fn gather_datadog(backend: &Backend, folder: &Path) -> Result<DatadogRun, RunError> {
    let built = build_package(folder, &["--features", "datadog"]).await?;
    // A build without the feature writes to the same path. It must exist again for the next start, so this
    // one is copied.
    let executable = built.executable.with_extension("datadog");
    std::fs::copy(&built.executable, &executable)?;
    let program = Program::Executable(executable);
    build(folder).await?;

    let agent = TraceAgent::start().await?;
    let run = async {
        let receiver = Receiver::start().await?;
        let httpbin = Httpbin::start()?;
        let plan = &requests::CALM;
        let (url, collector, agent) = (httpbin.url(), receiver.endpoint(), agent.url());
        let agent = [("DD_TRACE_AGENT_URL", agent.as_str())];
        let mut service = Service::start(backend, &program, plan.error_rate, &url, collector, &agent).await?;
        let exchanges = requests::send(plan, service.client(), service.port(), &httpbin, async {}).await;
        service.end().await;
        Ok(exchanges)
    };
    let exchanges =
        tokio::time::timeout(RUNS_TIMEOUT, run).await.unwrap_or(Err(RunError::TakesTooLong(RUNS_TIMEOUT)));
    Ok(DatadogRun { exchanges: exchanges?, agent: agent.take() })
}

/// What a run sends.
enum Requests {
    /// Requests to `/handson` and `/healthz`; the plan has their numbers.
    Planned(&'static Plan),
    /// One request for each of [`crate::evidence::Unusual::ALL`].
    Unusual,
}

/// One run. Its time after the start is taken from `left`.
async fn run(
    backend: &Backend,
    program: &Program,
    requests: Requests,
    left: &mut Duration,
) -> Result<Run, RunError> {
    let error_rate = match requests {
        Requests::Planned(plan) => plan.error_rate,
        Requests::Unusual => 0.0,
    };
    let receiver = Receiver::start().await?;
    let mut httpbin = Httpbin::start()?;
    let mut database = DatabaseFile::reserve()?;
    let started = now();
    let database_url = database.url();
    let mut variables = vec![("DATABASE_URL", database_url.as_str())];
    if let Requests::Unusual = requests {
        variables.push(("OTEL_METRIC_EXPORT_INTERVAL", METRIC_EXPORT_INTERVAL));
    }
    let mut service =
        Service::start(backend, program, error_rate, &httpbin.url(), receiver.endpoint(), &variables).await?;
    database.rename_user().await;
    let user_name = database.user_name();

    let began = Instant::now();
    let requests = async {
        match requests {
            Requests::Planned(plan) => {
                let rename_again = database.rename_user();
                let exchanges =
                    requests::send(plan, service.client(), service.port(), &httpbin, rename_again).await;
                // Log lines of the shutdown then have clearly later timestamps than those of the requests.
                tokio::time::sleep(PAUSE_BEFORE_SIGTERM).await;
                (exchanges, service.end().await)
            }
            Requests::Unusual => unusual::send(&mut service, &mut httpbin, &database).await,
        }
    };
    // If time runs out, the service is dropped, and its processes are killed.
    let Ok((exchanges, end)) = tokio::time::timeout(*left, requests).await else {
        return Err(RunError::TakesTooLong(RUNS_TIMEOUT));
    };
    *left = left.saturating_sub(began.elapsed());
    if end.flooded {
        return Err(RunError::FloodsLog);
    }
    let received = receiver.take();
    if received.is_incomplete {
        return Err(RunError::FloodsTelemetry);
    }
    Ok(Run {
        error_rate,
        port: service.port(),
        httpbin_port: httpbin.port(),
        collector_port: receiver
            .endpoint()
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .unwrap_or_default(),
        database: database.evidence(user_name),
        started,
        ended: now(),
        exchanges,
        upstream: httpbin.calls(),
        stdout: end.stdout,
        stderr: end.stderr,
        telemetry: received.accepted,
        exports: received.requests,
        ending: end.ending,
    })
}

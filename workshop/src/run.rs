//! Builds a backend, starts it, sends it requests, and ends it. What is learnt on the way is the [`Evidence`].
//!
//! Two runs: a calm one, and one at an error rate. In both the program's environment holds nothing but what is set here,
//! and all that it talks to is in this process: the stand-in for httpbin, and the OTLP receiver.

mod backend;
mod build;
mod httpbin;
mod interrupt;
mod lines;
mod requests;
mod service;
mod trouble;

use std::path::Path;
use std::time::Duration;

use crate::evidence::{Backend, Evidence, Run};
use crate::otlp::Receiver;
use httpbin::Httpbin;
use requests::Plan;
use service::Service;

pub use backend::backend;
pub use build::{Built, build, build_package};
pub use interrupt::{interrupted, unless_interrupted};
pub use trouble::Trouble;

/// Time for both runs; a verdict comes at the latest then.
const LIMIT: Duration = Duration::from_secs(55);

/// Runs `executable` twice, and gathers what it answers, logs and sends.
///
/// # Errors
///
/// Where there is nothing to judge: it does not start, listens elsewhere, or floods what takes its output.
pub async fn gather(backend: &Backend, executable: &Path) -> Result<Evidence, Trouble> {
    let runs = async {
        Ok(Evidence {
            backend: backend.clone(),
            calm: run(backend, executable, &requests::CALM).await?,
            errors: run(backend, executable, &requests::ERRORS).await?,
        })
    };
    // Where time runs out, the services are dropped with the future, and with them their processes.
    tokio::time::timeout(LIMIT, runs).await.unwrap_or(Err(Trouble::TakesTooLong(LIMIT)))
}

async fn run(backend: &Backend, executable: &Path, plan: &Plan) -> Result<Run, Trouble> {
    let receiver = Receiver::start().await.map_err(Trouble::of_this_machine)?;
    let httpbin = Httpbin::start().await.map_err(Trouble::of_this_machine)?;
    let mut service =
        Service::start(backend, executable, plan.error_rate, &httpbin.url(), receiver.endpoint()).await?;

    let exchanges = requests::send(plan, service.client(), service.port(), &httpbin).await;
    let end = service.end().await;
    if end.flooded {
        return Err(Trouble::FloodsLog);
    }
    if receiver.flooded() {
        return Err(Trouble::FloodsTelemetry);
    }
    Ok(Run {
        error_rate: plan.error_rate,
        exchanges,
        upstream: httpbin.calls(),
        stdout: end.stdout,
        stderr: end.stderr,
        telemetry: receiver.take(),
        ending: end.ending,
    })
}

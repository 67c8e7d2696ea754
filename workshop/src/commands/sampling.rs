//! `sampling`: judges the configuration of a Collector by what it keeps of traces that are known.

mod collector;
mod configuration;
mod judge;
mod load;
mod span_metrics;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use otlp::{Received, Receiver};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::repository::{Repository, environment_language};
use super::{fail, print};
use crate::run::{self, RunError};
use crate::steps::Lang;
use crate::verdict::Expectation;
use crate::{report, text};
use collector::Collector;
use configuration::Configuration;
use judge::Judge;
use load::{FAILED, LATE_AFTER, Load, SLOW, TRACES};

/// From the moment at which metrics are due to their arrival here.
const METRICS_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The Collector: a name on the PATH, or a path; otelcol-contrib has all components
    #[arg(long, env = "OTELCOL", value_name = "PROGRAM", default_value = "otelcol-contrib")]
    collector: PathBuf,
    /// Its configuration
    #[arg(long, value_name = "FILE", default_value = "sampling.yaml")]
    config: PathBuf,
    /// Seed of ids and durations of the traces
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn sampling(options: &Options, lang: Option<Lang>) -> Result<u8> {
    let lang = match Repository::here() {
        Ok(repository) => repository.output_language(lang),
        Err(_) => lang.unwrap_or_else(environment_language),
    };
    let runtime = Runtime::new().context("cannot start threads")?;
    let judged = runtime.block_on(run::unless_interrupted(judge(options, lang)));
    let expectations = match judged {
        Ok(judged) => judged?,
        Err(RunError::Interrupted) => return Ok(2),
        Err(error) => return Err(fail(error.seen())),
    };
    anstream::print!("{}", report::expectations(&expectations, lang));
    Ok(u8::from(!expectations.iter().all(Expectation::is_met)))
}

/// Runs the Collector, sends the traces through it, and judges what arrives.
async fn judge(options: &Options, lang: Lang) -> Result<Vec<Expectation>> {
    let configuration = Configuration::read(&options.config)?;
    let load = Load::new(options.seed);
    let receiver = Receiver::start().await.context("cannot start a receiver")?;
    let collector = Collector::start(&options.collector, &options.config, &receiver).await?;

    let wait = configuration.longest_wait();
    print(
        lang,
        &text!(
            "Sending {traces} traces through the Collector, {failed} of them failed and {slow} slow; the result is here in about {seconds} s …",
            traces = TRACES,
            failed = FAILED,
            slow = SLOW,
            seconds = (LATE_AFTER + wait).as_secs() + 1
        ),
    );
    load.send(collector.port).await.map_err(fail)?;

    let sent = Instant::now();
    let judge = Judge { load: &load, configuration: &configuration };
    // What the Collector decides early, because it is stopped, is not judged.
    tokio::time::sleep_until(sent + configuration.decision_wait).await;
    // It sends metrics only at intervals, but all traces that are left when it is stopped.
    let has_all = |received: &Received| judge.has_all_metrics(&received.accepted).then_some(());
    let _ = receiver.until(sent + wait + METRICS_TIMEOUT - Instant::now(), has_all).await;
    let log = collector.stop().await.map_err(fail)?;

    let received = receiver.take();
    print(lang, &judge.summary(&received.accepted));
    Ok(judge.expectations(&received.accepted, &log))
}

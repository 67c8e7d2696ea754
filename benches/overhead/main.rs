//! Measures the cost of telemetry: `cargo bench --bench overhead`.
//!
//! The service is started once without telemetry and once with each mix of signals, all at the same time,
//! from the release binary. Then all of them are loaded in turn, in short slices in random order, and the
//! result is the ratio of CPU time per request within one cycle of slices. Two runs one after the other
//! cannot be compared: clock speed, caches and other programs on the machine differ by more than what the
//! benchmark measures.
//!
//! A second part measures one service at a time: start to ready, resident memory, size.
//!
//! Nothing here asserts a figure: the output is for people, and for `docs/performance.md`.
#![expect(clippy::print_stdout, reason = "the report is the output of this program")]

mod client;
mod cycles;
mod http1;
mod options;
mod process;
mod report;
mod rest;
mod sink;
mod variant;

use std::{error::Error, process::ExitCode};

use clap::Parser;

use crate::{
    options::{Options, Part},
    process::Process,
    sink::Sink,
    variant::Upstream,
};

/// Every failure ends the benchmark with a message for a person, so no error needs its own type.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The load uses one thread, because the services under test need the cores.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        // `cargo test --all-targets` also runs benchmarks, but in a build that says nothing about cost.
        eprintln!("overhead: nothing measured, this is a benchmark: cargo bench --bench overhead");
        return ExitCode::SUCCESS;
    }
    // Leaving this block drops the branch that has not ended, and with it the processes that it has started.
    let outcome = tokio::select! {
        outcome = measure(&options) => outcome,
        outcome = interrupted() => outcome,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("overhead: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Result<()> {
    let sink = Sink::start()?;
    let mut stand_in = None;
    let upstream = if options.embedded {
        Upstream::Embedded
    } else {
        let (process, upstream) = variant::start_httpbin().await?;
        stand_in = Some(process);
        upstream
    };
    report::conditions(options);
    if options.part != Some(Part::Rest) {
        cycles::measure(options, &sink, &upstream).await?;
    }
    if options.part != Some(Part::Cycles) {
        rest::measure(options, &sink, &upstream).await?;
    }
    stand_in.as_mut().map_or(Ok(()), Process::check_alive)
}

async fn interrupted() -> Result<()> {
    shutdown::interrupted().await?;
    Err("interrupted".into())
}

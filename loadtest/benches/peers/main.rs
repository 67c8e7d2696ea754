//! Compares the load generator with k6 and oha, if they are installed: `cargo bench -p loadtest --bench
//! peers`.
//!
//! Each is started with the same number of requests per second. Their cost is read from `/proc`; their
//! schedule is measured only at the target, which records when each request arrives. They run one at a time
//! in random order, so that none has better conditions than the others.
//!
//! Nothing here asserts a figure: the output is for people, and for `docs/performance.md`.
#![expect(clippy::print_stdout, reason = "the report is the output of this program")]

mod generator;
mod jitter;
mod options;
mod process;
mod report;
mod run;
mod target;

use std::{error::Error, process::ExitCode};

use clap::Parser;
use rand::seq::SliceRandom;

use crate::{
    generator::Generator,
    options::Options,
    run::{Sample, Samples},
    target::Target,
};

/// Every failure ends the benchmark with a message for a person, so no error needs its own type.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        // `cargo test --all-targets` also runs benchmarks, but in a build that says nothing about cost.
        eprintln!("peers: nothing measured, this is a benchmark: cargo bench -p loadtest --bench peers");
        return ExitCode::SUCCESS;
    }
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<()> {
    let generators = Generator::find(&options.only)?;
    let target = Target::start()?;
    report::conditions(options, &generators);
    let mut samples = Samples::new();
    for cycle in 1..=options.cycles {
        for &rate in &options.rates {
            let mut order: Vec<&Generator> = generators.iter().collect();
            order.shuffle(&mut rand::rng());
            for generator in order {
                eprintln!("peers: cycle {cycle} of {}, {rate}/s, {}", options.cycles, generator.name);
                let sample = Sample::take(generator, rate, options, &target)?;
                samples.entry((rate, generator.name)).or_default().push(sample);
            }
        }
    }
    for &rate in &options.rates {
        report::rate(rate, &generators, &samples);
    }
    Ok(())
}

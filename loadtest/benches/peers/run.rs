//! One run of one generator.

use std::{
    collections::BTreeMap,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    Result,
    generator::{Generator, Name},
    jitter::Jitter,
    options::Options,
    process::Process,
    target::Target,
};

/// Time from the first request to the first measurement, and from the last measurement to the end, so that
/// start and summary are not measured.
const MARGIN: Duration = Duration::from_secs(1);
/// Time for the first request of a generator.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Allowed share of missing requests. Each missing one makes all later ones seem late by one interval.
const AT_MOST_MISSING: f64 = 0.001;

/// The samples by rate and generator.
pub type Samples = BTreeMap<(u32, Name), Vec<Sample>>;

/// The measurements of one run.
pub struct Sample {
    /// CPU time per received request, in microseconds.
    pub cpu: f64,
    /// Maximum of resident memory, in MiB.
    pub peak: f64,
    /// Share of the expected requests that did not arrive.
    pub missing: f64,
    /// `None` if too many requests are missing, because the others would seem late.
    pub jitter: Option<Jitter>,
}

impl Sample {
    /// Runs `generator` and measures it.
    pub fn take(generator: &Generator, rate: u32, options: &Options, target: &Target) -> Result<Self> {
        let seconds = options.seconds + 2 * MARGIN.as_secs();
        let outcome = look(generator.run(&target.url, rate, seconds, options.vus), rate, options, target);
        outcome.map_err(|error| format!("{} at {rate}/s: {error}", generator.name).into())
    }
}

fn look(mut command: std::process::Command, rate: u32, options: &Options, target: &Target) -> Result<Sample> {
    target.reset();
    let mut process = Process::start(&mut command)?;
    let first = first_arrival(&mut process, target)?;
    sleep((first + MARGIN).saturating_duration_since(Instant::now()));

    process.cpu_time()?;
    let from = Instant::now();
    sleep(Duration::from_secs(options.seconds));
    process.check_alive()?;
    let cpu = process.cpu_time()?;
    let to = Instant::now();
    let peak = process.wait()?;

    let arrivals = target.arrivals(from, to);
    if arrivals.is_empty() {
        return Err("no request came in".into());
    }
    let expected = f64::from(rate) * (to - from).as_secs_f64();
    // One more or less depends on where the window cuts the schedule.
    let missing = (expected - 1.0 - arrivals.len() as f64).max(0.0);
    let complete = missing <= f64::from(rate) * AT_MOST_MISSING;
    Ok(Sample {
        cpu: cpu.as_secs_f64() * 1e6 / arrivals.len() as f64,
        peak,
        missing: missing / expected,
        jitter: if complete { Jitter::from_arrivals(&arrivals, rate) } else { None },
    })
}

fn first_arrival(process: &mut Process, target: &Target) -> Result<Instant> {
    let start = Instant::now();
    loop {
        if let Some(first) = target.first_arrival() {
            return Ok(first);
        }
        process.check_alive()?;
        if start.elapsed() > START_LIMIT {
            return Err(format!("no request came in within {START_LIMIT:?}").into());
        }
        sleep(Duration::from_millis(5));
    }
}

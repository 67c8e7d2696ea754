//! The report in Markdown tables, which are also readable as plain text.

use std::{env, thread};

use statistics::Spread;

use crate::{
    generator::{Generator, Name},
    jitter::Jitter,
    options::Options,
    run::{Sample, Samples},
};

/// Prints the conditions of the measurements.
pub fn conditions(options: &Options, generators: &[Generator]) {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    println!("{} on {}, {cores} cores, shared by generator and target", env::consts::ARCH, env::consts::OS);
    println!();
    for generator in generators {
        let version = generator.version().unwrap_or_else(|error| error.to_string());
        println!("- {}: {version}", generator.name);
    }
    let Options { cycles, seconds, vus, .. } = options;
    println!("- medians of {cycles} runs of {seconds} s each, {vus} connections, HTTP/1.1 kept alive");
    println!("- jitter: how late requests came in at the target, against an even grid");
}

/// Prints the results of all generators at one rate.
pub fn rate(rate: u32, generators: &[Generator], samples: &Samples) {
    println!("\n## {rate} requests per second\n");
    let mut rows = vec![
        ["", "CPU per request", "against loadtest", "peak memory", "jitter p50", "jitter p99", "missing"]
            .map(str::to_owned),
    ];
    let ours = samples.get(&(rate, Name::Loadtest));
    for generator in generators {
        let Some(runs) = samples.get(&(rate, generator.name)) else {
            continue;
        };
        let median = |of: fn(&Sample) -> f64| Spread::from_values(runs.iter().map(of)).median;
        rows.push([
            generator.name.to_string(),
            format!("{:.0} µs", median(|run| run.cpu)),
            ours.map_or_else(|| "-".to_owned(), |ours| ratio(runs, ours)),
            format!("{:.1} MiB", median(|run| run.peak)),
            jitter(runs, |jitter| jitter.p50),
            jitter(runs, |jitter| jitter.p99),
            format!("{:.2} %", median(|run| run.missing) * 100.0),
        ]);
    }
    table(&rows);
}

/// The jitter of the runs in which all requests arrived, if these are the majority.
fn jitter(runs: &[Sample], of: fn(&Jitter) -> f64) -> String {
    let complete: Vec<&Jitter> = runs.iter().filter_map(|run| run.jitter.as_ref()).collect();
    if complete.len() * 2 <= runs.len() {
        return "-".to_owned();
    }
    format!("{:.2} ms", Spread::from_values(complete.into_iter().map(of)).median)
}

/// The ratio of CPU time to ours, cycle by cycle.
fn ratio(theirs: &[Sample], ours: &[Sample]) -> String {
    let Spread { median, p10, p90 } =
        Spread::from_values(theirs.iter().zip(ours).map(|(theirs, ours)| theirs.cpu / ours.cpu));
    format!("{median:.2} ({p10:.2} to {p90:.2})")
}

/// Prints a table: the first row is the header, the first column is left-aligned, the others are
/// right-aligned.
fn table<const N: usize>(rows: &[[String; N]]) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        if index == 0 {
            let rules = widths.iter().enumerate().map(|(column, &width)| {
                if column == 0 { "-".repeat(width) } else { format!("{}:", "-".repeat(width - 1)) }
            });
            println!("| {} |", rules.collect::<Vec<_>>().join(" | "));
        }
    }
}

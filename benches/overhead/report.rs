//! The report in Markdown tables, which are also readable as plain text.

use std::{env, thread};

use crate::options::Options;

/// Prints the conditions of the measurements.
pub fn conditions(options: &Options) {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let httpbin = if options.embedded {
        "embedded, so its work counts as the service's"
    } else {
        "one process without telemetry for all variants, so its work counts nowhere"
    };
    println!("handson {}, {} on {}", env!("CARGO_PKG_VERSION"), env::consts::ARCH, env::consts::OS);
    println!();
    println!("- {cores} cores, shared by services, load, httpbin stand-in and sink");
    println!("- load: closed loop, {} connections, HTTP/1.1 kept alive", options.connections);
    println!("- httpbin stand-in: {httpbin}");
    println!("- telemetry: OTLP over HTTP/protobuf to a sink on loopback, defaults but metrics every 5 s");
    println!("- log lines: written to /dev/null, by every variant");
}

/// Prints a heading of the report.
pub fn heading(text: &str) {
    println!("\n## {text}\n");
}

/// Prints a table: the first row is the header, the first column is left-aligned, the others are
/// right-aligned.
pub fn table(rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
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

/// Prints a line of text.
pub fn line(text: &str) {
    println!("{text}");
}

/// Creates one row of a [`table`].
pub fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

//! Options of the benchmark: `cargo bench --bench overhead -- --cycles 40`.

use std::time::Duration;

use clap::{Parser, ValueEnum};
use url::Url;

/// Measures what telemetry costs the service.
#[derive(Debug, Parser)]
#[command(name = "overhead", bin_name = "cargo bench --bench overhead --")]
pub struct Options {
    /// Number of times that every variant is loaded
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub cycles: u32,

    /// Duration of one load of a variant
    #[arg(long, default_value = "300ms", value_parser = humantime::parse_duration)]
    pub slice: Duration,

    /// Number of connections, each of which sends one request after the other
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,

    /// Let every service call its embedded httpbin, which then counts as its CPU time
    #[arg(long)]
    pub embedded: bool,

    /// Measure only this part
    #[arg(long, value_enum)]
    pub part: Option<Part>,

    /// A foreign service to measure as another variant. It runs in a shell, with HTTPBIN_URL,
    /// OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_METRIC_EXPORT_INTERVAL in its environment
    #[arg(long, requires = "peer_url", conflicts_with = "embedded")]
    pub peer_command: Option<String>,

    /// The URL to load, for example http://127.0.0.1:9000/handson
    #[arg(long, requires = "peer_command")]
    pub peer_url: Option<Url>,

    /// Cargo passes this option for benchmarks, not for tests
    #[arg(long, hide = true)]
    pub bench: bool,
}

/// The two parts of the report.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Part {
    /// CPU time per request, variants loaded in turn
    Cycles,
    /// Start to ready, resident memory, size of the binary
    Rest,
}

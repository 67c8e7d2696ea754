//! Options of the benchmark: `cargo bench --bench overhead -- --cycles 40`.

use std::time::Duration;

use clap::{Parser, ValueEnum};
use url::Url;

/// Measures what telemetry costs the service.
#[derive(Debug, Parser)]
#[command(name = "overhead", bin_name = "cargo bench --bench overhead --")]
pub struct Options {
    /// How often every variant is loaded
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub cycles: u32,

    /// How long a variant is loaded at a time
    #[arg(long, default_value = "300ms", value_parser = humantime::parse_duration)]
    pub slice: Duration,

    /// Connections that each send one request after the other
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,

    /// Let every service call its embedded httpbin stand-in, whose work is then in its CPU time
    #[arg(long)]
    pub embedded: bool,

    /// Measure this part alone
    #[arg(long, value_enum)]
    pub part: Option<Part>,

    /// A foreign service to measure as one more variant. It runs in a shell, and finds HTTPBIN_URL,
    /// OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_METRIC_EXPORT_INTERVAL in its environment
    #[arg(long, requires = "peer_url", conflicts_with = "embedded")]
    pub peer_command: Option<String>,

    /// What to load there, for example http://127.0.0.1:9000/handson
    #[arg(long, requires = "peer_command")]
    pub peer_url: Option<Url>,

    /// Cargo says by this option that it runs benchmarks and not tests
    #[arg(long, hide = true)]
    pub bench: bool,
}

/// The two halves of the report.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Part {
    /// CPU time per request, variants loaded in turn
    Cycles,
    /// Start to ready, resident memory, size of the binary
    Rest,
}

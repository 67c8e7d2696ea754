//! Options of the benchmark: `cargo bench -p loadtest --bench peers -- --cycles 10`.

use clap::{Parser, value_parser};

use crate::generator::Name;

/// Compare the load generator with k6 and oha
#[derive(Debug, Parser)]
#[command(name = "peers", bin_name = "cargo bench -p loadtest --bench peers --")]
pub struct Options {
    /// Number of runs of every generator at every rate
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    pub cycles: u32,

    /// Measured seconds of a run; it begins one second earlier and ends one second later
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u64).range(1..))]
    pub seconds: u64,

    /// Requests per second
    #[arg(long, value_delimiter = ',', default_value = "5,500,2000,20000", value_parser = value_parser!(u32).range(1..))]
    pub rates: Vec<u32>,

    /// Number of connections, and of VUs for generators that have them
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u32).range(1..))]
    pub vus: u32,

    /// Measure only these
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Name>,

    /// Cargo passes this option for benchmarks, not for tests
    #[arg(long, hide = true)]
    pub bench: bool,
}

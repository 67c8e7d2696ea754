//! Options of the benchmark: `cargo bench -p loadtest --bench peers -- --cycles 10`.

use clap::{Parser, value_parser};

use crate::generator::Name;

/// Compare the load generator with k6 and oha
#[derive(Debug, Parser)]
#[command(name = "peers", bin_name = "cargo bench -p loadtest --bench peers --")]
pub struct Options {
    /// How often every generator is run at every rate
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    pub cycles: u32,

    /// How long a run is measured; it begins a second before, and ends a second after
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u64).range(1..))]
    pub seconds: u64,

    /// Requests to start in a second
    #[arg(long, value_delimiter = ',', default_value = "5,500,2000,20000", value_parser = value_parser!(u32).range(1..))]
    pub rates: Vec<u32>,

    /// Connections, and VUs where a generator has them
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u32).range(1..))]
    pub vus: u32,

    /// Measure these alone
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Name>,

    /// Cargo says by this option that it runs benchmarks and not tests
    #[arg(long, hide = true)]
    pub bench: bool,
}

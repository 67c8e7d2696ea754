//! A load generator with the executor `constant-arrival-rate` of k6. In the order of a run:
//!
//! - [`options`]: the command line; [`checks`] and [`thresholds`] in k6's syntax.
//! - [`health`]: waits for the target.
//! - [`arrivals`]: when iterations are due; [`executor`]: starts them.
//! - [`vu`]: one iteration; [`target`]: its request; [`spans`]: its span, with `--otlp`.
//! - [`iteration`]: the result of one iteration; [`metrics`]: the results of all.
//! - [`console`], [`reachability`]: output during the run; [`summary`]: output at the end.

pub mod arrivals;
pub mod checks;
mod connection;
pub mod console;
pub mod executor;
pub mod health;
pub mod iteration;
pub mod metrics;
pub mod options;
pub mod reachability;
pub mod spans;
pub mod summary;
pub mod target;
pub mod thresholds;
pub mod vu;

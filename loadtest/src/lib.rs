//! A load generator with the executor `constant-arrival-rate` of k6. In the order of a run:
//!
//! - [`options`]: what is asked for; [`checks`] and [`thresholds`] as k6 writes them.
//! - [`health`]: waits for the target.
//! - [`arrivals`]: when iterations are due; [`executor`]: starts them.
//! - [`vu`]: one iteration; [`target`]: its request; [`spans`]: its span, with `--otlp`.
//! - [`iteration`]: what it gave; [`metrics`]: what all gave.
//! - [`console`], [`reachability`]: what is seen meanwhile; [`summary`]: at the end.

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
pub mod shutdown;
pub mod spans;
pub mod summary;
pub mod target;
pub mod thresholds;
pub mod vu;

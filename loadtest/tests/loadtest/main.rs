//! The load generator through its public interface: the real program, with a target and an OTLP receiver that
//! the tests control. Each module has one topic; `support` contains what they share.

#![allow(clippy::unwrap_used)] // A test that cannot continue should panic.

// The module with the test that takes a minute is first in the alphabet, so that it begins first.
mod arrivals;
mod checks;
mod connections;
mod dropping;
mod export;
mod failures;
mod health;
mod options;
mod pacing;
mod progress;
mod requests;
mod restarts;
mod schedule_delay;
mod signals;
mod spans;
mod summary;
mod support;
mod telemetry_lost;
mod thresholds;

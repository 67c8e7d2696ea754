//! The layer around sqlx, with real SQLite databases.

mod attributes;
mod databases;
mod errors;
mod lifetimes;
mod metrics;
mod parents;
mod support;
mod tracing_spans;
mod transactions;

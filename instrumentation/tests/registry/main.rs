//! The crates of the OpenTelemetry Registry that do the same as one of our modules, and their remaining
//! faults.
//!
//! Each test runs one crate and lists its violations of the semantic conventions 1.44. When a new version of
//! the crate corrects one, the test fails and names the module that may no longer be needed. `REGISTRY.md` is
//! the summary.
//!
//! Two crates of the Registry depend on OpenTelemetry 0.32, so they cannot be in this tree: two versions of
//! OpenTelemetry have two sets of globals, and spans get lost without an error. They are sqlx-otel 0.5, and
//! the part of reqwest-tracing 0.7 that sends `traceparent` (its features end at `opentelemetry_0_32`).

mod appender_tracing;
mod axum_tracing_opentelemetry;
mod example;
mod faults;
mod instrumentation_process;
mod instrumentation_tower;
mod json_subscriber;
mod metrics;
mod reqwest_tracing;
mod resource_detectors;
mod server;
mod telemetry;
mod tower_otel_client;
mod tower_otel_server;

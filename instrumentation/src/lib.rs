//! OpenTelemetry layers for axum, reqwest and sqlx that follow the semantic conventions.
//!
//! Each layer is one line. Providers are passed as values, in [`Instrumentation`]; no global of OpenTelemetry
//! is needed or set. If telemetry is off, the layers pass everything through.
//!
//! | module | what it provides |
//! | --- | --- |
//! | [`server`] | a tower layer for axum: SERVER spans, metrics, `traceresponse` |
//! | [`client`] | a middleware for reqwest: CLIENT spans until the body is read, propagation, metrics |
//! | [`database`] | a wrapper around sqlx's pool: a CLIENT span and a duration for each query |
//! | [`spans`] | the layer that makes spans of `#[tracing::instrument]`, with the filter that it needs |
//! | [`json_lines`] | JSON log lines with identity, span ids and an `error` object |
//! | [`log_records`] | the same events over OTLP |
//! | [`exception`] | failures, recorded on the span where they happened |
//! | [`identity`] | the identity of the process, for log lines and for the resource |
//! | [`settings`] | the `OTEL_*` variables that the SDK does not read, and a check of all |
//! | [`process_metrics`] | the correct metrics of the process |
//! | [`otlp`] | exporters by the settings, one HTTP client for all, an encoder for spans and log records that costs little |
//! | [`delivery`] | counts what is lost on the way to the collector, and reports it |

mod bound;
mod cause;
mod http_semconv;
mod trace_context;

pub mod client;
pub mod database;
pub mod delivery;
pub mod exception;
pub mod identity;
pub mod json_lines;
pub mod log_records;
pub mod otlp;
pub mod process_metrics;
pub mod server;
pub mod settings;
pub mod spans;

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

pub use identity::Identity;

/// Extracts the ids of spans from headers, and injects them.
pub(crate) type Propagator = Arc<dyn TextMapPropagator + Send + Sync>;

/// The providers and the propagator that the layers use. Without a provider, the layers pass everything
/// through unchanged.
///
/// Providers are passed as values: nothing here reads or sets a global of OpenTelemetry. Cloning is cheap.
#[derive(Clone, Default)]
pub struct Instrumentation {
    tracer: Option<SdkTracer>,
    meter: Option<Meter>,
    propagator: Option<Propagator>,
}

impl Instrumentation {
    /// An instrumentation without providers, which records nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records spans with `provider`.
    #[must_use]
    pub fn with_tracer_provider(mut self, provider: &SdkTracerProvider) -> Self {
        self.tracer = Some(provider.tracer_with_scope(scope()));
        self
    }

    /// Records metrics with `provider`.
    #[must_use]
    pub fn with_meter_provider(mut self, provider: &SdkMeterProvider) -> Self {
        self.meter = Some(provider.meter_with_scope(scope()));
        self
    }

    /// Extracts the caller's span ids from request headers, and injects ids into calls of other services,
    /// with `propagator`.
    #[must_use]
    pub fn with_propagator(mut self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.propagator = Some(Arc::new(propagator));
        self
    }

    /// The tracer of this crate's scope, if there is a tracer provider.
    pub fn tracer(&self) -> Option<&SdkTracer> {
        self.tracer.as_ref()
    }

    /// The meter of this crate's scope, if there is a meter provider.
    pub fn meter(&self) -> Option<&Meter> {
        self.meter.as_ref()
    }

    /// The propagator, if there is one.
    pub fn propagator(&self) -> Option<&(dyn TextMapPropagator + Send + Sync)> {
        self.propagator.as_deref()
    }
}

/// The instrumentation scope of everything that the layers record: this crate, its version, and the
/// conventions that it follows.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}

/// The version of the semantic conventions that the layers follow.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// Compiles the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

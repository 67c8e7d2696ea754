//! The SDK with in-memory exporters, and the recorded telemetry.

use std::sync::LazyLock;

use opentelemetry::trace::{SpanKind, TracerProvider};
use opentelemetry::{Value, global};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::metrics::Metric;

/// Providers that export to memory.
pub struct Telemetry {
    pub traces: SdkTracerProvider,
    pub meters: SdkMeterProvider,
    spans: InMemorySpanExporter,
    metrics: InMemoryMetricExporter,
}

/// The providers that are set as globals, for the crates that accept no provider as a value.
static GLOBAL: LazyLock<Telemetry> = LazyLock::new(|| {
    let telemetry = Telemetry::new();
    global::set_tracer_provider(telemetry.traces.clone());
    global::set_meter_provider(telemetry.meters.clone());
    telemetry
});

impl Telemetry {
    /// Providers for one test.
    pub fn new() -> Self {
        // All crates use the global propagator.
        global::set_text_map_propagator(TraceContextPropagator::new());
        let (spans, metrics) = (InMemorySpanExporter::default(), InMemoryMetricExporter::default());
        Self {
            traces: SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build(),
            meters: SdkMeterProvider::builder()
                .with_reader(PeriodicReader::builder(metrics.clone()).build())
                .build(),
            spans,
            metrics,
        }
    }

    /// The global providers, shared by the tests that use them.
    pub fn global() -> &'static Self {
        &GLOBAL
    }

    /// Converts `tracing` spans on this thread to OpenTelemetry spans, until the guard is dropped.
    pub fn subscribe(&self) -> DefaultGuard {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(self.traces.tracer("registry"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false);
        let ours = Targets::new().with_default(LevelFilter::INFO);
        tracing_subscriber::registry().with(layer.with_filter(ours)).set_default()
    }

    /// The spans of one kind, in the order of their ends.
    pub fn spans(&self, kind: SpanKind) -> Vec<Span> {
        let spans = self.spans.get_finished_spans().expect("the exporter is not shut down");
        spans.into_iter().filter(|span| span.span_kind == kind).map(Span).collect()
    }

    /// The only span of one kind.
    #[track_caller]
    pub fn span(&self, kind: SpanKind) -> Span {
        let mut spans = self.spans(kind.clone());
        assert_eq!(spans.len(), 1, "expected one {kind:?} span, got {spans:?}");
        spans.remove(0)
    }

    /// The last export of the metric. `scope` distinguishes instruments of several crates with the same name.
    pub fn metric(&self, scope: &str, name: &str) -> Option<Metric> {
        self.meters.force_flush().expect("the exporter in memory takes everything");
        let exported = self.metrics.get_finished_metrics().expect("the exporter is not shut down");
        let scopes = exported.last()?.scope_metrics();
        let metrics = scopes.filter(|metrics| metrics.scope().name() == scope);
        metrics.flat_map(|metrics| metrics.metrics()).find(|metric| metric.name() == name).map(Metric::from)
    }
}

/// A span that has ended.
#[derive(Debug)]
pub struct Span(pub SpanData);

impl Span {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.attributes.iter().find(|attribute| attribute.key.as_str() == name).map(|found| &found.value)
    }

    /// Whether the attribute is present with this value and type.
    pub fn has(&self, name: &str, value: impl Into<Value>) -> bool {
        self.get(name) == Some(&value.into())
    }

    /// Whether the attribute is present and an integer.
    pub fn has_int(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::I64(_)))
    }
}

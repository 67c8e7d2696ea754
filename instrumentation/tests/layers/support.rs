//! The SDK with in-memory exporters, and the recorded telemetry.

use instrumentation::Instrumentation;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::{SpanKind, TracerProvider};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, HistogramDataPoint, Metric, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};

/// Providers that export to memory.
pub struct Telemetry {
    pub traces: SdkTracerProvider,
    pub meters: SdkMeterProvider,
    spans: InMemorySpanExporter,
    metrics: InMemoryMetricExporter,
}

impl Telemetry {
    pub fn new() -> Self {
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

    /// Spans, metrics and propagation.
    pub fn instrumentation(&self) -> Instrumentation {
        self.without_metrics().with_meter_provider(&self.meters)
    }

    /// Spans and propagation.
    pub fn without_metrics(&self) -> Instrumentation {
        Instrumentation::new().with_tracer_provider(&self.traces).with_propagator(propagator())
    }

    /// A tracer for the spans around those of the layers.
    pub fn tracer(&self) -> SdkTracer {
        self.traces.tracer("test")
    }

    /// The spans that have ended, in the order of their ends.
    pub fn spans(&self) -> Vec<SpanData> {
        self.spans.get_finished_spans().expect("the exporter is not shut down")
    }

    /// The spans of one kind that have ended, in the order of their ends.
    pub fn spans_of(&self, kind: SpanKind) -> Vec<SpanData> {
        self.spans().into_iter().filter(|span| span.span_kind == kind).collect()
    }

    /// The only span of one kind that has ended.
    #[track_caller]
    pub fn span(&self, kind: SpanKind) -> SpanData {
        let mut spans = self.spans_of(kind.clone());
        assert_eq!(spans.len(), 1, "expected one {kind:?} span, got {spans:?}");
        spans.remove(0)
    }

    /// The result of `read` for the last export of the metric, if it was recorded.
    pub fn metric<T>(&self, name: &str, read: impl FnOnce(&Metric) -> T) -> Option<T> {
        self.meters.force_flush().expect("the exporter in memory takes everything");
        let exported = self.metrics.get_finished_metrics().expect("the exporter is not shut down");
        let mut metrics = exported.last()?.scope_metrics().flat_map(|scope| scope.metrics());
        metrics.find(|metric| metric.name() == name).map(read)
    }

    /// The names of all metrics.
    pub fn metric_names(&self) -> Vec<String> {
        self.meters.force_flush().expect("the exporter in memory takes everything");
        let exported = self.metrics.get_finished_metrics().expect("the exporter is not shut down");
        let scopes = exported.last().into_iter().flat_map(|metrics| metrics.scope_metrics());
        scopes.flat_map(|scope| scope.metrics()).map(|metric| metric.name().to_owned()).collect()
    }

    /// The scopes that metrics were recorded in.
    pub fn metric_scopes(&self) -> Vec<InstrumentationScope> {
        self.meters.force_flush().expect("the exporter in memory takes everything");
        let exported = self.metrics.get_finished_metrics().expect("the exporter is not shut down");
        let scopes = exported.last().into_iter().flat_map(|metrics| metrics.scope_metrics());
        scopes.map(|metrics| metrics.scope().clone()).collect()
    }

    /// The points of a histogram in seconds.
    pub fn durations(&self, name: &str) -> Vec<HistogramDataPoint<f64>> {
        let points = self.metric(name, |metric| match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                histogram.data_points().cloned().collect()
            }
            other => panic!("expected a histogram of f64, got {other:?}"),
        });
        points.unwrap_or_default()
    }

    /// The attributes and the value of each series of an integer metric, sorted.
    pub fn numbers(&self, name: &str) -> Vec<(Vec<String>, i64)> {
        let series = self.metric(name, |metric| match metric.data() {
            AggregatedMetrics::I64(MetricData::Sum(sum)) => {
                sum.data_points().map(|point| (attributes(point.attributes()), point.value())).collect()
            }
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                let points = sum.data_points();
                points.map(|point| (attributes(point.attributes()), point.value() as i64)).collect()
            }
            other => panic!("expected a sum of whole numbers, got {other:?}"),
        });
        let mut series: Vec<_> = series.unwrap_or_default();
        series.sort();
        series
    }
}

/// Extracts and injects `traceparent`, `tracestate` and `baggage`.
fn propagator() -> TextMapCompositePropagator {
    let propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>> =
        vec![Box::new(TraceContextPropagator::new()), Box::new(BaggagePropagator::new())];
    TextMapCompositePropagator::new(propagators)
}

/// `key=value` for each attribute, sorted; strings are in quotes, numbers are not.
pub fn attributes<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> Vec<String> {
    let describe = |attribute: &KeyValue| match &attribute.value {
        Value::String(text) => format!("{}={:?}", attribute.key, text.as_str()),
        other => format!("{}={other}", attribute.key),
    };
    let mut list: Vec<_> = attributes.into_iter().map(describe).collect();
    list.sort();
    list
}

/// An attribute of a span in the format of [`attributes`], without its name. It must not be there more than
/// once.
#[track_caller]
pub fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let list = attributes(&span.attributes);
    let mut values = list.iter().filter_map(|a| a.strip_prefix(name)?.strip_prefix('='));
    let value = values.next().map(str::to_owned);
    assert_eq!(values.next(), None, "{name} is there twice: {list:?}");
    value
}

/// The ids of a span as in `traceparent` and `traceresponse`.
pub fn ids(span: &SpanData) -> String {
    let context = &span.span_context;
    format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags())
}

//! What was received, in a shape that is easy to ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
pub use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
pub use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::Value;

/// Attributes as JSON, which tells integers, doubles, strings and booleans apart.
pub type Attributes = BTreeMap<String, Value>;

/// One request as it came over the wire.
pub enum Exported {
    /// `/v1/traces`
    Traces(ExportTraceServiceRequest),
    /// `/v1/metrics`
    Metrics(ExportMetricsServiceRequest),
    /// `/v1/logs`
    Logs(ExportLogsServiceRequest),
}

/// A span. Ids are lowercase hex, times nanoseconds since 1970.
#[derive(Debug, Clone)]
pub struct Span {
    pub resource: Arc<Attributes>,
    pub name: String,
    pub kind: SpanKind,
    pub trace_id: String,
    pub span_id: String,
    pub parent_id: Option<String>,
    pub trace_state: String,
    pub start: u64,
    pub end: u64,
    pub attributes: Attributes,
    pub events: Vec<Event>,
    pub status: StatusCode,
}

/// An event on a span.
#[derive(Debug, Clone)]
pub struct Event {
    pub name: String,
    pub attributes: Attributes,
}

/// The kind of instrument, as far as the wire shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instrument {
    Counter,
    UpDownCounter,
    Gauge,
    Histogram,
}

/// A data point of a metric.
#[derive(Debug, Clone)]
pub struct Point {
    pub resource: Arc<Attributes>,
    pub metric: String,
    pub unit: String,
    pub instrument: Instrument,
    /// Since the start of the process, not since the last export.
    pub cumulative: bool,
    pub attributes: Attributes,
    /// The number; of a histogram, how many values were recorded.
    pub value: f64,
    /// Of a histogram: the sum of the values.
    pub sum: f64,
    /// Of a histogram: the upper bounds of the buckets.
    pub bounds: Vec<f64>,
}

/// A log record. Ids are absent outside a span.
#[derive(Debug, Clone)]
pub struct Record {
    pub resource: Arc<Attributes>,
    pub body: Value,
    pub severity: String,
    pub severity_number: i32,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    pub attributes: Attributes,
    pub event_name: String,
}

/// Everything received.
#[derive(Debug, Clone, Default)]
pub struct Received {
    pub spans: Vec<Span>,
    pub points: Vec<Point>,
    pub records: Vec<Record>,
    /// Spans and log records that came, kept or only counted.
    pub span_count: u64,
    pub record_count: u64,
    /// Requests of any signal, whatever became of them.
    pub attempts: u64,
}

impl Received {
    /// Adds what another request brought.
    pub fn add(&mut self, more: Self) {
        self.spans.extend(more.spans);
        self.points.extend(more.points);
        self.records.extend(more.records);
        self.span_count += more.span_count;
        self.record_count += more.record_count;
    }

    /// The spans of a trace, in the order of their start.
    pub fn trace(&self, trace_id: &str) -> Vec<&Span> {
        let mut spans: Vec<&Span> = self.spans.iter().filter(|span| span.trace_id == trace_id).collect();
        spans.sort_by_key(|span| span.start);
        spans
    }

    /// The spans of that name, in the order of their start.
    pub fn spans_named(&self, name: &str) -> Vec<&Span> {
        let mut spans: Vec<&Span> = self.spans.iter().filter(|span| span.name == name).collect();
        spans.sort_by_key(|span| span.start);
        spans
    }

    /// The one span of that name.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    pub fn span(&self, name: &str) -> &Span {
        let spans = self.spans_named(name);
        assert!(spans.len() == 1, "expected one span `{name}`, got {}", spans.len());
        spans[0]
    }

    /// The spans on which something went wrong: those with an `exception` event.
    pub fn exceptions(&self) -> Vec<(&Span, &Event)> {
        let events = self.spans.iter().flat_map(|span| span.events.iter().map(move |e| (span, e)));
        events.filter(|(_, event)| event.name == "exception").collect()
    }

    /// The newest points of a metric: one for each process and set of attributes.
    pub fn newest(&self, metric: &str) -> Vec<&Point> {
        let mut newest = BTreeMap::new();
        for point in self.points.iter().filter(|point| point.metric == metric) {
            let instance = point.resource.get("service.instance.id");
            newest.insert(format!("{instance:?} {:?}", point.attributes), point);
        }
        newest.into_values().collect()
    }

    /// The sum over the newest points of a cumulative metric whose attributes `matches` accepts.
    pub fn total(&self, metric: &str, matches: impl Fn(&Attributes) -> bool) -> f64 {
        let points = self.newest(metric);
        assert!(points.iter().all(|point| point.cumulative), "{metric} is not cumulative");
        points.iter().filter(|point| matches(&point.attributes)).map(|point| point.value).sum()
    }
}

impl Span {
    /// The other one ended before this one began.
    pub fn follows(&self, other: &Self) -> bool {
        other.end <= self.start
    }

    /// Its `service.name`.
    pub fn service(&self) -> &str {
        self.resource["service.name"].as_str().unwrap()
    }
}

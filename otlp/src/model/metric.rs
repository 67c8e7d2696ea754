//! Metrics.

use std::sync::Arc;

use super::{Attributes, Scope};

/// One metric of one export.
#[derive(Debug, Clone)]
pub struct Metric {
    /// The attributes of the process that recorded it.
    pub resource: Arc<Attributes>,
    /// The instrumentation that made it.
    pub scope: Arc<Scope>,
    /// Its name, such as `http.server.request.duration`.
    pub name: String,
    /// The unit in UCUM: `s`, `{request}`.
    pub unit: String,
    /// Its description.
    pub description: String,
    /// The instrument's kind, and its points.
    pub data: Data,
    /// Points without a recorded value.
    pub gaps: Vec<Gap>,
}

/// A point without a recorded value: its series has no values from this time on, until the next point.
///
/// <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#no-recorded-value>
#[derive(Debug, Clone)]
pub struct Gap {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Keys and values.
    pub attributes: Attributes,
}

/// The kind of a metric, and its points.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Data {
    /// The export contained no data.
    None,
    Gauge(Vec<Point>),
    Sum {
        monotonic: bool,
        temporality: Temporality,
        points: Vec<Point>,
    },
    Histogram {
        temporality: Temporality,
        points: Vec<HistogramPoint>,
    },
    /// Its buckets are converted to bounds and counts.
    ExponentialHistogram {
        temporality: Temporality,
        points: Vec<HistogramPoint>,
    },
    Summary(Vec<SummaryPoint>),
}

impl Data {
    /// The number of points.
    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Gauge(points) | Self::Sum { points, .. } => points.len(),
            Self::Histogram { points, .. } | Self::ExponentialHistogram { points, .. } => points.len(),
            Self::Summary(points) => points.len(),
        }
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether a point counts from the start of the process, or from the last export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Temporality {
    Unspecified,
    Delta,
    Cumulative,
}

/// A point with a number.
#[derive(Debug, Clone)]
pub struct Point {
    /// When the series began to count, in nanoseconds since 1970; 0 if unknown.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Keys and values.
    pub attributes: Attributes,
    /// The value; integers are converted to doubles.
    pub value: f64,
    /// Examples of the recorded values.
    pub exemplars: Vec<Exemplar>,
}

/// One recorded value, and the span in which it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The value; integers are converted to doubles.
    pub value: f64,
    /// Lowercase hex; `None` outside a trace.
    pub trace_id: Option<String>,
    /// Lowercase hex; `None` outside a span.
    pub span_id: Option<String>,
}

/// Quantiles that the program itself has computed.
#[derive(Debug, Clone)]
pub struct SummaryPoint {
    /// When the series began to count, in nanoseconds since 1970; 0 if unknown.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Keys and values.
    pub attributes: Attributes,
    /// Number of values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Quantiles from 0 to 1, with their values.
    pub quantiles: Vec<(f64, f64)>,
}

/// A point with a distribution.
#[derive(Debug, Clone)]
pub struct HistogramPoint {
    /// When the series began to count, in nanoseconds since 1970; 0 if unknown.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Keys and values.
    pub attributes: Attributes,
    /// Number of values.
    pub count: u64,
    /// Their sum; senders leave it out if values may be negative.
    pub sum: Option<f64>,
    /// The minimum.
    pub min: Option<f64>,
    /// The maximum.
    pub max: Option<f64>,
    /// Upper bounds of all buckets except the last, in ascending order.
    pub bounds: Vec<f64>,
    /// The counts of the buckets, one more than `bounds`.
    pub bucket_counts: Vec<u64>,
    /// Examples of the recorded values.
    pub exemplars: Vec<Exemplar>,
}

impl Metric {
    /// `service.name`, of which at most 255 bytes.
    pub fn service(&self) -> &str {
        super::service(&self.resource)
    }
}

//! Metrics.

use std::sync::Arc;

use super::Attributes;

/// One metric of one export.
#[derive(Debug, Clone)]
pub struct Metric {
    /// What it says of the process that made it.
    pub resource: Arc<Attributes>,
    /// Name of the instrumentation scope.
    pub scope: String,
    /// Its name, such as `http.server.request.duration`.
    pub name: String,
    /// UCUM: `s`, `{request}`.
    pub unit: String,
    /// In words.
    pub description: String,
    /// The instrument's kind, and its points.
    pub data: Data,
}

/// The kind of a metric, and its points.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Data {
    /// The export named no data at all.
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
    /// `bounds` and `bucket_counts` of its points are empty.
    ExponentialHistogram {
        temporality: Temporality,
        points: Vec<HistogramPoint>,
    },
    Summary,
}

/// Whether a point counts from the start of the process, or from the last export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Temporality {
    Unspecified,
    Delta,
    Cumulative,
}

/// A number.
#[derive(Debug, Clone)]
pub struct Point {
    /// Keys and values.
    pub attributes: Attributes,
    /// Integers too, as far as a double holds them.
    pub value: f64,
}

/// A distribution.
#[derive(Debug, Clone)]
pub struct HistogramPoint {
    /// Keys and values.
    pub attributes: Attributes,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least of them.
    pub min: Option<f64>,
    /// The greatest of them.
    pub max: Option<f64>,
    /// Upper bounds of all buckets but the last.
    pub bounds: Vec<f64>,
    /// One more than bounds.
    pub bucket_counts: Vec<u64>,
}

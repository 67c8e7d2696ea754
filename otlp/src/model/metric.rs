//! Metrics.

use std::sync::Arc;

use super::{Attributes, Scope};

/// One metric of one export.
#[derive(Debug, Clone)]
pub struct Metric {
    /// What it says of the process that made it.
    pub resource: Arc<Attributes>,
    /// The instrumentation that made it.
    pub scope: Arc<Scope>,
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
    /// Its buckets are written out as bounds and counts.
    ExponentialHistogram {
        temporality: Temporality,
        points: Vec<HistogramPoint>,
    },
    Summary(Vec<SummaryPoint>),
}

impl Data {
    /// How many points it has.
    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Gauge(points) | Self::Sum { points, .. } => points.len(),
            Self::Histogram { points, .. } | Self::ExponentialHistogram { points, .. } => points.len(),
            Self::Summary(points) => points.len(),
        }
    }

    /// Whether it has no points.
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

/// A number.
#[derive(Debug, Clone)]
pub struct Point {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Keys and values.
    pub attributes: Attributes,
    /// Integers too, as far as a double holds them.
    pub value: f64,
}

/// Quantiles that the program itself has worked out.
#[derive(Debug, Clone)]
pub struct SummaryPoint {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Keys and values.
    pub attributes: Attributes,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Quantile, from 0 to 1, and its value.
    pub quantiles: Vec<(f64, f64)>,
}

/// A distribution.
#[derive(Debug, Clone)]
pub struct HistogramPoint {
    /// Nanoseconds since 1970.
    pub time: u64,
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
    /// Upper bounds of all buckets but the last, rising.
    pub bounds: Vec<f64>,
    /// One more than bounds.
    pub bucket_counts: Vec<u64>,
}

impl Metric {
    /// `service.name`, of which at most 255 bytes.
    pub fn service(&self) -> &str {
        super::service(&self.resource)
    }
}

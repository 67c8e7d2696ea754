//! The value of one series in one export.

use super::traces::is_id;
use otlp::model::{Attributes, Data, Exemplar, HistogramPoint, Point, SummaryPoint};

/// The value of one series in one export.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// From when its values are, in nanoseconds since 1970; 0 if unknown.
    pub start: u64,
    /// The number; for a distribution, the sum, which is not a number if the sender left it out.
    pub value: f64,
    /// The number of values of a distribution.
    pub count: u64,
    /// The buckets of a histogram.
    pub distribution: Option<Box<Distribution>>,
    /// The quantiles and values of a summary.
    pub quantiles: Vec<(f64, f64)>,
}

/// The buckets and the extremes of a histogram.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Distribution {
    /// Upper bounds of all buckets except the last, in ascending order.
    pub bounds: Vec<f64>,
    pub counts: Vec<u64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// A point of an export.
pub(super) struct Arrived {
    pub(super) attributes: Attributes,
    pub(super) sample: Sample,
    /// Only those that belong to a trace.
    pub(super) exemplars: Vec<Exemplar>,
}

impl Arrived {
    /// All points.
    pub(super) fn all(data: Data) -> Vec<Self> {
        match data {
            Data::None => Vec::new(),
            Data::Gauge(points) | Data::Sum { points, .. } => points.into_iter().map(number).collect(),
            Data::Histogram { points, .. } | Data::ExponentialHistogram { points, .. } => {
                points.into_iter().map(distribution).collect()
            }
            Data::Summary(points) => points.into_iter().map(summary).collect(),
        }
    }

    fn new(attributes: Attributes, sample: Sample, mut exemplars: Vec<Exemplar>) -> Self {
        exemplars.retain(|exemplar| exemplar.trace_id.as_deref().is_some_and(|id| is_id(id, 32)));
        Self { attributes, sample, exemplars }
    }
}

impl Sample {
    /// The number of bytes that it uses.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.heap()
    }

    /// The number of bytes that it uses on the heap.
    pub(super) fn heap(&self) -> usize {
        let buckets = self.distribution.as_ref().map_or(0, |of| {
            8 * (of.bounds.capacity() + of.counts.capacity()) + size_of::<Distribution>() + 64
        });
        buckets + 16 * self.quantiles.capacity()
    }
}

fn number(point: Point) -> Arrived {
    let sample = Sample {
        time: point.time,
        start: point.start,
        value: point.value,
        count: 0,
        distribution: None,
        quantiles: Vec::new(),
    };
    Arrived::new(point.attributes, sample, point.exemplars)
}

fn distribution(point: HistogramPoint) -> Arrived {
    let sample = Sample {
        time: point.time,
        start: point.start,
        value: point.sum.unwrap_or(f64::NAN),
        count: point.count,
        distribution: Some(Box::new(Distribution {
            bounds: point.bounds,
            counts: point.bucket_counts,
            min: point.min,
            max: point.max,
        })),
        quantiles: Vec::new(),
    };
    Arrived::new(point.attributes, sample, point.exemplars)
}

fn summary(point: SummaryPoint) -> Arrived {
    let sample = Sample {
        time: point.time,
        start: point.start,
        value: point.sum,
        count: point.count,
        distribution: None,
        quantiles: point.quantiles,
    };
    Arrived::new(point.attributes, sample, Vec::new())
}

//! The value of one series in one export.

use otlp::model::{Attributes, Data, HistogramPoint, Point, SummaryPoint};

/// The value of one series in one export.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The number; for a distribution, the sum.
    pub value: f64,
    /// The number of values of a distribution.
    pub count: u64,
    /// The bounds and counts of a histogram.
    pub buckets: Option<Box<(Vec<f64>, Vec<u64>)>>,
    /// The quantiles and values of a summary.
    pub quantiles: Vec<(f64, f64)>,
}

impl Sample {
    /// The samples of all points, with their attributes.
    pub(super) fn all(data: Data) -> Vec<(Attributes, Self)> {
        match data {
            Data::None => Vec::new(),
            Data::Gauge(points) | Data::Sum { points, .. } => points.into_iter().map(number).collect(),
            Data::Histogram { points, .. } | Data::ExponentialHistogram { points, .. } => {
                points.into_iter().map(distribution).collect()
            }
            Data::Summary(points) => points.into_iter().map(summary).collect(),
        }
    }

    /// The number of bytes that it uses.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.heap()
    }

    /// The number of bytes that it uses on the heap.
    pub(super) fn heap(&self) -> usize {
        let buckets = self.buckets.as_ref().map_or(0, |b| 8 * (b.0.capacity() + b.1.capacity()) + 128);
        buckets + 16 * self.quantiles.capacity()
    }
}

fn number(point: Point) -> (Attributes, Sample) {
    let sample =
        Sample { time: point.time, value: point.value, count: 0, buckets: None, quantiles: Vec::new() };
    (point.attributes, sample)
}

fn distribution(point: HistogramPoint) -> (Attributes, Sample) {
    let sample = Sample {
        time: point.time,
        value: point.sum,
        count: point.count,
        buckets: Some(Box::new((point.bounds, point.bucket_counts))),
        quantiles: Vec::new(),
    };
    (point.attributes, sample)
}

fn summary(point: SummaryPoint) -> (Attributes, Sample) {
    let sample = Sample {
        time: point.time,
        value: point.sum,
        count: point.count,
        buckets: None,
        quantiles: point.quantiles,
    };
    (point.attributes, sample)
}

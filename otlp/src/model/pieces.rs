//! Splits large telemetry into pieces, so that a store that adds them one by one can do other work in
//! between.

use super::{Data, Metric, Telemetry};

impl Telemetry {
    /// The same spans, log records and metrics in pieces, each with at most `items` of one signal. Of
    /// metrics, data points count, and a metric that has more of them is divided.
    pub fn pieces(self, items: usize) -> impl Iterator<Item = Self> {
        let spans = split(self.spans, items).map(|spans| Self { spans, ..Self::default() });
        let log_records =
            split(self.log_records, items).map(|log_records| Self { log_records, ..Self::default() });
        let mut divided = self.metrics.into_iter().flat_map(move |metric| metric.pieces(items));
        let metrics = std::iter::from_fn(move || {
            let (mut metrics, mut points) = (Vec::new(), 0);
            while points < items
                && let Some(metric) = divided.next()
            {
                points += 1 + metric.data.len() + metric.gaps.len();
                metrics.push(metric);
            }
            (!metrics.is_empty()).then(|| Self { metrics, ..Self::default() })
        });
        spans.chain(log_records).chain(metrics)
    }
}

impl Metric {
    fn pieces(mut self, points: usize) -> impl Iterator<Item = Self> {
        let data = std::mem::replace(&mut self.data, Data::None).pieces(points);
        let gaps = split(std::mem::take(&mut self.gaps), points);
        let data = data.into_iter().map(|data| (data, Vec::new()));
        let pieces = data.chain(gaps.map(|gaps| (Data::None, gaps)));
        pieces.map(move |(data, gaps)| Self { data, gaps, ..self.clone() })
    }
}

impl Data {
    fn pieces(self, points: usize) -> Vec<Self> {
        match self {
            Self::None => vec![Self::None],
            Self::Gauge(all) => split(all, points).map(Self::Gauge).collect(),
            Self::Sum { monotonic, temporality, points: all } => {
                split(all, points).map(|points| Self::Sum { monotonic, temporality, points }).collect()
            }
            Self::Histogram { temporality, points: all } => {
                split(all, points).map(|points| Self::Histogram { temporality, points }).collect()
            }
            Self::ExponentialHistogram { temporality, points: all } => {
                split(all, points).map(|points| Self::ExponentialHistogram { temporality, points }).collect()
            }
            Self::Summary(all) => split(all, points).map(Self::Summary).collect(),
        }
    }
}

fn split<T>(all: Vec<T>, size: usize) -> impl Iterator<Item = Vec<T>> {
    let mut all = all.into_iter();
    std::iter::from_fn(move || {
        let piece: Vec<T> = all.by_ref().take(size).collect();
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attributes, Gap, Point};

    fn metric(points: usize) -> Metric {
        let point =
            Point { start: 0, time: 0, attributes: Attributes::default(), value: 1.0, exemplars: Vec::new() };
        Metric {
            resource: Default::default(),
            scope: Default::default(),
            name: "orders".to_owned(),
            unit: String::new(),
            description: String::new(),
            data: Data::Gauge(vec![point; points]),
            gaps: Vec::new(),
        }
    }

    #[test]
    fn a_piece_has_few_points_and_nothing_is_lost() {
        let telemetry = Telemetry { metrics: vec![metric(2), metric(25), metric(0)], ..Telemetry::default() };
        let pieces: Vec<Vec<usize>> = telemetry
            .pieces(10)
            .map(|piece| piece.metrics.iter().map(|metric| metric.data.len()).collect())
            .collect();
        assert_eq!(pieces, [vec![2, 10], vec![10], vec![5]]);
        let gaps = vec![Gap { time: 0, attributes: Attributes::default() }; 15];
        let metrics = vec![Metric { gaps, ..metric(1) }];
        let pieces = Telemetry { metrics, ..Telemetry::default() }.pieces(10);
        let gaps: Vec<usize> =
            pieces.map(|piece| piece.metrics.iter().map(|metric| metric.gaps.len()).sum()).collect();
        assert_eq!(gaps, [10, 5]);
    }
}

//! Converts metrics from protobuf to the model.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1 as wire;
use wire::metric::Data as Wire;

use crate::decode::{id, resource, scope};
use crate::model::{
    Data, Exemplar, Gap, HistogramPoint, Metric, Point, SummaryPoint, Telemetry, Temporality,
};
use crate::shared_attributes::SharedAttributes;

pub(crate) fn metrics(request: ExportMetricsServiceRequest) -> Telemetry {
    let (mut telemetry, shared) = (Telemetry::default(), SharedAttributes::default());
    for resource_metrics in request.resource_metrics {
        let resource = resource(resource_metrics.resource, &shared);
        for scope_metrics in resource_metrics.scope_metrics {
            let scope = scope(scope_metrics.scope, scope_metrics.schema_url, &shared);
            telemetry.metrics.extend(scope_metrics.metrics.into_iter().map(|metric| {
                let mut gaps = Vec::new();
                Metric {
                    resource: Arc::clone(&resource),
                    scope: Arc::clone(&scope),
                    name: metric.name,
                    unit: metric.unit,
                    description: metric.description,
                    data: data(metric.data, &mut gaps, &shared),
                    gaps,
                }
            }));
        }
    }
    telemetry
}

/// The points with a recorded value. Adds those without to `gaps`.
fn data(data: Option<Wire>, gaps: &mut Vec<Gap>, shared: &SharedAttributes) -> Data {
    match data {
        None => Data::None,
        Some(Wire::Gauge(gauge)) => Data::Gauge(points(gauge.data_points, gaps, shared)),
        Some(Wire::Sum(sum)) => Data::Sum {
            monotonic: sum.is_monotonic,
            temporality: temporality(sum.aggregation_temporality()),
            points: points(sum.data_points, gaps, shared),
        },
        Some(Wire::Histogram(histogram)) => Data::Histogram {
            temporality: temporality(histogram.aggregation_temporality()),
            points: recorded(histogram.data_points, gaps, shared)
                .map(|point| HistogramPoint {
                    start: point.start_time_unix_nano,
                    time: point.time_unix_nano,
                    attributes: shared.attributes(point.attributes),
                    count: point.count,
                    sum: point.sum,
                    min: point.min,
                    max: point.max,
                    bounds: point.explicit_bounds,
                    bucket_counts: point.bucket_counts,
                    exemplars: exemplars(point.exemplars),
                })
                .collect(),
        },
        Some(Wire::ExponentialHistogram(histogram)) => Data::ExponentialHistogram {
            temporality: temporality(histogram.aggregation_temporality()),
            points: recorded(histogram.data_points, gaps, shared)
                .map(|point| exponential(point, shared))
                .collect(),
        },
        Some(Wire::Summary(summary)) => Data::Summary(
            recorded(summary.data_points, gaps, shared)
                .map(|point| SummaryPoint {
                    start: point.start_time_unix_nano,
                    time: point.time_unix_nano,
                    attributes: shared.attributes(point.attributes),
                    count: point.count,
                    sum: point.sum,
                    quantiles: point.quantile_values.iter().map(|at| (at.quantile, at.value)).collect(),
                })
                .collect(),
        ),
    }
}

/// Converts exponential buckets to explicit bounds. With an extreme offset or scale, the bounds are 0 or
/// infinite.
///
/// <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram>
fn exponential(point: wire::ExponentialHistogramDataPoint, shared: &SharedAttributes) -> HistogramPoint {
    // More precise than powers of the base, which is close to 1 at a large scale.
    let exponent = 2f64.powf(-f64::from(point.scale)).min(f64::MAX);
    let bound = |index: i64| (index as f64 * exponent).exp2();
    let (mut bounds, mut bucket_counts) = (Vec::new(), Vec::new());
    if let Some(negative) = point.negative {
        for (at, count) in negative.bucket_counts.iter().enumerate().rev() {
            bounds.push(-bound(i64::from(negative.offset) + at as i64));
            bucket_counts.push(*count);
        }
    }
    bounds.push(point.zero_threshold);
    bucket_counts.push(point.zero_count);
    if let Some(positive) = point.positive {
        // The bucket between zero and the first positive bucket is empty.
        bounds.push(bound(i64::from(positive.offset)));
        bucket_counts.push(0);
        for (at, count) in positive.bucket_counts.iter().enumerate() {
            bounds.push(bound(i64::from(positive.offset) + at as i64 + 1));
            bucket_counts.push(*count);
        }
    }
    bucket_counts.push(0);
    HistogramPoint {
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        attributes: shared.attributes(point.attributes),
        count: point.count,
        sum: point.sum,
        min: point.min,
        max: point.max,
        bounds,
        bucket_counts,
        exemplars: exemplars(point.exemplars),
    }
}

fn points(points: Vec<wire::NumberDataPoint>, gaps: &mut Vec<Gap>, shared: &SharedAttributes) -> Vec<Point> {
    recorded(points, gaps, shared)
        .map(|point| Point {
            start: point.start_time_unix_nano,
            time: point.time_unix_nano,
            attributes: shared.attributes(point.attributes),
            value: match point.value {
                Some(wire::number_data_point::Value::AsDouble(double)) => double,
                Some(wire::number_data_point::Value::AsInt(int)) => int as f64,
                None => 0.0,
            },
            exemplars: exemplars(point.exemplars),
        })
        .collect()
}

fn exemplars(exemplars: Vec<wire::Exemplar>) -> Vec<Exemplar> {
    exemplars
        .into_iter()
        .map(|exemplar| Exemplar {
            time: exemplar.time_unix_nano,
            value: match exemplar.value {
                Some(wire::exemplar::Value::AsDouble(double)) => double,
                Some(wire::exemplar::Value::AsInt(int)) => int as f64,
                None => 0.0,
            },
            trace_id: id(&exemplar.trace_id),
            span_id: id(&exemplar.span_id),
        })
        .collect()
}

/// A point of any kind.
trait DataPoint {
    fn flags(&self) -> u32;
    fn into_gap(self, shared: &SharedAttributes) -> Gap;
}

macro_rules! data_points {
    ($($point:ident),+) => { $(
        impl DataPoint for wire::$point {
            fn flags(&self) -> u32 {
                self.flags
            }

            fn into_gap(self, shared: &SharedAttributes) -> Gap {
                Gap { time: self.time_unix_nano, attributes: shared.attributes(self.attributes) }
            }
        }
    )+ };
}

data_points!(NumberDataPoint, HistogramDataPoint, ExponentialHistogramDataPoint, SummaryDataPoint);

/// The points that have a value. A point without one reports that its series has ended, so its 0 must be
/// ignored.
///
/// <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#no-recorded-value>
fn recorded<P: DataPoint>(
    points: Vec<P>,
    gaps: &mut Vec<Gap>,
    shared: &SharedAttributes,
) -> impl Iterator<Item = P> {
    points.into_iter().filter_map(|point| {
        if point.flags() & wire::DataPointFlags::NoRecordedValueMask as u32 == 0 {
            return Some(point);
        }
        gaps.push(point.into_gap(shared));
        None
    })
}

fn temporality(temporality: wire::AggregationTemporality) -> Temporality {
    match temporality {
        wire::AggregationTemporality::Unspecified => Temporality::Unspecified,
        wire::AggregationTemporality::Delta => Temporality::Delta,
        wire::AggregationTemporality::Cumulative => Temporality::Cumulative,
    }
}

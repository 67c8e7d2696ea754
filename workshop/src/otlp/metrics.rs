//! Metrics, from protobuf to the shape that is easy to ask.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1 as wire;
use wire::metric::Data as Wire;

use super::decode::{attributes, resource, scope};
use crate::telemetry::{Data, HistogramPoint, Metric, Point, Telemetry, Temporality};

pub(super) fn metrics(request: ExportMetricsServiceRequest) -> Telemetry {
    let mut telemetry = Telemetry::default();
    for resource_metrics in request.resource_metrics {
        let resource = resource(resource_metrics.resource);
        for scope_metrics in resource_metrics.scope_metrics {
            let scope = scope(scope_metrics.scope);
            telemetry.metrics.extend(scope_metrics.metrics.into_iter().map(|metric| Metric {
                resource: Arc::clone(&resource),
                scope: scope.clone(),
                name: metric.name,
                unit: metric.unit,
                description: metric.description,
                data: data(metric.data),
            }));
        }
    }
    telemetry
}

fn data(data: Option<Wire>) -> Data {
    match data {
        None => Data::None,
        Some(Wire::Gauge(gauge)) => Data::Gauge(points(gauge.data_points)),
        Some(Wire::Sum(sum)) => Data::Sum {
            monotonic: sum.is_monotonic,
            temporality: temporality(sum.aggregation_temporality()),
            points: points(sum.data_points),
        },
        Some(Wire::Histogram(histogram)) => Data::Histogram {
            temporality: temporality(histogram.aggregation_temporality()),
            points: histogram
                .data_points
                .into_iter()
                .map(|point| HistogramPoint {
                    attributes: attributes(point.attributes),
                    count: point.count,
                    sum: point.sum.unwrap_or_default(),
                    min: point.min,
                    max: point.max,
                    bounds: point.explicit_bounds,
                    bucket_counts: point.bucket_counts,
                })
                .collect(),
        },
        Some(Wire::ExponentialHistogram(histogram)) => Data::ExponentialHistogram {
            temporality: temporality(histogram.aggregation_temporality()),
            points: histogram
                .data_points
                .into_iter()
                .map(|point| HistogramPoint {
                    attributes: attributes(point.attributes),
                    count: point.count,
                    sum: point.sum.unwrap_or_default(),
                    min: point.min,
                    max: point.max,
                    bounds: Vec::new(),
                    bucket_counts: Vec::new(),
                })
                .collect(),
        },
        Some(Wire::Summary(_)) => Data::Summary,
    }
}

fn points(points: Vec<wire::NumberDataPoint>) -> Vec<Point> {
    points
        .into_iter()
        .map(|point| Point {
            attributes: attributes(point.attributes),
            value: match point.value {
                Some(wire::number_data_point::Value::AsDouble(double)) => double,
                Some(wire::number_data_point::Value::AsInt(int)) => int as f64,
                None => 0.0,
            },
        })
        .collect()
}

fn temporality(temporality: wire::AggregationTemporality) -> Temporality {
    match temporality {
        wire::AggregationTemporality::Unspecified => Temporality::Unspecified,
        wire::AggregationTemporality::Delta => Temporality::Delta,
        wire::AggregationTemporality::Cumulative => Temporality::Cumulative,
    }
}

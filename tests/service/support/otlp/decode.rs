//! From the messages of OTLP into the model of the tests.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span;
use serde_json::{Value, json};

use super::received::{Attributes, Event, Exported, Instrument, Point, Received, Record, Span};

/// Decodes one request. Where `only_count`, spans and log records are counted and not kept.
pub fn decode(exported: Exported, only_count: bool) -> Received {
    let mut received = Received::default();
    match exported {
        Exported::Traces(request) => {
            for block in request.resource_spans {
                let resource = resource(block.resource);
                for span in block.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                    received.span_count += 1;
                    if !only_count {
                        received.spans.push(decode_span(&resource, span));
                    }
                }
            }
        }
        Exported::Metrics(request) => {
            for block in request.resource_metrics {
                let resource = resource(block.resource);
                for metric in block.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                    received.points.extend(decode_metric(&resource, metric));
                }
            }
        }
        Exported::Logs(request) => {
            for block in request.resource_logs {
                let resource = resource(block.resource);
                for record in block.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
                    received.record_count += 1;
                    if !only_count {
                        received.records.push(decode_record(&resource, record));
                    }
                }
            }
        }
    }
    received
}

fn decode_span(resource: &Arc<Attributes>, span: opentelemetry_proto::tonic::trace::v1::Span) -> Span {
    Span {
        resource: resource.clone(),
        kind: span.kind(),
        name: span.name,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: id(&span.parent_span_id),
        trace_state: span.trace_state,
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(decode_event).collect(),
        status: span.status.unwrap_or_default().code(),
    }
}

fn decode_event(event: span::Event) -> Event {
    Event { name: event.name, attributes: attributes(event.attributes) }
}

fn decode_record(resource: &Arc<Attributes>, record: LogRecord) -> Record {
    Record {
        resource: resource.clone(),
        body: record.body.map_or(Value::Null, value),
        severity: record.severity_text,
        severity_number: record.severity_number,
        trace_id: id(&record.trace_id),
        span_id: id(&record.span_id),
        attributes: attributes(record.attributes),
        event_name: record.event_name,
    }
}

fn decode_metric(resource: &Arc<Attributes>, metric: Metric) -> Vec<Point> {
    let empty = Point {
        resource: resource.clone(),
        metric: metric.name,
        unit: metric.unit,
        instrument: Instrument::Gauge,
        cumulative: false,
        attributes: Attributes::new(),
        value: 0.0,
        sum: 0.0,
        bounds: Vec::new(),
    };
    let cumulative = |temporality| temporality == AggregationTemporality::Cumulative;
    match metric.data {
        Some(Data::Gauge(gauge)) => {
            gauge.data_points.into_iter().map(|point| number(&empty, point)).collect()
        }
        Some(Data::Sum(sum)) => {
            let instrument = if sum.is_monotonic { Instrument::Counter } else { Instrument::UpDownCounter };
            let empty = Point { instrument, cumulative: cumulative(sum.aggregation_temporality()), ..empty };
            sum.data_points.into_iter().map(|point| number(&empty, point)).collect()
        }
        Some(Data::Histogram(data)) => {
            let cumulative = cumulative(data.aggregation_temporality());
            let empty = Point { instrument: Instrument::Histogram, cumulative, ..empty };
            data.data_points.into_iter().map(|point| histogram(&empty, point)).collect()
        }
        other => panic!("metric {} has data that nobody asked for: {other:?}", empty.metric),
    }
}

fn number(empty: &Point, point: NumberDataPoint) -> Point {
    Point {
        attributes: attributes(point.attributes),
        value: match point.value.unwrap() {
            Number::AsDouble(value) => value,
            Number::AsInt(value) => value as f64,
        },
        ..empty.clone()
    }
}

fn histogram(empty: &Point, point: HistogramDataPoint) -> Point {
    Point {
        value: point.count as f64,
        sum: point.sum(),
        attributes: attributes(point.attributes),
        bounds: point.explicit_bounds,
        ..empty.clone()
    }
}

fn resource(resource: Option<Resource>) -> Arc<Attributes> {
    Arc::new(attributes(resource.unwrap_or_default().attributes))
}

/// A key that comes twice is against the protocol; it stays visible, under a name that no test expects.
fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    let mut attributes = Attributes::new();
    for KeyValue { key, value: given, .. } in pairs {
        let key = if attributes.contains_key(&key) { format!("{key} (again)") } else { key };
        attributes.insert(key, given.map_or(Value::Null, value));
    }
    attributes
}

fn value(any: AnyValue) -> Value {
    match any.value {
        None => Value::Null,
        Some(any_value::Value::StringValue(text)) => json!(text),
        Some(any_value::Value::BoolValue(flag)) => json!(flag),
        Some(any_value::Value::IntValue(number)) => json!(number),
        Some(any_value::Value::DoubleValue(number)) => json!(number),
        Some(any_value::Value::ArrayValue(array)) => array.values.into_iter().map(value).collect(),
        Some(any_value::Value::KvlistValue(list)) => json!(attributes(list.values)),
        Some(any_value::Value::BytesValue(bytes)) => json!(bytes),
        Some(any_value::Value::StringValueStrindex(index)) => json!({ "strindex": index }),
    }
}

/// An id, absent where it is empty or all zeros.
fn id(bytes: &[u8]) -> Option<String> {
    bytes.iter().any(|byte| *byte != 0).then(|| hex(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

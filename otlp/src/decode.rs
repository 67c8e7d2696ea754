//! Converts protobuf messages to the model.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::logs::v1::LogRecord as WireRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as wire;
use prost::bytes::Bytes;
use prost::{DecodeError, Message};

pub(crate) use crate::metrics::metrics;
use crate::model::{
    Attributes, Dropped, Event, Link, LogRecord, Scope, Span, SpanKind, StatusCode, Telemetry, Value,
};
use crate::shared_attributes::SharedAttributes;
use crate::wire::{Items, OfResource, OfScope};

pub(crate) fn spans(request: Items) -> Result<Telemetry, DecodeError> {
    let mut telemetry = Telemetry::default();
    each_item(request, |encoded, resource, scope, shared| {
        telemetry.spans.push(span(wire::Span::decode(encoded)?, resource, scope, shared));
        Ok(())
    })?;
    Ok(telemetry)
}

pub(crate) fn log_records(request: Items) -> Result<Telemetry, DecodeError> {
    let mut telemetry = Telemetry::default();
    each_item(request, |encoded, resource, scope, shared| {
        telemetry.log_records.push(log_record(WireRecord::decode(encoded)?, resource, scope, shared));
        Ok(())
    })?;
    Ok(telemetry)
}

fn each_item(
    request: Items,
    mut convert: impl FnMut(Bytes, &Arc<Attributes>, &Arc<Scope>, &SharedAttributes) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let shared = SharedAttributes::default();
    for OfResource { resource, of_scopes } in request.of_resources {
        let resource = self::resource(resource, &shared);
        for OfScope { scope, items, schema_url } in of_scopes {
            let scope = self::scope(scope, schema_url, &shared);
            items.into_iter().try_for_each(|item| convert(item, &resource, &scope, &shared))?;
        }
    }
    Ok(())
}

fn span(span: wire::Span, resource: &Arc<Attributes>, scope: &Arc<Scope>, shared: &SharedAttributes) -> Span {
    let kind = match span.kind() {
        wire::span::SpanKind::Unspecified => SpanKind::Unspecified,
        wire::span::SpanKind::Internal => SpanKind::Internal,
        wire::span::SpanKind::Server => SpanKind::Server,
        wire::span::SpanKind::Client => SpanKind::Client,
        wire::span::SpanKind::Producer => SpanKind::Producer,
        wire::span::SpanKind::Consumer => SpanKind::Consumer,
    };
    let status = span.status.unwrap_or_default();
    Span {
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        trace_id: hex::encode(&span.trace_id),
        span_id: hex::encode(&span.span_id),
        parent_span_id: id(&span.parent_span_id),
        trace_state: span.trace_state,
        flags: span.flags,
        name: span.name,
        kind,
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        attributes: shared.attributes(span.attributes),
        events: span
            .events
            .into_iter()
            .map(|event| Event {
                time: event.time_unix_nano,
                name: event.name,
                attributes: shared.attributes(event.attributes),
            })
            .collect(),
        links: span
            .links
            .into_iter()
            .map(|link| Link {
                trace_id: hex::encode(&link.trace_id),
                span_id: hex::encode(&link.span_id),
                trace_state: link.trace_state,
                flags: link.flags,
                attributes: shared.attributes(link.attributes),
            })
            .collect(),
        dropped: Dropped {
            attributes: span.dropped_attributes_count,
            events: span.dropped_events_count,
            links: span.dropped_links_count,
        },
        status: match status.code() {
            wire::status::StatusCode::Unset => StatusCode::Unset,
            wire::status::StatusCode::Ok => StatusCode::Ok,
            wire::status::StatusCode::Error => StatusCode::Error,
        },
        status_message: status.message,
    }
}

fn log_record(
    record: WireRecord,
    resource: &Arc<Attributes>,
    scope: &Arc<Scope>,
    shared: &SharedAttributes,
) -> LogRecord {
    LogRecord {
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        time: record.time_unix_nano,
        observed: record.observed_time_unix_nano,
        severity_number: record.severity_number,
        severity_text: record.severity_text,
        body: value(record.body.and_then(|body| body.value), shared),
        attributes: shared.attributes(record.attributes),
        trace_id: id(&record.trace_id),
        span_id: id(&record.span_id),
        event_name: record.event_name,
    }
}

pub(crate) fn resource(resource: Option<Resource>, shared: &SharedAttributes) -> Arc<Attributes> {
    Arc::new(shared.attributes(resource.unwrap_or_default().attributes))
}

pub(crate) fn scope(
    scope: Option<InstrumentationScope>,
    schema_url: String,
    shared: &SharedAttributes,
) -> Arc<Scope> {
    let scope = scope.unwrap_or_default();
    Arc::new(Scope {
        name: scope.name,
        version: scope.version,
        attributes: shared.attributes(scope.attributes),
        schema_url,
    })
}

pub(crate) fn value(wire: Option<Wire>, shared: &SharedAttributes) -> Value {
    match wire {
        None => Value::Empty,
        Some(Wire::StringValue(text)) => Value::Text(text.into()),
        Some(Wire::BoolValue(bool)) => Value::Bool(bool),
        Some(Wire::IntValue(int)) => Value::Int(int),
        Some(Wire::DoubleValue(double)) => Value::Double(double),
        Some(Wire::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(Wire::ArrayValue(array)) => {
            Value::Array(array.values.into_iter().map(|element| value(element.value, shared)).collect())
        }
        Some(Wire::KvlistValue(list)) => Value::Map(shared.attributes(list.values)),
        // An index into a table that exists only for profiles.
        Some(Wire::StringValueStrindex(_)) => Value::Empty,
    }
}

/// An id that is empty or all zeros counts as missing.
pub(crate) fn id(bytes: &[u8]) -> Option<String> {
    bytes.iter().any(|byte| *byte != 0).then(|| hex::encode(bytes))
}

//! Telemetry as OTLP/JSON, as the receiver takes it.
//!
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>: ids are hex, 64-bit integers are strings, enums are
//! numbers, and what is empty may be left out.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::{Attributes, Link, LogRecord, Scope, Span, SpanKind, StatusCode, Value};

/// `{resourceSpans}`. Spans that follow one another with the same resource and scope stand together.
pub fn traces<'a>(spans: impl IntoIterator<Item = &'a Span>) -> Json {
    let items = spans.into_iter().map(|span| (&span.resource, &span.scope, self::span(span)));
    json!({ "resourceSpans": grouped(items, "scopeSpans", "spans") })
}

/// `{resourceLogs}`. Records that follow one another with the same resource and scope stand together.
pub fn log_records<'a>(records: impl IntoIterator<Item = &'a LogRecord>) -> Json {
    let items = records.into_iter().map(|record| (&record.resource, &record.scope, log_record(record)));
    json!({ "resourceLogs": grouped(items, "scopeLogs", "logRecords") })
}

fn grouped<'a>(
    items: impl Iterator<Item = (&'a Arc<Attributes>, &'a Arc<Scope>, Json)>,
    of_scope: &str,
    of_item: &str,
) -> Vec<Json> {
    let mut groups: Vec<(&Arc<Attributes>, &Arc<Scope>, Vec<Json>)> = Vec::new();
    for (resource, scope, item) in items {
        match groups.last_mut() {
            Some((last_resource, last_scope, items))
                if Arc::ptr_eq(last_resource, resource) && Arc::ptr_eq(last_scope, scope) =>
            {
                items.push(item);
            }
            _ => groups.push((resource, scope, vec![item])),
        }
    }
    let group = |(resource, scope, items): (&Arc<Attributes>, &Arc<Scope>, Vec<Json>)| {
        let mut of_one = json!({
            "scope": { "name": scope.name, "version": scope.version, "attributes": attributes(&scope.attributes) },
            "schemaUrl": scope.schema_url,
        });
        of_one[of_item] = items.into();
        let mut group = json!({ "resource": { "attributes": attributes(resource) } });
        group[of_scope] = vec![of_one].into();
        group
    };
    groups.into_iter().map(group).collect()
}

fn span(span: &Span) -> Json {
    let kind = match span.kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    };
    let status = match span.status {
        StatusCode::Unset => json!({}),
        StatusCode::Ok => json!({ "code": 1 }),
        StatusCode::Error => json!({ "code": 2, "message": span.status_message }),
    };
    let events = span.events.iter().map(|event| {
        json!({
            "timeUnixNano": event.time.to_string(),
            "name": event.name,
            "attributes": attributes(&event.attributes),
        })
    });
    let mut json = json!({
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": span.start.to_string(),
        "endTimeUnixNano": span.end.to_string(),
        "attributes": attributes(&span.attributes),
        "droppedAttributesCount": span.dropped.attributes,
        "events": events.collect::<Vec<_>>(),
        "droppedEventsCount": span.dropped.events,
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "droppedLinksCount": span.dropped.links,
        "status": status,
    });
    if let Some(parent) = &span.parent_span_id {
        json["parentSpanId"] = parent.as_str().into();
    }
    json
}

fn link(link: &Link) -> Json {
    json!({
        "traceId": link.trace_id,
        "spanId": link.span_id,
        "traceState": link.trace_state,
        "flags": link.flags,
        "attributes": attributes(&link.attributes),
    })
}

fn log_record(record: &LogRecord) -> Json {
    let mut json = json!({
        "timeUnixNano": record.time.to_string(),
        "observedTimeUnixNano": record.observed.to_string(),
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "body": value(&record.body),
        "attributes": attributes(&record.attributes),
        "eventName": record.event_name,
    });
    if let Some(id) = &record.trace_id {
        json["traceId"] = id.as_str().into();
    }
    if let Some(id) = &record.span_id {
        json["spanId"] = id.as_str().into();
    }
    json
}

fn attributes(attributes: &Attributes) -> Vec<Json> {
    attributes.0.iter().map(|(key, value)| json!({ "key": key, "value": self::value(value) })).collect()
}

fn value(value: &Value) -> Json {
    match value {
        Value::Empty => json!({}),
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Bool(bool) => json!({ "boolValue": bool }),
        Value::Int(int) => json!({ "intValue": int.to_string() }),
        Value::Double(double) if double.is_finite() => json!({ "doubleValue": double }),
        // Protobuf's names for what JSON has no number for.
        Value::Double(double) if double.is_nan() => json!({ "doubleValue": "NaN" }),
        Value::Double(double) => {
            json!({ "doubleValue": if *double > 0.0 { "Infinity" } else { "-Infinity" } })
        }
        Value::Bytes(bytes) => json!({ "bytesValue": STANDARD.encode(bytes) }),
        Value::Array(values) => {
            json!({ "arrayValue": { "values": values.iter().map(self::value).collect::<Vec<_>>() } })
        }
        Value::Map(map) => json!({ "kvlistValue": { "values": attributes(map) } }),
    }
}

//! Telemetry as OTLP/JSON, in the form that the receiver accepts.
//!
//! As <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding> requires, ids are hex, 64-bit
//! integers are strings, enums are numbers, and empty fields may be left out. Each item is serialized
//! directly, without a tree of values in memory, because a trace may be large.

use std::sync::Arc;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{Attributes, Event, Link, LogRecord, Scope, Span, SpanKind, StatusCode, Value};

/// `{resourceSpans}`. Consecutive spans with the same resource and scope form one group.
pub fn traces<S: AsRef<Span>>(spans: &[S]) -> impl Serialize {
    let shares = |one: &S, other: &S| {
        let (one, other) = (one.as_ref(), other.as_ref());
        Arc::ptr_eq(&one.resource, &other.resource) && Arc::ptr_eq(&one.scope, &other.scope)
    };
    TracesData {
        resource_spans: Seq(move || {
            spans.chunk_by(shares).filter_map(|group| {
                let first = group.first()?.as_ref();
                Some(ResourceSpans {
                    resource: ResourceJson::from(&*first.resource),
                    scope_spans: [ScopeSpans {
                        scope: ScopeJson::from(&*first.scope),
                        schema_url: &first.scope.schema_url,
                        spans: Seq(move || group.iter().map(|span| SpanJson::from(span.as_ref()))),
                    }],
                })
            })
        }),
    }
}

/// `{resourceLogs}`. Consecutive records with the same resource and scope form one group.
pub fn log_records<R: AsRef<LogRecord>>(records: &[R]) -> impl Serialize {
    let shares = |one: &R, other: &R| {
        let (one, other) = (one.as_ref(), other.as_ref());
        Arc::ptr_eq(&one.resource, &other.resource) && Arc::ptr_eq(&one.scope, &other.scope)
    };
    LogsData {
        resource_logs: Seq(move || {
            records.chunk_by(shares).filter_map(|group| {
                let first = group.first()?.as_ref();
                Some(ResourceLogs {
                    resource: ResourceJson::from(&*first.resource),
                    scope_logs: [ScopeLogs {
                        scope: ScopeJson::from(&*first.scope),
                        schema_url: &first.scope.schema_url,
                        log_records: Seq(move || {
                            group.iter().map(|record| LogRecordJson::from(record.as_ref()))
                        }),
                    }],
                })
            })
        }),
    }
}

/// A sequence whose elements are created during serialization.
struct Seq<F>(F);

impl<F: Fn() -> I, I: IntoIterator<Item: Serialize>> Serialize for Seq<F> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq((self.0)())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TracesData<T> {
    resource_spans: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a, T> {
    resource: ResourceJson<'a>,
    scope_spans: [ScopeSpans<'a, T>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ScopeSpans<'a, T> {
    scope: ScopeJson<'a>,
    schema_url: &'a str,
    spans: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogsData<T> {
    resource_logs: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a, T> {
    resource: ResourceJson<'a>,
    scope_logs: [ScopeLogs<'a, T>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a, T> {
    scope: ScopeJson<'a>,
    schema_url: &'a str,
    log_records: T,
}

#[derive(Serialize)]
struct ResourceJson<'a> {
    attributes: Pairs<'a>,
}

impl<'a> From<&'a Attributes> for ResourceJson<'a> {
    fn from(attributes: &'a Attributes) -> Self {
        Self { attributes: Pairs(attributes) }
    }
}

#[derive(Serialize)]
struct ScopeJson<'a> {
    name: &'a str,
    version: &'a str,
    attributes: Pairs<'a>,
}

impl<'a> From<&'a Scope> for ScopeJson<'a> {
    fn from(scope: &'a Scope) -> Self {
        Self { name: &scope.name, version: &scope.version, attributes: Pairs(&scope.attributes) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson<'a> {
    trace_id: &'a str,
    span_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<&'a str>,
    trace_state: &'a str,
    flags: u32,
    name: &'a str,
    kind: u8,
    start_time_unix_nano: Text<u64>,
    end_time_unix_nano: Text<u64>,
    attributes: Pairs<'a>,
    dropped_attributes_count: u32,
    events: Events<'a>,
    dropped_events_count: u32,
    links: Links<'a>,
    dropped_links_count: u32,
    status: Status<'a>,
}

impl<'a> From<&'a Span> for SpanJson<'a> {
    fn from(span: &'a Span) -> Self {
        Self {
            trace_id: &span.trace_id,
            span_id: &span.span_id,
            parent_span_id: span.parent_span_id.as_deref(),
            trace_state: &span.trace_state,
            flags: span.flags,
            name: &span.name,
            kind: match span.kind {
                SpanKind::Unspecified => 0,
                SpanKind::Internal => 1,
                SpanKind::Server => 2,
                SpanKind::Client => 3,
                SpanKind::Producer => 4,
                SpanKind::Consumer => 5,
            },
            start_time_unix_nano: Text(span.start),
            end_time_unix_nano: Text(span.end),
            attributes: Pairs(&span.attributes),
            dropped_attributes_count: span.dropped.attributes,
            events: Events(&span.events),
            dropped_events_count: span.dropped.events,
            links: Links(&span.links),
            dropped_links_count: span.dropped.links,
            status: match span.status {
                StatusCode::Unset => Status { code: None, message: None },
                StatusCode::Ok => Status { code: Some(1), message: None },
                StatusCode::Error => Status { code: Some(2), message: Some(&span.status_message) },
            },
        }
    }
}

#[derive(Serialize)]
struct Status<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

struct Events<'a>(&'a [Event]);

impl Serialize for Events<'_> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq(self.0.iter().map(|event| EventJson {
            time_unix_nano: Text(event.time),
            name: &event.name,
            attributes: Pairs(&event.attributes),
        }))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventJson<'a> {
    time_unix_nano: Text<u64>,
    name: &'a str,
    attributes: Pairs<'a>,
}

struct Links<'a>(&'a [Link]);

impl Serialize for Links<'_> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq(self.0.iter().map(|link| LinkJson {
            trace_id: &link.trace_id,
            span_id: &link.span_id,
            trace_state: &link.trace_state,
            flags: link.flags,
            attributes: Pairs(&link.attributes),
        }))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkJson<'a> {
    trace_id: &'a str,
    span_id: &'a str,
    trace_state: &'a str,
    flags: u32,
    attributes: Pairs<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogRecordJson<'a> {
    time_unix_nano: Text<u64>,
    observed_time_unix_nano: Text<u64>,
    severity_number: i32,
    severity_text: &'a str,
    body: AnyValue<'a>,
    attributes: Pairs<'a>,
    event_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<&'a str>,
}

impl<'a> From<&'a LogRecord> for LogRecordJson<'a> {
    fn from(record: &'a LogRecord) -> Self {
        Self {
            time_unix_nano: Text(record.time),
            observed_time_unix_nano: Text(record.observed),
            severity_number: record.severity_number,
            severity_text: &record.severity_text,
            body: AnyValue(&record.body),
            attributes: Pairs(&record.attributes),
            event_name: &record.event_name,
            trace_id: record.trace_id.as_deref(),
            span_id: record.span_id.as_deref(),
        }
    }
}

struct Pairs<'a>(&'a Attributes);

impl Serialize for Pairs<'_> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq(self.0.iter().map(|(key, value)| Pair { key, value: AnyValue(value) }))
    }
}

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: AnyValue<'a>,
}

struct AnyValue<'a>(&'a Value);

impl Serialize for AnyValue<'_> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.0 {
            Value::Empty => {}
            Value::Text(text) => map.serialize_entry("stringValue", &**text)?,
            Value::Bool(bool) => map.serialize_entry("boolValue", bool)?,
            Value::Int(int) => map.serialize_entry("intValue", &Text(int))?,
            Value::Double(double) if double.is_finite() => map.serialize_entry("doubleValue", double)?,
            // JSON has no numbers for these values, so protobuf's mapping uses names.
            Value::Double(double) if double.is_nan() => map.serialize_entry("doubleValue", "NaN")?,
            Value::Double(double) => {
                map.serialize_entry("doubleValue", if *double > 0.0 { "Infinity" } else { "-Infinity" })?;
            }
            Value::Bytes(bytes) => {
                map.serialize_entry("bytesValue", &Text(Base64Display::new(bytes, &STANDARD)))?;
            }
            Value::Array(values) => map.serialize_entry("arrayValue", &Values { values: Array(values) })?,
            Value::Map(pairs) => map.serialize_entry("kvlistValue", &Values { values: Pairs(pairs) })?,
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Values<T> {
    values: T,
}

struct Array<'a>(&'a [Value]);

impl Serialize for Array<'_> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq(self.0.iter().map(AnyValue))
    }
}

/// Serializes a value as a JSON string.
struct Text<T>(T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_str(&self.0)
    }
}

//! Encodes log records.

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::AnyValue;
use opentelemetry_sdk::logs::SdkLogRecord;

use super::{bool_value, double_value, int_value, list, string_value, unix_nanos};
use crate::otlp::protobuf::ExpectedLength::{Medium, Short};
use crate::otlp::protobuf::Writer;

/// Encodes a log record as an element of `ScopeLogs`, using the memory of `buffer`.
pub(crate) fn encode_log_record(record: &SdkLogRecord, buffer: Vec<u8>) -> Vec<u8> {
    let mut to = Writer::new(buffer);
    to.message(2, Medium, |to| log_record(to, record));
    to.into_bytes()
}

/// The name of a record's scope: its target, which is the module that has logged it; otherwise the name of
/// its logger.
pub(crate) fn scope_name<'a>(record: &'a SdkLogRecord, scope: &'a InstrumentationScope) -> &'a str {
    record.target().map_or(scope.name(), |target| target)
}

/// `LogRecord` in logs/v1/logs.proto.
fn log_record(to: &mut Writer, record: &SdkLogRecord) {
    to.fixed64(1, record.timestamp().map_or(0, unix_nanos));
    to.integer(2, record.severity_number().map_or(0, |severity| severity as u32));
    to.string(3, record.severity_text().unwrap_or_default());
    if let Some(body) = record.body() {
        to.message(5, Short, |to| any_value(to, body));
    }
    for (key, value) in record.attributes_iter() {
        member(to, 6, key.as_str(), value);
    }
    if let Some(context) = record.trace_context() {
        to.fixed32(8, context.trace_flags.map_or(0, |flags| u32::from(flags.to_u8())));
        to.bytes_always(9, &context.trace_id.to_bytes());
        to.bytes_always(10, &context.span_id.to_bytes());
    }
    to.fixed64(11, record.observed_timestamp().map_or(0, unix_nanos));
    to.string(12, record.event_name().unwrap_or_default());
}

/// `KeyValue` in common/v1/common.proto.
fn member(to: &mut Writer, field: u32, key: &str, value: &AnyValue) {
    to.message(field, Short, |to| {
        to.string(1, key);
        to.message(2, Short, |to| any_value(to, value));
    });
}

/// `AnyValue` in common/v1/common.proto. The enum may get new variants, which would be sent as an empty
/// value.
fn any_value(to: &mut Writer, value: &AnyValue) {
    match value {
        AnyValue::String(text) => string_value(to, text.as_str()),
        AnyValue::Boolean(value) => bool_value(to, *value),
        AnyValue::Int(number) => int_value(to, *number),
        AnyValue::Double(number) => double_value(to, *number),
        AnyValue::ListAny(values) => to.message(5, Short, |to| list(to, values, any_value)),
        AnyValue::Map(members) => to.message(6, Short, |to| {
            for (key, value) in members.iter() {
                member(to, 1, key.as_str(), value);
            }
        }),
        AnyValue::Bytes(bytes) => to.bytes_always(7, bytes),
        _ => {}
    }
}

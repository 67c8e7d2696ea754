//! Encodes requests as protobuf. The field numbers are those of
//! <https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto>; the comments on the
//! functions name the files.

mod items;
mod log_records;
mod spans;

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::{Array, InstrumentationScope, Key, KeyValue, Value};
use opentelemetry_sdk::Resource;

use super::protobuf::ExpectedLength::Short;
use super::protobuf::Writer;

pub(crate) use items::EncodedItems;
pub(crate) use log_records::{encode_log_record, scope_name};
pub(crate) use spans::encode_span;

/// The fields of a `ResourceSpans` and a `ResourceLogs` that are the same in every request:
/// resource/v1/resource.proto.
#[derive(Debug, Default)]
pub(crate) struct EncodedResource {
    attributes: Vec<u8>,
    schema_url: String,
}

impl From<&Resource> for EncodedResource {
    fn from(resource: &Resource) -> Self {
        let mut to = Writer::new(Vec::new());
        for (key, value) in resource {
            attribute(&mut to, 1, key, value);
        }
        let schema_url = resource.schema_url().unwrap_or_default().to_owned();
        Self { attributes: to.into_bytes(), schema_url }
    }
}

/// `InstrumentationScope` in common/v1/common.proto, under `name`.
fn scope(to: &mut Writer, name: &str, scope: &InstrumentationScope) {
    to.message(1, Short, |to| {
        to.string(1, name);
        to.string(2, scope.version().unwrap_or_default());
        attributes(to, 3, scope.attributes());
    });
}

fn attributes<'a>(to: &mut Writer, field: u32, attributes: impl IntoIterator<Item = &'a KeyValue>) {
    for KeyValue { key, value, .. } in attributes {
        attribute(to, field, key, value);
    }
}

/// `KeyValue` in common/v1/common.proto.
fn attribute(to: &mut Writer, field: u32, key: &Key, value: &Value) {
    to.message(field, Short, |to| {
        to.string(1, key.as_str());
        to.message(2, Short, |to| self::value(to, value));
    });
}

/// `AnyValue` in common/v1/common.proto. Both enums may get new variants, which would be sent as an empty
/// value.
fn value(to: &mut Writer, value: &Value) {
    match value {
        Value::String(text) => string_value(to, text.as_str()),
        Value::Bool(value) => bool_value(to, *value),
        Value::I64(number) => int_value(to, *number),
        Value::F64(number) => double_value(to, *number),
        Value::Array(array) => to.message(5, Short, |to| match array {
            Array::String(texts) => list(to, texts, |to, text| string_value(to, text.as_str())),
            Array::Bool(values) => list(to, values, |to, value| bool_value(to, *value)),
            Array::I64(numbers) => list(to, numbers, |to, number| int_value(to, *number)),
            Array::F64(numbers) => list(to, numbers, |to, number| double_value(to, *number)),
            _ => {}
        }),
        _ => {}
    }
}

/// `ArrayValue` in common/v1/common.proto.
fn list<T>(to: &mut Writer, elements: &[T], value: impl Fn(&mut Writer, &T)) {
    for element in elements {
        to.message(1, Short, |to| value(to, element));
    }
}

fn string_value(to: &mut Writer, text: &str) {
    to.bytes_always(1, text.as_bytes());
}

fn bool_value(to: &mut Writer, value: bool) {
    to.integer_always(2, u64::from(value));
}

/// A negative number is written as its two's complement in 64 bits.
fn int_value(to: &mut Writer, number: i64) {
    to.integer_always(3, number as u64);
}

fn double_value(to: &mut Writer, number: f64) {
    to.double_always(4, number);
}

/// A time before 1970 becomes 0, which OTLP reads as an unknown time.
fn unix_nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

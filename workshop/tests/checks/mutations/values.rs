//! Changes of a value: another type, another value.

use otlp::model::{Attributes, Value};
use serde_json::Value as Json;

/// A change of an attribute, with its name.
type Change = (&'static str, fn(&mut Attributes, &str));

pub const CHANGES: [Change; 4] = [
    ("drop", |attributes, key| drop(attributes.remove(key))),
    ("another type of", |attributes, key| with(attributes, key, another_type)),
    ("another value of", |attributes, key| with(attributes, key, another_value)),
    ("an old or wrong name of", |attributes, key| {
        if let Some(value) = attributes.remove(key) {
            attributes.set(&format!("{key}.old"), value);
        }
    }),
];

fn with(attributes: &mut Attributes, key: &str, change: fn(&Value) -> Value) {
    if let Some(value) = attributes.get(key) {
        let value = change(value);
        attributes.set(key, value);
    }
}

fn another_type(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Array(vec![Value::Text(text.clone())]),
        Value::Int(int) => Value::from(int.to_string()),
        other => Value::from(other.to_string()),
    }
}

fn another_value(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::from(format!("{text}x")),
        Value::Int(int) => Value::Int(int + 1),
        Value::Bool(bool) => Value::Bool(!bool),
        other => Value::from(format!("{other}x")),
    }
}

pub fn another_json_type(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::Array(vec![text.clone().into()]),
        other => Json::String(other.to_string()),
    }
}

pub fn another_json_value(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::String(format!("{text}x")),
        Json::Number(number) => Json::from(number.as_f64().unwrap_or_default() + 1.0),
        other => Json::String(format!("{other}x")),
    }
}

/// Another id of the same length.
pub fn another_id(id: &str) -> String {
    id.chars().rev().collect()
}

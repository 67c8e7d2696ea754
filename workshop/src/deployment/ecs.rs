//! Checks task and service definitions against the shapes of the ECS API, which come from botocore.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use crate::messages::Message;
use crate::text;

/// Generated from botocore by `workshop/data/ecs-shapes.py`.
static SHAPES: LazyLock<serde_json::Result<Shapes>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/ecs-shapes.json")));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shapes {
    task_definition: String,
    service: String,
    shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Shape {
    Structure {
        members: BTreeMap<String, String>,
        #[serde(default)]
        required: Vec<String>,
    },
    List {
        member: String,
    },
    Map {
        value: String,
    },
    String {
        #[serde(default)]
        r#enum: Vec<String>,
    },
    Integer {},
    Number {},
    Boolean {},
}

/// Lists what `RegisterTaskDefinition` would reject, each with its path.
pub fn faults_of_task_definition(value: &Value) -> Vec<Message> {
    faults(|shapes| &shapes.task_definition, value)
}

/// Lists what `CreateService` would reject, each with its path.
pub fn faults_of_service(value: &Value) -> Vec<Message> {
    faults(|shapes| &shapes.service, value)
}

fn faults(root: impl Fn(&Shapes) -> &String, value: &Value) -> Vec<Message> {
    match &*SHAPES {
        Ok(shapes) => {
            let mut found = Vec::new();
            shapes.walk(root(shapes), value, "", &mut found);
            found
        }
        Err(error) => vec![text!("ecs-shapes.json cannot be read: {error}", error = error.to_string())],
    }
}

impl Shapes {
    fn walk(&self, shape: &str, value: &Value, path: &str, found: &mut Vec<Message>) {
        let at = if path.is_empty() { text!("the file") } else { Message::verbatim(path) };
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match (self.shapes.get(shape), value) {
            (Some(Shape::Structure { members, required }), Value::Object(object)) => {
                for (key, value) in object {
                    match members.get(key) {
                        Some(member) => self.walk(member, value, &below(key), found),
                        None => found.push(text!("{path}: no such key", path = below(key))),
                    }
                }
                let missing = required.iter().filter(|key| !object.contains_key(*key));
                found.extend(missing.map(|key| text!("{path}: it is missing", path = below(key))));
            }
            (Some(Shape::List { member }), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(member, item, &format!("{path}[{index}]"), found);
                }
            }
            (Some(Shape::Map { value: shape }), Value::Object(object)) => {
                for (key, value) in object {
                    self.walk(shape, value, &below(key), found);
                }
            }
            (Some(Shape::String { r#enum }), Value::String(text)) => {
                if !r#enum.is_empty() && !r#enum.contains(text) {
                    let value = value.to_string();
                    found.push(text!(
                        "{at}: {value} is not one of {allowed}",
                        at,
                        value,
                        allowed = r#enum.join(", ")
                    ));
                }
            }
            (Some(Shape::Integer {}), Value::Number(number)) if number.is_i64() || number.is_u64() => {}
            (Some(Shape::Number {}), Value::Number(_)) | (Some(Shape::Boolean {}), Value::Bool(_)) => {}
            (Some(shape), value) => {
                found.push(text!("{at}: {value} should be {kind}", at, value, kind = shape.describe()));
            }
            (None, _) => {
                found.push(text!("{at}: its shape {shape} is not in ecs-shapes.json", at, shape));
            }
        }
    }
}

impl Shape {
    fn describe(&self) -> Message {
        match self {
            Self::Structure { .. } | Self::Map { .. } => text!("an object"),
            Self::List { .. } => text!("a list"),
            Self::String { .. } => text!("a string; a number or a boolean in quotes"),
            Self::Integer {} => text!("an integer without quotes"),
            Self::Number {} => text!("a number without quotes"),
            Self::Boolean {} => text!("true or false without quotes"),
        }
    }
}

/// Whether Fargate offers tasks of this size.
///
/// The allowed pairs are listed at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html>. `cpu` is in
/// 1/1024 of a vCPU, `memory` in MiB.
pub fn is_a_fargate_pair(cpu: u32, memory: u32) -> bool {
    let (from, to, step) = match cpu {
        256 => return [512, 1024, 2048].contains(&memory),
        512 => (1024, 4096, 1024),
        1024 => (2048, 8192, 1024),
        2048 => (4096, 16384, 1024),
        4096 => (8192, 30720, 1024),
        8192 => (16384, 61440, 4096),
        16384 => (32768, 122_880, 8192),
        _ => return false,
    };
    (from..=to).contains(&memory) && memory.is_multiple_of(step)
}

//! OTLP/JSON: protobuf's JSON mapping by OTLP's descriptors, with the one exception that OTLP makes: ids are hex.
//!
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage};
use serde_json::Value;

static DESCRIPTORS: LazyLock<Result<DescriptorPool, String>> = LazyLock::new(|| {
    let descriptors: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/otlp.descriptors"));
    DescriptorPool::decode(descriptors).map_err(|error| error.to_string())
});

/// The message `Export<signal>ServiceRequest` in `body`.
pub(super) fn message<M: Message + Default>(body: &[u8], signal: &str) -> Result<M, String> {
    let pool = DESCRIPTORS.as_ref().map_err(Clone::clone)?;
    let name =
        format!("opentelemetry.proto.collector.{}.v1.Export{signal}ServiceRequest", signal.to_lowercase());
    let descriptor = pool.get_message_by_name(&name).ok_or_else(|| format!("{name} is unknown"))?;

    let mut json: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    ids_as_base64(&mut json)?;
    // Receivers must ignore fields that they do not know.
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let message =
        DynamicMessage::deserialize_with_options(descriptor, json, &options).map_err(|e| e.to_string())?;
    message.transcode_to().map_err(|error| error.to_string())
}

/// Ids are hex in OTLP, where protobuf's mapping has base64 for bytes.
fn ids_as_base64(json: &mut Value) -> Result<(), String> {
    match json {
        Value::Array(items) => items.iter_mut().try_for_each(ids_as_base64),
        Value::Object(members) => {
            members.iter_mut().try_for_each(|(name, value)| match (name.as_str(), &*value) {
                (
                    "traceId" | "spanId" | "parentSpanId" | "trace_id" | "span_id" | "parent_span_id",
                    Value::String(hex),
                ) => {
                    let bytes = bytes(hex).ok_or_else(|| format!("{name} is {hex:?}, and should be hex"))?;
                    *value = STANDARD.encode(bytes).into();
                    Ok(())
                }
                _ => ids_as_base64(value),
            })
        }
        _ => Ok(()),
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok())
        .collect()
}

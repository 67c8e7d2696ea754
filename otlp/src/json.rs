//! OTLP/JSON: protobuf's JSON mapping with OTLP's descriptors, except that ids are hex.
//!
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::{DescriptorError, DescriptorPool, DeserializeOptions, DynamicMessage};
use serde_json::Value;

use crate::DecodeError;

static DESCRIPTORS: LazyLock<Result<DescriptorPool, DescriptorError>> = LazyLock::new(|| {
    let descriptors: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/otlp.descriptors"));
    DescriptorPool::decode(descriptors)
});

/// The message `Export<signal>ServiceRequest` in `body`.
pub(crate) fn message<M: Message + Default>(body: &[u8], signal: &str) -> Result<M, DecodeError> {
    message_of(serde_json::from_slice(body)?, signal)
}

/// The message `Export<signal>ServiceRequest` in `json`.
pub(crate) fn message_of<M: Message + Default>(mut json: Value, signal: &str) -> Result<M, DecodeError> {
    let pool = DESCRIPTORS.as_ref().map_err(DecodeError::Descriptors)?;
    let name =
        format!("opentelemetry.proto.collector.{}.v1.Export{signal}ServiceRequest", signal.to_lowercase());
    let descriptor = pool.get_message_by_name(&name).ok_or(DecodeError::UnknownMessage(name))?;

    ids_as_base64(&mut json)?;
    // Receivers must ignore fields that they do not know.
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    Ok(DynamicMessage::deserialize_with_options(descriptor, json, &options)?.transcode_to()?)
}

/// Converts ids to base64, which protobuf's mapping uses for bytes. In OTLP they are hex.
fn ids_as_base64(json: &mut Value) -> Result<(), DecodeError> {
    match json {
        Value::Array(items) => items.iter_mut().try_for_each(ids_as_base64),
        Value::Object(members) => {
            members.iter_mut().try_for_each(|(name, value)| match (name.as_str(), &*value) {
                (
                    "traceId" | "spanId" | "parentSpanId" | "trace_id" | "span_id" | "parent_span_id",
                    Value::String(id),
                ) => {
                    let bytes = hex::decode(id)
                        .map_err(|_| DecodeError::Id { name: name.clone(), value: id.clone() })?;
                    *value = STANDARD.encode(bytes).into();
                    Ok(())
                }
                _ => ids_as_base64(value),
            })
        }
        _ => Ok(()),
    }
}

//! The errors of decoding a body.

use prost_reflect::DescriptorError;

/// The body of an export is not OTLP.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is not the binary form of the message.
    #[error(transparent)]
    Protobuf(#[from] prost::DecodeError),
    /// It is not JSON, or not the message's JSON form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A JSON value has no telemetry.
    #[error("expected an object with resourceSpans, resourceMetrics or resourceLogs")]
    NoTelemetry,
    /// A trace or span id is not hexadecimal.
    #[error("invalid value {value:?} for {name}: expected hexadecimal digits")]
    Id {
        /// `traceId`, `spanId` or `parentSpanId`.
        name: String,
        /// The value in the request.
        value: String,
    },
    /// The compiled-in descriptors cannot be read.
    #[error("OTLP's descriptors cannot be read: {0}")]
    Descriptors(&'static DescriptorError),
    /// The compiled-in descriptors do not contain the message.
    #[error("OTLP's descriptors have no {0}")]
    UnknownMessage(String),
}

//! Sends telemetry over OTLP/HTTP: exporters of spans and log records, and the HTTP client that all three
//! signals share.
//!
//! [`SpanExporter`] and [`LogRecordExporter`] encode to protobuf without the intermediate structs of
//! `opentelemetry-otlp`. These structs are the most expensive part of tracing in a service. Metrics and gRPC
//! use the exporters of `opentelemetry-otlp`, with [`HttpClient`] as the client of those that send over HTTP.
//!
//! Specification: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

mod client;
mod encode;
mod error;
mod exporter;
mod exporters;
mod protobuf;
mod proxy;
mod response;
mod retry;

pub use client::{HttpClient, HttpClientError, SendError};
pub(crate) use encode::{EncodedItems, encode_log_record, encode_span, scope_name};
pub use error::ExportError;
pub(crate) use exporter::Sender;
pub use exporter::{Compression, ExporterConfig, LogRecordExporter, SpanExporter};
pub use exporters::Exporters;
pub use proxy::LoopbackBypass;
pub use retry::RetryStop;

//! Sends telemetry over OTLP/HTTP: the span exporter, and the HTTP client that all three signals share.
//!
//! [`SpanExporter`] encodes spans to protobuf without the intermediate structs of `opentelemetry-otlp`. These structs
//! are the most expensive part of tracing in a service. Logs, metrics and gRPC use the exporters of
//! `opentelemetry-otlp`, with [`HttpClient`] as the client of those that send over HTTP.
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
pub use error::ExportError;
pub use exporter::{Compression, SpanExporter, SpanExporterConfig};
pub use exporters::{AnySpanExporter, Exporters};
pub use proxy::LoopbackBypass;
pub use retry::RetryStop;

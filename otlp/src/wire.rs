//! OTLP's requests to export spans and log records, whose items stay encoded until they are converted one by
//! one. The memory of one is then used again for the next: decoding all of them at once takes longer, because
//! new memory is not in the processor's cache.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use prost::bytes::Bytes;

/// `ExportTraceServiceRequest`, with encoded spans, or `ExportLogsServiceRequest`, with encoded log records:
/// the numbers of their fields are the same.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Items {
    #[prost(message, repeated, tag = "1")]
    pub(crate) of_resources: Vec<OfResource>,
}

/// `ResourceSpans` or `ResourceLogs`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OfResource {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) of_scopes: Vec<OfScope>,
}

/// `ScopeSpans` or `ScopeLogs`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OfScope {
    #[prost(message, optional, tag = "1")]
    pub(crate) scope: Option<InstrumentationScope>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub(crate) items: Vec<Bytes>,
    #[prost(string, tag = "3")]
    pub(crate) schema_url: String,
}

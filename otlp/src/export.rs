//! The common interface of the three exports, over HTTP and gRPC, in protobuf and JSON.

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::{DecodeError, Message};

use crate::model::Telemetry;
use crate::wire::Items;
use crate::{Rejected, Signal, decode, decoded_size};

pub(crate) struct Traces;
pub(crate) struct Metrics;
pub(crate) struct Logs;

/// An OTLP request to export one signal.
pub(crate) trait Export: Send + Sync + 'static {
    /// The type of the request.
    type Request: Message + Default;
    /// Its name in OTLP: `Export<NAME>ServiceRequest`.
    const NAME: &str;
    /// The kind of telemetry.
    const SIGNAL: Signal;
    /// The structure from which its size is estimated before decoding.
    const SHAPE: &decoded_size::Message;
    /// The name of the OTLP/JSON field with the number of rejected items.
    const REJECTED: &str;
    /// The type of the response.
    type Response: Message + Default + 'static;

    /// What the request contains.
    fn telemetry(request: Self::Request) -> Result<Telemetry, DecodeError>;

    /// Empty if everything was accepted.
    fn response(rejected: Rejected) -> Self::Response;
}

impl Export for Traces {
    type Request = Items;
    const NAME: &str = "Trace";
    const SIGNAL: Signal = Signal::Traces;
    const SHAPE: &decoded_size::Message = &decoded_size::TRACES;
    const REJECTED: &str = "rejectedSpans";
    type Response = ExportTraceServiceResponse;

    fn telemetry(request: Items) -> Result<Telemetry, DecodeError> {
        decode::spans(request)
    }

    fn response(rejected: Rejected) -> Self::Response {
        let partial =
            ExportTracePartialSuccess { rejected_spans: rejected.items, error_message: rejected.why };
        Self::Response { partial_success: (partial != Default::default()).then_some(partial) }
    }
}

impl Export for Metrics {
    type Request = ExportMetricsServiceRequest;
    const NAME: &str = "Metrics";
    const SIGNAL: Signal = Signal::Metrics;
    const SHAPE: &decoded_size::Message = &decoded_size::METRICS;
    const REJECTED: &str = "rejectedDataPoints";
    type Response = ExportMetricsServiceResponse;

    fn telemetry(request: Self::Request) -> Result<Telemetry, DecodeError> {
        Ok(decode::metrics(request))
    }

    fn response(rejected: Rejected) -> Self::Response {
        let partial =
            ExportMetricsPartialSuccess { rejected_data_points: rejected.items, error_message: rejected.why };
        Self::Response { partial_success: (partial != Default::default()).then_some(partial) }
    }
}

impl Export for Logs {
    type Request = Items;
    const NAME: &str = "Logs";
    const SIGNAL: Signal = Signal::Logs;
    const SHAPE: &decoded_size::Message = &decoded_size::LOGS;
    const REJECTED: &str = "rejectedLogRecords";
    type Response = ExportLogsServiceResponse;

    fn telemetry(request: Items) -> Result<Telemetry, DecodeError> {
        decode::log_records(request)
    }

    fn response(rejected: Rejected) -> Self::Response {
        let partial =
            ExportLogsPartialSuccess { rejected_log_records: rejected.items, error_message: rejected.why };
        Self::Response { partial_success: (partial != Default::default()).then_some(partial) }
    }
}

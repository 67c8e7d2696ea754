//! The common interface of the three exports, over HTTP and gRPC, in protobuf and JSON.

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;

use crate::model::Telemetry;
use crate::{Rejected, Signal, decode, decoded_size};

/// An OTLP request to export one signal.
pub(crate) trait Export: Message + Default + 'static {
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

    fn telemetry(self) -> Telemetry;

    /// Empty if everything was accepted.
    fn response(rejected: Rejected) -> Self::Response;
}

impl Export for ExportTraceServiceRequest {
    const NAME: &str = "Trace";
    const SIGNAL: Signal = Signal::Traces;
    const SHAPE: &decoded_size::Message = &decoded_size::TRACES;
    const REJECTED: &str = "rejectedSpans";
    type Response = ExportTraceServiceResponse;

    fn telemetry(self) -> Telemetry {
        decode::spans(self)
    }

    fn response(rejected: Rejected) -> Self::Response {
        let partial =
            ExportTracePartialSuccess { rejected_spans: rejected.items, error_message: rejected.why };
        Self::Response { partial_success: (partial != Default::default()).then_some(partial) }
    }
}

impl Export for ExportMetricsServiceRequest {
    const NAME: &str = "Metrics";
    const SIGNAL: Signal = Signal::Metrics;
    const SHAPE: &decoded_size::Message = &decoded_size::METRICS;
    const REJECTED: &str = "rejectedDataPoints";
    type Response = ExportMetricsServiceResponse;

    fn telemetry(self) -> Telemetry {
        decode::metrics(self)
    }

    fn response(rejected: Rejected) -> Self::Response {
        let partial =
            ExportMetricsPartialSuccess { rejected_data_points: rejected.items, error_message: rejected.why };
        Self::Response { partial_success: (partial != Default::default()).then_some(partial) }
    }
}

impl Export for ExportLogsServiceRequest {
    const NAME: &str = "Logs";
    const SIGNAL: Signal = Signal::Logs;
    const SHAPE: &decoded_size::Message = &decoded_size::LOGS;
    const REJECTED: &str = "rejectedLogRecords";
    type Response = ExportLogsServiceResponse;

    fn telemetry(self) -> Telemetry {
        decode::log_records(self)
    }

    fn response(rejected: Rejected) -> Self::Response {
        let partial =
            ExportLogsPartialSuccess { rejected_log_records: rejected.items, error_message: rejected.why };
        Self::Response { partial_success: (partial != Default::default()).then_some(partial) }
    }
}

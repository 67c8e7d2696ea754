//! What the three exports have in common: by HTTP and by gRPC, of protobuf and of JSON.

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
use crate::{Rejected, decode};

/// An OTLP request to export one signal.
pub(crate) trait Export: Message + Default {
    /// Its name in OTLP: `Export<SIGNAL>ServiceRequest`.
    const SIGNAL: &str;
    /// The field that counts what was rejected, in OTLP/JSON.
    const REJECTED: &str;
    /// The answer.
    type Response: Message + Default;

    fn telemetry(self) -> Telemetry;

    /// Empty where all was taken.
    fn response(rejected: Rejected) -> Self::Response;
}

impl Export for ExportTraceServiceRequest {
    const SIGNAL: &str = "Trace";
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
    const SIGNAL: &str = "Metrics";
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
    const SIGNAL: &str = "Logs";
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

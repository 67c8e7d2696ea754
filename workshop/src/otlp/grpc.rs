//! OTLP by gRPC.

use std::sync::Arc;

use axum::Router;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::http::MOST_BYTES;
use super::{Inbox, decode};

/// The three services.
struct Service(Arc<Inbox>);

/// Their routes, without an answer for any other path.
pub(super) fn router(inbox: &Arc<Inbox>) -> Router {
    let service = || Service(Arc::clone(inbox));
    let traces = TraceServiceServer::new(service());
    let metrics = MetricsServiceServer::new(service());
    let logs = LogsServiceServer::new(service());
    let services = Routes::new(traces.accept_compressed(Gzip).max_decoding_message_size(MOST_BYTES))
        .add_service(metrics.accept_compressed(Gzip).max_decoding_message_size(MOST_BYTES))
        .add_service(logs.accept_compressed(Gzip).max_decoding_message_size(MOST_BYTES));
    services.into_axum_router().reset_fallback()
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.add(decode::spans(request.into_inner()));
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.0.add(decode::metrics(request.into_inner()));
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.0.add(decode::log_records(request.into_inner()));
        Ok(Response::new(Default::default()))
    }
}

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

use crate::Sink;
use crate::body::MAX_BODY_BYTES;
use crate::export::Export;

/// The three services.
struct Service(Arc<dyn Sink>);

/// Their routes, without an answer for any other path.
pub(crate) fn router(sink: &Arc<dyn Sink>) -> Router {
    let service = || Service(Arc::clone(sink));
    let traces = TraceServiceServer::new(service());
    let metrics = MetricsServiceServer::new(service());
    let logs = LogsServiceServer::new(service());
    let services = Routes::new(traces.accept_compressed(Gzip).max_decoding_message_size(MAX_BODY_BYTES))
        .add_service(metrics.accept_compressed(Gzip).max_decoding_message_size(MAX_BODY_BYTES))
        .add_service(logs.accept_compressed(Gzip).max_decoding_message_size(MAX_BODY_BYTES));
    services.into_axum_router().reset_fallback()
}

impl Service {
    fn take<E: Export>(&self, request: Request<E>) -> Response<E::Response> {
        Response::new(E::response(self.0.add(request.into_inner().telemetry())))
    }
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        Ok(self.take(request))
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        Ok(self.take(request))
    }
}

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        Ok(self.take(request))
    }
}

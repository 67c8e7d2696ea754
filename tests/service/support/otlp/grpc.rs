//! OTLP/gRPC: the three collector services, gzip or plain.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
use opentelemetry_proto::tonic::collector::trace::v1 as trace;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::{Exported, Inbox, Refused};

struct Receiver(Arc<Inbox>);

pub async fn serve(listener: TcpListener, inbox: Arc<Inbox>) {
    let receiver = Arc::new(Receiver(inbox));
    let traces = trace::trace_service_server::TraceServiceServer::from_arc(receiver.clone());
    let metrics = metrics::metrics_service_server::MetricsServiceServer::from_arc(receiver.clone());
    let logs = logs::logs_service_server::LogsServiceServer::from_arc(receiver);
    Server::builder()
        .add_service(traces.accept_compressed(Gzip).max_decoding_message_size(usize::MAX))
        .add_service(metrics.accept_compressed(Gzip).max_decoding_message_size(usize::MAX))
        .add_service(logs.accept_compressed(Gzip).max_decoding_message_size(usize::MAX))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await
        .unwrap();
}

impl Receiver {
    async fn receive<R: Default>(&self, exported: Exported) -> Result<Response<R>, Status> {
        match self.0.take(exported).await {
            Ok(()) => Ok(Response::new(R::default())),
            Err(Refused) => Err(Status::unavailable("told to refuse")),
        }
    }
}

#[tonic::async_trait]
impl trace::trace_service_server::TraceService for Receiver {
    async fn export(
        &self,
        request: Request<trace::ExportTraceServiceRequest>,
    ) -> Result<Response<trace::ExportTraceServiceResponse>, Status> {
        self.receive(Exported::Traces(request.into_inner())).await
    }
}

#[tonic::async_trait]
impl metrics::metrics_service_server::MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<metrics::ExportMetricsServiceRequest>,
    ) -> Result<Response<metrics::ExportMetricsServiceResponse>, Status> {
        self.receive(Exported::Metrics(request.into_inner())).await
    }
}

#[tonic::async_trait]
impl logs::logs_service_server::LogsService for Receiver {
    async fn export(
        &self,
        request: Request<logs::ExportLogsServiceRequest>,
    ) -> Result<Response<logs::ExportLogsServiceResponse>, Status> {
        self.receive(Exported::Logs(request.into_inner())).await
    }
}

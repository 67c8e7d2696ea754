//! OTLP by gRPC.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use prost::bytes::Buf;
use tonic::Status;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};

use crate::body::{MAX_BODY_BYTES, Memory};
use crate::decoded_size;
use crate::export::Export;
use crate::{Signal, Sink};

/// The routes, without an answer for any other path.
pub(crate) fn router(sink: &Arc<dyn Sink>) -> Router {
    Router::new()
        .route(Signal::Traces.method(), post(export::<ExportTraceServiceRequest>))
        .route(Signal::Metrics.method(), post(export::<ExportMetricsServiceRequest>))
        .route(Signal::Logs.method(), post(export::<ExportLogsServiceRequest>))
        .with_state(Arc::clone(sink))
}

async fn export<E: Export>(State(sink): State<Arc<dyn Sink>>, request: Request) -> Response {
    let memory = request.extensions().get::<Arc<Memory>>().cloned();
    let largest = memory.as_ref().map_or(MAX_BODY_BYTES, |memory| memory.limit().min(MAX_BODY_BYTES));
    let codec = Bounded::<E> { memory: memory.clone(), message: PhantomData };
    let mut grpc = Grpc::new(codec).accept_compressed(Gzip).max_decoding_message_size(largest);
    let mut is_added = false;
    let service = Service { sink: &*sink, is_added: &mut is_added, message: PhantomData::<E> };
    let response = grpc.unary(service, request).await;
    let status = Status::from_header_map(response.headers());
    let is_given_up = memory.is_some_and(|memory| memory.fault().is_some());
    if let Some(status) = status.filter(|_| !is_added && !is_given_up) {
        sink.refuse(
            Some(E::SIGNAL),
            format!("an export of {} by gRPC: {}", E::SIGNAL.name(), status.message()),
        );
    }
    response.map(axum::body::Body::new)
}

struct Service<'a, E> {
    sink: &'a dyn Sink,
    is_added: &'a mut bool,
    message: PhantomData<E>,
}

impl<E: Export> UnaryService<E> for Service<'_, E> {
    type Response = E::Response;
    type Future = Ready<Result<tonic::Response<E::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<E>) -> Self::Future {
        *self.is_added = true;
        ready(Ok(tonic::Response::new(E::response(self.sink.add(request.into_inner().telemetry())))))
    }
}

/// Protobuf, but for messages that would take too much memory: tonic's own codec decodes everything.
struct Bounded<E> {
    memory: Option<Arc<Memory>>,
    message: PhantomData<E>,
}

impl<E: Export> Codec for Bounded<E> {
    type Encode = E::Response;
    type Decode = E;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self { memory: None, message: PhantomData }
    }

    fn decoder(&mut self) -> Self {
        Self { memory: self.memory.clone(), message: PhantomData }
    }
}

impl<E: Export> Encoder for Bounded<E> {
    type Item = E::Response;
    type Error = Status;

    fn encode(&mut self, response: E::Response, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        response.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<E: Export> Decoder for Bounded<E> {
    type Item = E;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<E>, Status> {
        let body = buffer.copy_to_bytes(buffer.remaining());
        if let Some(memory) = &self.memory {
            memory
                .take(decoded_size::of_protobuf(E::SHAPE, &body, memory.limit()))
                .map_err(|fault| Status::resource_exhausted(fault.to_string()))?;
        }
        E::decode(body)
            .map(Some)
            .map_err(|error| Status::invalid_argument(format!("the body is no OTLP: {error}")))
    }
}

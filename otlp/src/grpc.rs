//! OTLP over gRPC.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use prost::Message;
use prost::bytes::Buf;
use tonic::Status;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};

use crate::body::{MAX_BODY_BYTES, Memory};
use crate::decoded_size;
use crate::export::{Export, Logs, Metrics, Traces};
use crate::model::Telemetry;
use crate::{Signal, Sink};

/// The routes, without a fallback for other paths.
pub(crate) fn router(sink: &Arc<dyn Sink>) -> Router {
    Router::new()
        .route(Signal::Traces.method(), post(export::<Traces>))
        .route(Signal::Metrics.method(), post(export::<Metrics>))
        .route(Signal::Logs.method(), post(export::<Logs>))
        .with_state(Arc::clone(sink))
}

/// Whether a request is gRPC, by its content type.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.as_bytes().starts_with(b"application/grpc"))
}

async fn export<E: Export>(
    State(sink): State<Arc<dyn Sink>>,
    Extension(memory): Extension<Arc<Memory>>,
    request: Request,
) -> Response {
    let codec = Bounded::<E> { memory: Arc::clone(&memory), message: PhantomData };
    let largest = memory.limit().min(MAX_BODY_BYTES);
    let mut grpc = Grpc::new(codec).accept_compressed(Gzip).max_decoding_message_size(largest);
    let response = grpc.unary(Service { sink: &*sink, message: PhantomData::<E> }, request).await;
    // A response has its status in the headers only if there is no message: the export was refused, and not
    // added.
    if let Some(status) = Status::from_header_map(response.headers())
        && memory.fault().is_none()
    {
        sink.refuse(
            Some(E::SIGNAL),
            format!("an export of {} over gRPC: {}", E::SIGNAL.name(), status.message()),
        );
    }
    response.map(axum::body::Body::new)
}

struct Service<'a, E> {
    sink: &'a dyn Sink,
    message: PhantomData<E>,
}

impl<E: Export> UnaryService<Telemetry> for Service<'_, E> {
    type Response = E::Response;
    type Future = Ready<Result<tonic::Response<E::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<Telemetry>) -> Self::Future {
        ready(Ok(tonic::Response::new(E::response(self.sink.add(request.into_inner())))))
    }
}

/// Decodes protobuf, but rejects messages that would use too much memory. tonic's own codec would decode
/// them.
struct Bounded<E> {
    memory: Arc<Memory>,
    message: PhantomData<E>,
}

impl<E: Export> Codec for Bounded<E> {
    type Encode = E::Response;
    type Decode = Telemetry;
    type Encoder = ResponseEncoder<E>;
    type Decoder = Self;

    fn encoder(&mut self) -> ResponseEncoder<E> {
        ResponseEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self { memory: Arc::clone(&self.memory), message: PhantomData }
    }
}

struct ResponseEncoder<E>(PhantomData<E>);

impl<E: Export> Encoder for ResponseEncoder<E> {
    type Item = E::Response;
    type Error = Status;

    fn encode(&mut self, response: E::Response, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        response.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<E: Export> Decoder for Bounded<E> {
    type Item = Telemetry;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Telemetry>, Status> {
        let body = buffer.copy_to_bytes(buffer.remaining());
        self.memory
            .take(decoded_size::for_protobuf(E::SHAPE, &body, self.memory.limit()))
            .map_err(|fault| Status::resource_exhausted(fault.to_string()))?;
        E::Request::decode(body)
            .and_then(E::telemetry)
            .map(Some)
            .map_err(|error| Status::invalid_argument(format!("the body is no OTLP: {error}")))
    }
}

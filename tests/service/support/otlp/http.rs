//! OTLP/HTTP: `POST /v1/{traces,metrics,logs}` with protobuf, gzip or plain.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::net::TcpListener;

use super::{Behaviour, Exported, Inbox, Refused};

pub async fn serve(listener: TcpListener, inbox: Arc<Inbox>) {
    let router = Router::new()
        .route("/v1/{signal}", post(receive))
        .layer(DefaultBodyLimit::disable())
        .with_state(inbox);
    axum::serve(listener, router).await.unwrap();
}

async fn receive(
    State(inbox): State<Arc<Inbox>>,
    Path(signal): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Vec<u8>, StatusCode> {
    let body = match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding == "gzip" => unpack(&body),
        _ => body,
    };
    let exported = match signal.as_str() {
        "traces" => Message::decode(body).map(Exported::Traces),
        "metrics" => Message::decode(body).map(Exported::Metrics),
        "logs" => Message::decode(body).map(Exported::Logs),
        _ => return Err(StatusCode::NOT_FOUND),
    };
    match exported {
        Err(_) => Err(StatusCode::BAD_REQUEST),
        Ok(exported) => match inbox.take(exported).await {
            Ok(()) if signal == "traces" && *inbox.behaviour.borrow() == Behaviour::RejectSpan => {
                Ok(one_span_rejected().encode_to_vec())
            }
            // An empty body is an empty response message: everything was taken.
            Ok(()) => Ok(Vec::new()),
            Err(Refused) => Err(StatusCode::SERVICE_UNAVAILABLE),
        },
    }
}

fn one_span_rejected() -> ExportTraceServiceResponse {
    let partial = ExportTracePartialSuccess { rejected_spans: 1, error_message: "too old".to_owned() };
    ExportTraceServiceResponse { partial_success: Some(partial) }
}

fn unpack(body: &[u8]) -> Bytes {
    let mut unpacked = Vec::new();
    GzDecoder::new(body).read_to_end(&mut unpacked).unwrap();
    unpacked.into()
}

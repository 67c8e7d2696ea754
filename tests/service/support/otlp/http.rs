//! OTLP/HTTP: `POST /v1/{traces,metrics,logs}` with protobuf, gzip or plain.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use flate2::read::GzDecoder;
use prost::Message;
use tokio::net::TcpListener;

use super::{Exported, Inbox, Refused};

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
) -> StatusCode {
    let body = match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding == "gzip" => unpack(&body),
        _ => body,
    };
    let exported = match signal.as_str() {
        "traces" => Message::decode(body).map(Exported::Traces),
        "metrics" => Message::decode(body).map(Exported::Metrics),
        "logs" => Message::decode(body).map(Exported::Logs),
        _ => return StatusCode::NOT_FOUND,
    };
    match exported {
        Err(_) => StatusCode::BAD_REQUEST,
        // An empty body is an empty response message: everything was taken.
        Ok(exported) => match inbox.take(exported).await {
            Ok(()) => StatusCode::OK,
            Err(Refused) => StatusCode::SERVICE_UNAVAILABLE,
        },
    }
}

fn unpack(body: &[u8]) -> Bytes {
    let mut unpacked = Vec::new();
    GzDecoder::new(body).read_to_end(&mut unpacked).unwrap();
    unpacked.into()
}

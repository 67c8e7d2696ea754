//! OTLP by HTTP: `POST /v1/{traces,metrics,logs}`, with a body of protobuf or JSON.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use prost::Message;

use super::{Inbox, decode, json};
use crate::telemetry::Telemetry;

/// Bytes of one request, unpacked.
pub(super) const MOST_BYTES: usize = 64 * 1024 * 1024;

const PATHS: &str = "OTLP's paths are /v1/traces, /v1/metrics and /v1/logs";

pub(super) fn router(inbox: Arc<Inbox>) -> Router {
    let traces = |inbox, headers, body| export(inbox, headers, body, "Trace", decode::spans);
    let metrics = |inbox, headers, body| export(inbox, headers, body, "Metrics", decode::metrics);
    let logs = |inbox, headers, body| export(inbox, headers, body, "Logs", decode::log_records);
    Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(metrics))
        .route("/v1/logs", post(logs))
        .method_not_allowed_fallback(wrong_method)
        .fallback(wrong_path)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(inbox)
}

/// One export: `signal` is the message's name in OTLP, `Export<signal>ServiceRequest`.
async fn export<M: Message + Default>(
    State(inbox): State<Arc<Inbox>>,
    headers: HeaderMap,
    body: Bytes,
    signal: &'static str,
    decode: fn(M) -> Telemetry,
) -> Response {
    match message(&headers, &body, signal) {
        Ok((message, form)) => {
            inbox.add(decode(message));
            // An empty message: all of it was taken.
            let body: &[u8] = if form == JSON { b"{}" } else { b"" };
            ([(header::CONTENT_TYPE, form)], body.to_vec()).into_response()
        }
        Err((status, why)) => {
            inbox.refuse(format!("an export of {}: {why}", signal.to_lowercase()));
            (status, why).into_response()
        }
    }
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

fn message<M: Message + Default>(
    headers: &HeaderMap,
    body: &Bytes,
    signal: &str,
) -> Result<(M, &'static str), (StatusCode, String)> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    let body = match text(header::CONTENT_ENCODING) {
        "" | "identity" => body.clone(),
        "gzip" => unpack(body).map_err(|error| bad(format!("the body is no gzip: {error}")))?,
        other => {
            return Err((
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("content-encoding {other:?}; gzip is known"),
            ));
        }
    };
    match text(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim() {
        PROTOBUF => {
            let message = M::decode(body).map_err(|error| bad(format!("the body is no OTLP: {error}")))?;
            Ok((message, PROTOBUF))
        }
        JSON => Ok((
            json::message(&body, signal).map_err(|error| bad(format!("the body is no OTLP: {error}")))?,
            JSON,
        )),
        other => {
            let why = format!("content-type {other:?}; OTLP has {PROTOBUF} and {JSON}");
            Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
        }
    }
}

fn unpack(body: &[u8]) -> std::io::Result<Bytes> {
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(body).take(MOST_BYTES as u64).read_to_end(&mut unpacked)?;
    Ok(unpacked.into())
}

async fn wrong_path(
    State(inbox): State<Arc<Inbox>>,
    method: Method,
    uri: Uri,
    _: Request,
) -> (StatusCode, &'static str) {
    inbox.refuse(format!("{method} {}: {PATHS}", uri.path()));
    (StatusCode::NOT_FOUND, PATHS)
}

async fn wrong_method(
    State(inbox): State<Arc<Inbox>>,
    method: Method,
    uri: Uri,
) -> (StatusCode, &'static str) {
    inbox.refuse(format!("{method} {}: OTLP is sent by POST", uri.path()));
    (StatusCode::METHOD_NOT_ALLOWED, "OTLP is sent by POST")
}

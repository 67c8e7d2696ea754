//! OTLP over HTTP: `POST /v1/{traces,metrics,logs}`, with a body in protobuf or JSON.

use std::io::Read;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use prost::Message;
use serde_json::json;
use tonic::Code;

use crate::body::{Fault, MAX_BODY_BYTES, Memory};
use crate::export::{Export, Logs, Metrics, Traces};
use crate::model::Telemetry;
use crate::{DecodeError, Sink, decoded_size, json};

/// Number of bytes that are decompressed before they are counted.
const UNPACKED_AT_ONCE: usize = 64 * 1024;

const PATHS: &str = "OTLP's paths are /v1/traces, /v1/metrics and /v1/logs";

pub(crate) fn router(sink: Arc<dyn Sink>) -> Router {
    Router::new()
        .route("/v1/traces", post(export::<Traces>))
        .route("/v1/metrics", post(export::<Metrics>))
        .route("/v1/logs", post(export::<Logs>))
        .method_not_allowed_fallback(wrong_method)
        .fallback(wrong_path)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(sink)
}

/// The format of a request, which its response also uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

async fn export<E: Export>(
    State(sink): State<Arc<dyn Sink>>,
    Extension(memory): Extension<Arc<Memory>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let signal = E::SIGNAL.name();
    let refused = |form, status: StatusCode, why: String| {
        if memory.fault().is_none() {
            sink.refuse(Some(E::SIGNAL), format!("an export of {signal}: {why}"));
        }
        refusal(form, status, why)
    };
    let content_type = text(&headers, header::CONTENT_TYPE);
    // Media types are case-insensitive: RFC 9110, 8.3.1.
    let form = match content_type.split(';').next().unwrap_or_default().trim() {
        kind if kind.eq_ignore_ascii_case(PROTOBUF) => Form::Protobuf,
        kind if kind.eq_ignore_ascii_case(JSON) => Form::Json,
        other => {
            let why = format!("content-type {:?}; OTLP has {PROTOBUF} and {JSON}", shortened(other));
            return refused(Form::Protobuf, StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
        }
    };
    let telemetry = body
        .map_err(|rejection| (rejection.status(), rejection.body_text()))
        .and_then(|body| unpacked(text(&headers, header::CONTENT_ENCODING), body, &memory))
        .and_then(|body| telemetry::<E>(form, body, &memory));
    match telemetry {
        Ok(telemetry) => {
            let rejected = sink.add(telemetry);
            let body = match form {
                Form::Protobuf => E::response(rejected).encode_to_vec(),
                Form::Json if rejected == Default::default() => b"{}".to_vec(),
                Form::Json => {
                    // protobuf's JSON mapping represents 64-bit integers as strings.
                    let rejected =
                        json!({ E::REJECTED: rejected.items.to_string(), "errorMessage": rejected.why });
                    json!({ "partialSuccess": rejected }).to_string().into_bytes()
                }
            };
            answer(form, StatusCode::OK, body)
        }
        Err((status, why)) => refused(form, status, why),
    }
}

fn unpacked(encoding: &str, body: Bytes, memory: &Memory) -> Result<Bytes, (StatusCode, String)> {
    match encoding.to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(body),
        encoding @ ("gzip" | "x-gzip" | "deflate") => {
            let mut unpacked = Vec::new();
            let decoder: &mut dyn Read = match encoding {
                // It is the format of zlib, RFC 9110 8.4.1.2.
                "deflate" => &mut flate2::read::ZlibDecoder::new(&*body),
                _ => &mut flate2::read::MultiGzDecoder::new(&*body),
            };
            let mut decoder = decoder.take(MAX_BODY_BYTES as u64 + 1);
            loop {
                let piece = decoder.by_ref().take(UNPACKED_AT_ONCE as u64).read_to_end(&mut unpacked);
                match piece {
                    Ok(0) => break,
                    // A vector that grows needs space for the old and the new bytes.
                    Ok(bytes) => memory.take(2 * bytes).map_err(too_much)?,
                    Err(error) => {
                        return Err((
                            StatusCode::BAD_REQUEST,
                            format!("the body is not valid {encoding}: {error}"),
                        ));
                    }
                }
            }
            if unpacked.len() > MAX_BODY_BYTES {
                let why = format!("the body unpacks to more than {MAX_BODY_BYTES} bytes");
                return Err((StatusCode::PAYLOAD_TOO_LARGE, why));
            }
            Ok(unpacked.into())
        }
        _ => {
            let why = format!("content-encoding {:?}; gzip and deflate are known", shortened(encoding));
            Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
        }
    }
}

/// Limits the length of a header value that is quoted in a message.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}

/// The middleware, which has the limit, replaces this response.
fn too_much(fault: Fault) -> (StatusCode, String) {
    (StatusCode::PAYLOAD_TOO_LARGE, fault.to_string())
}

fn telemetry<E: Export>(form: Form, body: Bytes, memory: &Memory) -> Result<Telemetry, (StatusCode, String)> {
    let size = match form {
        Form::Protobuf => decoded_size::for_protobuf(E::SHAPE, &body, memory.limit()),
        Form::Json => decoded_size::for_json(&body),
    };
    memory.take(size).map_err(too_much)?;
    let request = match form {
        Form::Protobuf => E::Request::decode(body).map_err(DecodeError::from),
        Form::Json => json::message(&body, E::NAME),
    };
    let telemetry = request.and_then(|request| Ok(E::telemetry(request)?));
    telemetry.map_err(|error| (StatusCode::BAD_REQUEST, format!("the body is no OTLP: {error}")))
}

/// google.rpc.Status, which OTLP requires in each response with 4xx or 5xx.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn refusal(form: Form, status: StatusCode, why: String) -> Response {
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => Code::ResourceExhausted,
        _ => Code::InvalidArgument,
    };
    let body = match form {
        Form::Protobuf => Status { code: code.into(), message: why }.encode_to_vec(),
        Form::Json => json!({ "code": i32::from(code), "message": why }).to_string().into_bytes(),
    };
    answer(form, status, body)
}

fn answer(form: Form, status: StatusCode, body: Vec<u8>) -> Response {
    let content_type = if form == Form::Json { JSON } else { PROTOBUF };
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn wrong_path(
    State(sink): State<Arc<dyn Sink>>,
    method: Method,
    uri: Uri,
    _: Request,
) -> (StatusCode, &'static str) {
    // Exporters send by POST. Anything else comes from a browser or a program that looks for something else.
    if method == Method::POST {
        sink.refuse(None, format!("{method} {}: {PATHS}", shortened(uri.path())));
    }
    (StatusCode::NOT_FOUND, PATHS)
}

async fn wrong_method(
    State(sink): State<Arc<dyn Sink>>,
    method: Method,
    uri: Uri,
) -> (StatusCode, &'static str) {
    sink.refuse(None, format!("{method} {}: OTLP is sent by POST", shortened(uri.path())));
    (StatusCode::METHOD_NOT_ALLOWED, "OTLP is sent by POST")
}

//! OTLP by HTTP: `POST /v1/{traces,metrics,logs}`, with a body of protobuf or JSON.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::json;
use tonic::Code;

use crate::body::MAX_BODY_BYTES;
use crate::export::Export;
use crate::{DecodeError, Sink, json};

const PATHS: &str = "OTLP's paths are /v1/traces, /v1/metrics and /v1/logs";

pub(crate) fn router(sink: Arc<dyn Sink>) -> Router {
    Router::new()
        .route("/v1/traces", post(export::<ExportTraceServiceRequest>))
        .route("/v1/metrics", post(export::<ExportMetricsServiceRequest>))
        .route("/v1/logs", post(export::<ExportLogsServiceRequest>))
        .method_not_allowed_fallback(wrong_method)
        .fallback(wrong_path)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(sink)
}

/// In which a request is written, and its answer too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

async fn export<E: Export>(
    State(sink): State<Arc<dyn Sink>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let signal = E::SIGNAL.to_lowercase();
    let refused = |form, status: StatusCode, why: String| {
        sink.refuse(format!("an export of {signal}: {why}"));
        refusal(form, status, why)
    };
    let content_type = text(&headers, header::CONTENT_TYPE);
    let form = match content_type.split(';').next().unwrap_or_default().trim() {
        PROTOBUF => Form::Protobuf,
        JSON => Form::Json,
        other => {
            let why = format!("content-type {other:?}; OTLP has {PROTOBUF} and {JSON}");
            return refused(Form::Protobuf, StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
        }
    };
    let message = body
        .map_err(|rejection| (rejection.status(), rejection.body_text()))
        .and_then(|body| unpacked(text(&headers, header::CONTENT_ENCODING), body))
        .and_then(|body| message::<E>(form, body));
    match message {
        Ok(message) => {
            let rejected = sink.add(message.telemetry());
            let body = match form {
                Form::Protobuf => E::response(rejected).encode_to_vec(),
                Form::Json if rejected == Default::default() => b"{}".to_vec(),
                Form::Json => {
                    // 64-bit integers are strings in protobuf's JSON.
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

fn unpacked(encoding: &str, body: Bytes) -> Result<Bytes, (StatusCode, String)> {
    match encoding {
        "" | "identity" => Ok(body),
        "gzip" => {
            let mut unpacked = Vec::new();
            let mut gzip = flate2::read::MultiGzDecoder::new(&*body).take(MAX_BODY_BYTES as u64 + 1);
            gzip.read_to_end(&mut unpacked)
                .map_err(|error| (StatusCode::BAD_REQUEST, format!("the body is no gzip: {error}")))?;
            if unpacked.len() > MAX_BODY_BYTES {
                let why = format!("the body unpacks to more than {MAX_BODY_BYTES} bytes");
                return Err((StatusCode::PAYLOAD_TOO_LARGE, why));
            }
            Ok(unpacked.into())
        }
        other => {
            Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("content-encoding {other:?}; gzip is known")))
        }
    }
}

fn message<E: Export>(form: Form, body: Bytes) -> Result<E, (StatusCode, String)> {
    let message = match form {
        Form::Protobuf => E::decode(body).map_err(DecodeError::from),
        Form::Json => json::message(&body, E::SIGNAL),
    };
    message.map_err(|error| (StatusCode::BAD_REQUEST, format!("the body is no OTLP: {error}")))
}

/// google.rpc's Status, which OTLP sends with each status of 4xx and 5xx.
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
    sink.refuse(format!("{method} {}: {PATHS}", uri.path()));
    (StatusCode::NOT_FOUND, PATHS)
}

async fn wrong_method(
    State(sink): State<Arc<dyn Sink>>,
    method: Method,
    uri: Uri,
) -> (StatusCode, &'static str) {
    sink.refuse(format!("{method} {}: OTLP is sent by POST", uri.path()));
    (StatusCode::METHOD_NOT_ALLOWED, "OTLP is sent by POST")
}

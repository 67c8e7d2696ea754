//! Error responses: RFC 9457, `application/problem+json`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The body. It contains no internals, which are in the trace.
#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

/// A response with `status`.
pub fn problem(status: StatusCode) -> Response {
    let body = Problem {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: detail(status),
        // BEFORE server-spans: // TODO server-spans: tell the caller the id of the trace, as `trace_id`.
        // BEFORE server-spans: trace_id: None,
        trace_id: instrumentation::spans::current_trace_id(),
    };
    (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], Json(body)).into_response()
}

/// Gives the error responses of axum and tower-http, which are plain text or empty, the same body as our own.
/// Their other headers, such as `allow`, are kept.
pub async fn errors_are_problems(response: Response) -> Response {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if !is_error || response.headers().get(header::CONTENT_TYPE) == Some(&PROBLEM_JSON) {
        return response;
    }
    let mut problem = problem(response.status());
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}

fn detail(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "The paths are GET /handson and GET /healthz.",
        StatusCode::METHOD_NOT_ALLOWED => "The header Allow lists the methods of this path.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request's body is larger than this service accepts.",
        status if status.is_client_error() => "The request cannot be served as it is.",
        _ => "The request failed. Its trace shows why.",
    }
}

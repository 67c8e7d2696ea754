//! Routes, and the middleware around them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::error::{Error, ErrorKind};
use crate::handson::{self, Handson};
use crate::panics;
use crate::problem::errors_are_problems;

/// Maximum size of a request's body in bytes; `/handson` needs none.
const MAX_BODY_SIZE: usize = 64 * 1024;

/// Routes and middleware. Each `layer` wraps those before it, so a request passes through them from the
/// bottom to the top, and its response from the top to the bottom.
pub fn router(handson: Handson, request_timeout: Duration) -> Router {
    Router::new()
        .route("/handson", get(handson::get))
        .with_state(Arc::new(handson))
        .layer(RequestBodyLimitLayer::new(MAX_BODY_SIZE))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, request_timeout))
        // Must wrap both, so that their error responses get our problem+json body.
        .layer(map_response(move |response| timeouts_are_errors(response, request_timeout)))
        .layer(map_response(errors_are_problems))
        // Must wrap everything that may panic.
        .layer(CatchPanicLayer::custom(panics::response))
}

/// The timeout's own response is an empty 408, which blames the caller.
async fn timeouts_are_errors(response: Response, request_timeout: Duration) -> Response {
    if response.status() != StatusCode::REQUEST_TIMEOUT {
        return response;
    }
    let error = Error::new(ErrorKind::Timeout, format!("no response within {request_timeout:?}"));
    // BEFORE errors: // TODO errors: record the error on the span in which it happened.
    instrumentation::exception::record(&error);

    error.into_response()
}

//! The service put together: what it works with, its routes, and the middleware around them.

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

use crate::db::Database;
use crate::error::{Error, ErrorKind};
use crate::handson::handson;
use crate::httpbin::Httpbin;
use crate::panics;
use crate::problem::errors_are_problems;
use crate::random_error::RandomError;

/// Bytes of a request's body; `/handson` needs none.
const BODY_LIMIT: usize = 64 * 1024;

/// What the handlers work with.
pub struct App {
    /// Whom the greeting greets: the service's name.
    pub name: String,
    /// The client of httpbin.
    pub httpbin: Httpbin,
    /// The database.
    pub database: Database,
    /// The error that happens by chance.
    pub random_error: RandomError,
}

/// Routes and middleware. Each `layer` goes around those before it, so a request meets them from the bottom to the top,
/// and its answer from the top to the bottom.
pub fn router(app: App, request_timeout: Duration) -> Router {
    let router = Router::new()
        .route("/handson", get(handson))
        .with_state(Arc::new(app))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, request_timeout))
        // Around both, for it gives their answers the form of ours.
        .layer(map_response(move |response| timeouts_are_errors(response, request_timeout)))
        .layer(map_response(errors_are_problems))
        // Around all that may panic.
        .layer(CatchPanicLayer::custom(panics::answer));

    // TODO server-spans: put a middleware around it all that makes the SERVER span of a request.

    // After the layers, and so without them: a health check is no request of a user.
    router.route("/healthz", get(|| async { "ok" }))
}

/// The timeout's own answer is an empty 408, which blames the caller.
async fn timeouts_are_errors(response: Response, request_timeout: Duration) -> Response {
    if response.status() != StatusCode::REQUEST_TIMEOUT {
        return response;
    }
    let error = Error::new(ErrorKind::Timeout, format!("no answer within {request_timeout:?}"));
    error.into_response()
}

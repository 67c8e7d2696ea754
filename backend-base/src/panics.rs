//! A panic ends one request, never the service: it becomes a log line and a 500.

use std::any::Any;
use std::panic::PanicHookInfo;

use axum::http::StatusCode;
use axum::response::Response;

use crate::error::{Error, ErrorKind};
use crate::problem::problem;

/// From now on a panic anywhere is logged and recorded like any other error, with the place where it happened. (Rust's own
/// hook writes text of several lines to stderr.)
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let error = error_of(panic);
        error.log();
    }));
}

/// The answer to a request that panicked; the hook has logged it already.
pub fn answer(_panic: Box<dyn Any + Send + 'static>) -> Response {
    problem(StatusCode::INTERNAL_SERVER_ERROR)
}

fn error_of(panic: &PanicHookInfo<'_>) -> Error {
    let message = panic.payload_as_str().unwrap_or("a panic without a message").to_owned();
    match panic.location() {
        Some(place) => Error::at(ErrorKind::Panic, message, place),
        None => Error::new(ErrorKind::Panic, message),
    }
}

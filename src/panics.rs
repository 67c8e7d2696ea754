//! A panic ends one request, never the service: it becomes a log line and a 500.

use std::any::Any;
use std::panic::PanicHookInfo;

use axum::http::StatusCode;
use axum::response::Response;

use crate::error::{Error, ErrorKind};
use crate::problem::problem;

/// From now on, a panic anywhere is logged and recorded like any other error, with its location. (Rust's
/// default hook writes several lines of text to stderr.)
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let error = error_of(panic);
        // BEFORE errors: // TODO errors: record the error on the span in which it happened.
        instrumentation::exception::record(&error);

        error.log();
    }));
}

/// The response to a request that panicked. The hook has already logged the panic.
pub fn response(_panic: Box<dyn Any + Send + 'static>) -> Response {
    problem(StatusCode::INTERNAL_SERVER_ERROR)
}

fn error_of(panic: &PanicHookInfo<'_>) -> Error {
    let message = panic.payload_as_str().unwrap_or("a panic without a message");
    match panic.location() {
        Some(location) => Error::at(ErrorKind::Panic, message, location, None),
        None => Error::new(ErrorKind::Panic, message),
    }
}

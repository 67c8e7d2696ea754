//! What can fail while `/handson` is served, with the chain of causes.

mod places;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::panic::Location;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::problem::problem;

/// The stable name by which a failure is counted, grouped and searched: `error.kind` and `exception.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ErrorKind {
    RandomError,
    HttpbinError,
    DatabaseError,
    Timeout,
    Panic,
    /// Not of a request: the process could not start.
    StartError,
}

impl ErrorKind {
    /// The name as it stands in logs and traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::RandomError => "RandomError",
            Self::HttpbinError => "HttpbinError",
            Self::DatabaseError => "DatabaseError",
            Self::Timeout => "Timeout",
            Self::Panic => "Panic",
            Self::StartError => "StartError",
        }
    }
}

/// A failure: its kind, and the causes, outermost first.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    causes: Vec<Cause>,
    backtrace: Backtrace,
}

/// What was seen, and the place in this crate that saw it.
#[derive(Debug)]
struct Cause {
    message: String,
    place: String,
}

impl Error {
    /// A failure without a deeper cause; the place is the caller's.
    #[track_caller]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::at(kind, message.into(), Location::caller())
    }

    /// A failure seen at `place`.
    pub fn at(kind: ErrorKind, message: String, place: &Location<'_>) -> Self {
        let place = places::without_build_folder(place);
        Self { kind, causes: vec![Cause { message, place }], backtrace: Backtrace::capture() }
    }

    /// The same failure, seen by a caller who says what it was doing.
    #[track_caller]
    #[must_use]
    pub fn while_doing(mut self, what: &str) -> Self {
        let place = places::without_build_folder(Location::caller());
        self.causes.insert(0, Cause { message: what.to_owned(), place });
        self
    }

    /// The stable name of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// One line at ERROR.
    pub fn log(&self) {
        // TODO errors: say kind, message and stack in fields of their own.
        tracing::error!(name: "handson.failure", "{}: {self}", self.kind.name());
    }

    /// The chain of causes, one a line, each with its place: `connection refused (src/httpbin.rs:42)`. Frames of this
    /// crate follow where `RUST_BACKTRACE=1` asks for them.
    pub fn stack(&self) -> String {
        let mut stack = self.kind.name().to_owned();
        for Cause { message, place } in &self.causes {
            stack.push_str(&format!("\n{message} ({place})"));
        }
        if self.backtrace.status() == BacktraceStatus::Captured {
            stack.push_str(&places::own_frames(&self.backtrace));
        }
        stack
    }
}

impl fmt::Display for Error {
    /// The causes in one line, outermost first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<&str> = self.causes.iter().map(|cause| cause.message.as_str()).collect();
        f.write_str(&messages.join(": "))
    }
}

impl std::error::Error for Error {}

impl IntoResponse for Error {
    /// The edge of the service: here an error is logged, once, and answered without its internals.
    fn into_response(self) -> Response {
        self.log();
        problem(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Turns the error of a library into one of ours, at the place of the call.
pub trait OrFail<T> {
    /// `doing` says what was being done; the causes of the library's error follow it.
    ///
    /// # Errors
    ///
    /// Where `self` is an error.
    #[track_caller]
    fn or_fail(self, kind: ErrorKind, doing: impl fmt::Display) -> Result<T, Error>;
}

impl<T, E: std::error::Error> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self, kind: ErrorKind, doing: impl fmt::Display) -> Result<T, Error> {
        // Not `map_err`: a closure would be the caller.
        match self {
            Ok(value) => Ok(value),
            Err(source) => {
                let mut error = Error::new(kind, doing.to_string());
                let place = places::without_build_folder(Location::caller());
                let mut next: Option<&dyn std::error::Error> = Some(&source);
                while let Some(cause) = next {
                    error.causes.push(Cause { message: cause.to_string(), place: place.clone() });
                    next = cause.source();
                }
                Err(error)
            }
        }
    }
}

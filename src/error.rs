//! What can fail while `/handson` is served, with the chain of causes.

mod location;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::panic::Location;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::problem::problem;

/// The stable name by which a failure is counted, grouped and searched: `error.kind` and `exception.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    RandomError,
    HttpbinError,
    DatabaseError,
    Timeout,
    Panic,
    /// The process could not start. This failure belongs to no request.
    StartError,
}

impl ErrorKind {
    /// The name in logs and traces.
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

/// A failure: its kind, what was being done, where, and its cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    /// `src/httpbin.rs:42`.
    location: String,
    source: Option<BoxError>,
    backtrace: Backtrace,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// A failure without a deeper cause, at the caller's location.
    #[track_caller]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::at(kind, message, Location::caller(), None)
    }

    /// A failure at this location.
    pub fn at(
        kind: ErrorKind,
        message: impl Into<String>,
        location: &Location<'_>,
        source: Option<BoxError>,
    ) -> Self {
        let location = location::without_build_folder(location);
        Self { kind, message: message.into(), location, source, backtrace: Backtrace::capture() }
    }

    /// The same failure, with a description of what its caller was doing.
    #[track_caller]
    #[must_use]
    pub fn context(self, message: &str) -> Self {
        Self::at(self.kind, message, Location::caller(), Some(Box::new(self)))
    }

    /// The stable name of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Logs it, as one line at ERROR.
    pub fn log(&self) {
        // BEFORE errors: // TODO errors: give kind, message and stack fields of their own.
        // BEFORE errors: tracing::error!(name: "handson.failure", "{}: {self}", self.kind.name());
        // The names are OpenTelemetry's; a JSON line nests them as `error: {kind, message, stack}`.
        tracing::error!(
            name: "handson.failure",
            { "exception.type" = self.kind.name(), "exception.message" = %self, "exception.stacktrace" = self.stack() },
            "{}: {self}", self.kind.name(),
        );
    }

    /// The kind, and the chain of causes, one per line, each with its location: `connection refused
    /// (src/httpbin.rs:42)`. The cause in a library has the location where this crate received it. With
    /// `RUST_BACKTRACE=1`, frames of this crate follow.
    pub fn stack(&self) -> String {
        let mut stack = self.kind.name().to_owned();
        let mut location = &self.location;
        for cause in self.chain() {
            if let Some(own) = cause.downcast_ref::<Self>() {
                location = &own.location;
                stack.push_str(&format!("\n{} ({location})", own.message));
            } else {
                stack.push_str(&format!("\n{cause} ({location})"));
            }
        }
        if self.backtrace.status() == BacktraceStatus::Captured {
            stack.push_str(&location::own_frames(&self.backtrace));
        }
        stack
    }

    /// This error and its causes, outermost first.
    fn chain(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        anyhow::Chain::new(self)
    }
}

impl fmt::Display for Error {
    /// The whole chain in one line, outermost first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            // An error of this crate formats its own causes.
            Some(source) if source.is::<Self>() => write!(f, ": {source}"),
            Some(_) => self.chain().skip(1).try_for_each(|cause| write!(f, ": {cause}")),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

// BEFORE errors: // TODO errors: implement the crate's trait for errors.
impl instrumentation::exception::Exception for Error {
    fn exception_type(&self) -> &str {
        self.kind.name()
    }

    fn stack_trace(&self) -> String {
        self.stack()
    }
}

impl IntoResponse for Error {
    /// The edge of the service: here an error is logged once, and answered without internals.
    fn into_response(self) -> Response {
        self.log();
        problem(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Converts the error of a library to one of this crate, at the location of the call.
pub trait OrFail<T> {
    /// `doing` describes what was being done; the library's error becomes the cause.
    ///
    /// # Errors
    ///
    /// `self` is an error.
    #[track_caller]
    fn or_fail(self, kind: ErrorKind, doing: impl fmt::Display) -> Result<T, Error>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self, kind: ErrorKind, doing: impl fmt::Display) -> Result<T, Error> {
        // Not `map_err`, because the closure would be the caller.
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::at(kind, doing.to_string(), Location::caller(), Some(Box::new(error)))),
        }
    }
}

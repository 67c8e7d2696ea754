//! What can be wrong with the files of the repository, or with a value that names one of its parts.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::messages::Message;
use crate::text;

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this library. Its cause, if it has one, is the `source`: print it with `{:#}` of `anyhow`.
#[derive(Debug)]
pub enum Error {
    /// A file or a folder that cannot be read.
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file that is not what it should be.
    Invalid {
        /// `FILE` or `FILE:LINE`.
        place: String,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// A value that matches none of the allowed ones.
    Value {
        /// The value.
        value: String,
        /// What the value stands for, such as `STEP`.
        name: &'static str,
        /// What is expected, or why this value is refused.
        reason: Message,
    },
}

impl Error {
    pub(crate) fn invalid(place: impl ToString, reason: impl ToString) -> Self {
        Self::Invalid { place: place.to_string(), reason: reason.to_string() }
    }

    pub(crate) fn value(value: &str, name: &'static str, reason: impl Into<Message>) -> Self {
        Self::Value { value: value.to_owned(), name, reason: reason.into() }
    }

    /// The error without its cause. Errors in files of the repository are in English.
    pub fn message(&self) -> Message {
        match self {
            Self::Read { path, .. } => text!("cannot read {path}", path = path.display().to_string()),
            Self::Invalid { place, reason } => Message::verbatim(format!("{place}: {reason}")),
            Self::Value { value, name, reason } => {
                text!("invalid value '{value}' for {name}: {reason}", value, name = *name, reason)
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Invalid { .. } | Self::Value { .. } => None,
        }
    }
}

/// A line that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{line}: {reason}")]
pub struct LineError {
    /// Its number, counted from 1.
    pub line: usize,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

impl LineError {
    pub(crate) fn new(line: usize, reason: impl ToString) -> Self {
        Self { line, reason: reason.to_string() }
    }

    /// The error with the file that the text is from.
    pub fn in_file(self, file: &Path) -> Error {
        Error::invalid(format!("{}:{}", file.display(), self.line), self.reason)
    }
}

/// The text of a file.
pub(crate) fn read_to_string(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

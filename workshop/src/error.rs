//! What can be wrong with the files of the repository, or with a word that names one of its parts.

use std::io;
use std::path::{Path, PathBuf};

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this library. Its cause, if it has one, is the `source`: print it with `{:#}` of `anyhow`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or a folder that cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is not what it should be.
    #[error("{place}: {reason}")]
    Invalid {
        /// `FILE` or `FILE:LINE`.
        place: String,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// A word that names none of the things that it may name.
    #[error("invalid value '{value}' for {name}: {reason}")]
    Value {
        /// The word.
        value: String,
        /// What it stands for, such as `STEP`.
        name: &'static str,
        /// What is expected, or why this value is refused.
        reason: String,
    },
}

impl Error {
    pub(crate) fn invalid(place: impl ToString, reason: impl ToString) -> Self {
        Self::Invalid { place: place.to_string(), reason: reason.to_string() }
    }

    pub(crate) fn value(value: &str, name: &'static str, reason: impl ToString) -> Self {
        Self::Value { value: value.to_owned(), name, reason: reason.to_string() }
    }
}

/// A line of a text that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{line}: {reason}")]
pub struct LineError {
    /// Its number, from 1.
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

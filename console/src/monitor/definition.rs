//! `monitor.toml`.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::store::HISTORY_WINDOW;

/// The shortest window; rates have a resolution of 5 s.
const SHORTEST: Duration = Duration::from_secs(10);

/// Maximum size of a file in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// What a monitor watches, and when it fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// `service.name`.
    pub service: String,
    /// The length of the window.
    pub window: Duration,
    /// The share of failures above which it fires: more than 0, at most 1.
    pub threshold: f64,
    /// With fewer requests in the window, the state does not change.
    pub min_requests: u64,
    /// The address to which it posts notices in Slack's format.
    pub webhook: Option<reqwest::Url>,
}

/// What is wrong with a `monitor.toml`, and what is allowed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum DefinitionError {
    #[error("The file does not exist yet. It defines when too many requests fail.")]
    Missing,
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it is too large: a monitor has at most {MAX_BYTES} bytes")]
    TooLarge,
    #[error("{}", .0.to_string().trim_end())]
    Syntax(#[from] toml::de::Error),
    #[error("service is empty: expected the service.name, such as \"handson\"")]
    Service,
    #[error("invalid value {0:?} for window: expected a duration from 10s to 15m, such as \"1m\"")]
    Window(String),
    #[error("invalid value {0} for threshold: expected a share above 0 and up to 1, such as 0.05")]
    Threshold(f64),
    #[error("invalid value 0 for min_requests: expected 1 or more")]
    MinRequests,
    #[error("invalid value {0:?} for webhook: expected an http:// or https:// address")]
    Webhook(String),
}

impl From<io::Error> for DefinitionError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable(error),
        }
    }
}

/// The content of the file before validation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    service: String,
    window: String,
    threshold: f64,
    min_requests: u64,
    webhook: Option<String>,
}

impl Definition {
    /// Reads `file`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or does not define a monitor.
    pub fn read(file: &Path) -> Result<Self, DefinitionError> {
        // Opening a FIFO would wait for its writer, and reading a device may never end.
        if !file.metadata()?.is_file() {
            return Err(DefinitionError::NotAFile);
        }
        let mut text = String::new();
        let bytes = fs::File::open(file)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
        if bytes as u64 > MAX_BYTES {
            return Err(DefinitionError::TooLarge);
        }
        Self::parse(&text)
    }

    /// Parses the text of `monitor.toml`.
    ///
    /// # Errors
    ///
    /// If the text does not define a monitor.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let file: File = toml::from_str(text)?;
        if file.service.is_empty() {
            return Err(DefinitionError::Service);
        }
        let window = match humantime::parse_duration(&file.window) {
            Ok(window) if (SHORTEST..=HISTORY_WINDOW).contains(&window) => window,
            _ => return Err(DefinitionError::Window(file.window)),
        };
        if !(file.threshold > 0.0 && file.threshold <= 1.0) {
            return Err(DefinitionError::Threshold(file.threshold));
        }
        if file.min_requests == 0 {
            return Err(DefinitionError::MinRequests);
        }
        let webhook = match file.webhook {
            Some(url) if !url.is_empty() => match reqwest::Url::parse(&url) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
                _ => return Err(DefinitionError::Webhook(url)),
            },
            _ => None,
        };
        Ok(Self {
            service: file.service,
            window,
            threshold: file.threshold,
            min_requests: file.min_requests,
            webhook,
        })
    }
}

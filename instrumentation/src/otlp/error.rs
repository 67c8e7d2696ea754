//! The errors of an export.

use std::time::Duration;

use reqwest::StatusCode;

use super::client::SendError;

/// Why spans or log records were lost. Messages contain no endpoint and no header, because these may contain
/// API keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The receiver sent no response: the whole batch is lost.
    #[error("{0}")]
    NoResponse(#[from] SendError),
    /// The receiver responded with an error: the whole batch is lost.
    #[error("the receiver responded with HTTP status {status}{}{message}", if message.is_empty() { "" } else { ": " })]
    Status {
        /// The status of the response.
        status: StatusCode,
        /// The receiver's reason, empty if it gives none.
        message: String,
        /// How long the receiver asks to wait before the next request, from `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The receiver accepted the batch in part. If it rejected nothing, the message is a warning.
    #[error("the receiver rejected {rejected} items of a batch: {message}")]
    PartialSuccess {
        /// Number of spans or log records of the batch that are lost.
        rejected: u64,
        /// The receiver's reason.
        message: String,
    },
    /// The batch could not be compressed.
    #[error("cannot compress the request: {0}")]
    Compress(#[source] std::io::Error),
    /// The request could not be built.
    #[error("cannot build the request: {0}")]
    Request(#[from] http::Error),
}

impl ExportError {
    /// Whether the same request may succeed later:
    /// <https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes>.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::NoResponse(error) => error.is_retryable(),
            Self::Status { status, .. } => matches!(
                *status,
                StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
            Self::PartialSuccess { .. } | Self::Compress(_) | Self::Request(_) => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

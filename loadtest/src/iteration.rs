//! The result of one iteration.

use std::time::Duration;

use http::StatusCode;

/// One iteration that ended: one request.
#[derive(Debug)]
pub struct Iteration {
    /// From the scheduled start until the request was sent, or sending failed. It includes connecting.
    pub schedule_delay: Duration,
    /// Time from then until the last byte of the response, or until the failure.
    pub request_duration: Duration,
    /// From the actual start to the end.
    pub duration: Duration,
    /// The status of the response, or why there is none.
    pub outcome: Result<StatusCode, Failure>,
    /// For each check, whether it passed.
    pub checks: Vec<bool>,
}

/// Why a request got no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `error.type` of the semantic conventions: `timeout`, `connect` or `request`.
    pub error_type: &'static str,
    /// The message for the user.
    pub message: String,
}

impl Iteration {
    /// Whether the response is what k6 expects by default: 200 to 399.
    pub fn is_expected(&self) -> bool {
        matches!(&self.outcome, Ok(status) if (200..400).contains(&status.as_u16()))
    }
}

impl Failure {
    pub(crate) fn new(error_type: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        // The last cause says more: "Connection refused" instead of "client error (Connect)".
        let cause = anyhow::Chain::new(error).last().unwrap_or(error);
        Self { error_type, message: cause.to_string() }
    }
}

//! What a check says.

use serde::Serialize;

/// One expectation of a step, and whether the evidence meets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// What was expected, as a sentence: "a SERVER span named `GET /handson` for every request".
    pub expected: String,
    /// Why it is not met; `None` where it is.
    pub failure: Option<Failure>,
}

/// Why an expectation is not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What was seen, may be several lines: the span tree, the attribute that is wrong, the log line.
    pub seen: String,
    /// The most likely cause, and what to try.
    pub cause: String,
}

impl Expectation {
    /// The evidence meets it.
    pub fn met(expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), failure: None }
    }

    /// The evidence does not meet it.
    pub fn failed(expected: impl Into<String>, seen: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { expected: expected.into(), failure: Some(Failure { seen: seen.into(), cause: cause.into() }) }
    }

    /// Whether the evidence meets it.
    pub fn is_met(&self) -> bool {
        self.failure.is_none()
    }
}

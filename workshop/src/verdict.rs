//! What a check reports.

use crate::messages::Message;

/// One expectation of a step, and whether the evidence meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// What was expected, as a sentence: "a SERVER span named `GET /handson` for every request".
    pub expected: Message,
    /// Why the evidence does not meet it; `None` if it does.
    pub failure: Option<Failure>,
    /// What the semantic conventions recommend and the evidence lacks. It does not make a step fail.
    pub advice: Option<Message>,
}

/// Why an expectation is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was seen, possibly several lines: the span tree, the wrong attribute, the log line.
    pub seen: Message,
    /// The most likely cause, and what to try.
    pub cause: Message,
}

impl Expectation {
    /// An expectation with the result of its check.
    pub fn new(expected: Message, result: Result<(), Failure>) -> Self {
        Self { expected, failure: result.err(), advice: None }
    }

    /// The same expectation, with advice.
    pub fn with_advice(self, advice: Option<Message>) -> Self {
        Self { advice, ..self }
    }

    /// The same, without what holds only for a backend in Rust.
    pub fn for_any_language(&self) -> Self {
        let failure = self.failure.as_ref();
        Self {
            expected: self.expected.for_any_language(),
            failure: failure.map(|it| Failure::new(it.seen.for_any_language(), it.cause.for_any_language())),
            advice: self.advice.as_ref().map(Message::for_any_language),
        }
    }

    /// Whether the evidence meets it.
    pub fn is_met(&self) -> bool {
        self.failure.is_none()
    }
}

impl Failure {
    /// What was seen, and the most likely cause.
    pub fn new(seen: Message, cause: Message) -> Self {
        Self { seen, cause }
    }
}

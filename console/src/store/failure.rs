//! One failure, and the key of its group.

use super::cut;
use otlp::model::{Attributes, LogRecord, Span, type_without_module};

/// Maximum numbers of bytes of a stack trace, of a message, and of a type.
const MAX_STACK: usize = 8 * 1024;
const MAX_MESSAGE: usize = 512;
const MAX_KIND: usize = 255;
/// Service, type without its module, and the message without the parts that differ between failures.
pub(super) type Key = (String, String, String);

/// One failure, from a span or a log record.
#[derive(Debug, Clone)]
pub struct Failure {
    service: String,
    pub(super) kind: String,
    message: String,
    pub(super) stack: String,
    pub(super) trace_id: Option<String>,
    /// When it happened, in nanoseconds since 1970; 0 if unknown.
    pub(super) time: u64,
}

impl Failure {
    /// The exceptions of a span.
    pub(super) fn from_span(span: &Span) -> impl Iterator<Item = Self> {
        let exceptions = span.events.iter().filter(|event| event.name == "exception");
        exceptions.filter_map(|event| {
            let trace = Some(span.trace_id.clone());
            Self::from_attributes(&event.attributes, None, span.service(), trace, event.time)
        })
    }

    /// The exception of a log record.
    pub(super) fn from_log_record(record: &LogRecord) -> Option<Self> {
        Self::from_attributes(
            &record.attributes,
            record.body.as_str(),
            record.service(),
            record.trace_id.clone(),
            record.when(),
        )
    }

    /// The failure of an operation whose span has the status Error.
    pub(super) fn from_request(span: &Span) -> Self {
        let kind = span.attributes.text("error.type").unwrap_or("(no error.type)");
        let message = if span.status_message.is_empty() {
            format!("{} failed, and no exception was recorded", span.name)
        } else {
            span.status_message.clone()
        };
        Self {
            service: span.service().to_owned(),
            kind: cut(kind, MAX_KIND).to_owned(),
            message: cut(&message, MAX_MESSAGE).to_owned(),
            stack: String::new(),
            trace_id: Some(span.trace_id.clone()),
            time: span.end,
        }
    }

    fn from_attributes(
        attributes: &Attributes,
        body: Option<&str>,
        service: &str,
        trace_id: Option<String>,
        time: u64,
    ) -> Option<Self> {
        let kind = attributes.text("exception.type");
        let message = attributes.text("exception.message");
        // The conventions require at least one of the two.
        if kind.is_none() && message.is_none() {
            return None;
        }
        Some(Self {
            service: service.to_owned(),
            kind: cut(kind.unwrap_or("(no exception.type)"), MAX_KIND).to_owned(),
            message: cut(message.or(body).unwrap_or_default(), MAX_MESSAGE).to_owned(),
            stack: cut(attributes.text("exception.stacktrace").unwrap_or_default(), MAX_STACK).to_owned(),
            trace_id,
            time,
        })
    }

    /// The key of its group.
    pub(super) fn key(&self) -> Key {
        (self.service.clone(), type_without_module(&self.kind).to_owned(), normalised(&self.message))
    }
}

/// The message with `#` instead of numbers, hex ids and other words with a digit.
fn normalised(message: &str) -> String {
    // Words that contain dots or colons, such as 0.3, 127.0.0.1 and 10:30, count as one.
    without_digits(message).replace("#.#", "#").replace("#.#", "#").replace("#:#", "#")
}

fn without_digits(message: &str) -> String {
    let mut normalised = String::new();
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let word: &str =
            rest.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').next().unwrap_or_default();
        if word.is_empty() {
            normalised.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        normalised.push_str(if word.bytes().any(|byte| byte.is_ascii_digit()) { "#" } else { word });
        rest = &rest[word.len()..];
    }
    normalised
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn messages_that_differ_only_in_numbers_and_ids_are_the_same() {
        assert_eq!(normalised("failed at random, at a rate of 0.3"), "failed at random, at a rate of #");
        let refused = "connecting to 127.0.0.1:8081 failed after 12ms: connection refused (os error 111)";
        assert_eq!(normalised(refused), "connecting to # failed after #: connection refused (os error #)");
        assert_eq!(normalised("user 5b8efff7-98038103 の名前"), "user # の名前");
    }
}

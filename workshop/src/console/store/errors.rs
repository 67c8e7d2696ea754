//! Failures, those of the same kind as one group. They outlive the traces in which they happened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::traces::Traces;
use super::{REACH, SLOT};
use crate::telemetry::{Attributes, LogRecord, Span, Value};

/// Groups that are kept; the one that was seen longest ago gives way.
const MOST_GROUPS: usize = 500;
/// Traces that a group names.
const MOST_SAMPLES: usize = 10;
/// Failures that are remembered, so that one which is told by a span and by a log record counts once.
const MOST_REMEMBERED: usize = 10_000;
/// Bytes of a message and of a stack that are kept.
const MOST_TEXT: usize = 8 * 1024;
/// Time for the spans of a request that failed to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// Requests that wait for it.
const MOST_WAITING: usize = 10_000;

/// One failure, as a span or a log record tells of it.
#[derive(Debug, Clone)]
pub struct Failure {
    service: String,
    kind: String,
    message: String,
    stack: String,
    trace_id: Option<String>,
}

impl Failure {
    /// The exceptions of a span.
    pub(super) fn of_span(span: &Span) -> impl Iterator<Item = Self> {
        let exceptions = span.events.iter().filter(|event| event.name == "exception");
        exceptions.filter_map(|event| {
            Self::of(&event.attributes, None, span.service(), Some(span.trace_id.clone()))
        })
    }

    /// The exception of a log record.
    pub(super) fn of_log_record(record: &LogRecord) -> Option<Self> {
        let body = match &record.body {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        };
        Self::of(&record.attributes, body, record.service(), record.trace_id.clone())
    }

    fn of(
        attributes: &Attributes,
        body: Option<&str>,
        service: &str,
        trace_id: Option<String>,
    ) -> Option<Self> {
        let kind = attributes.text("exception.type");
        let message = attributes.text("exception.message");
        // The conventions want one of the two.
        if kind.is_none() && message.is_none() {
            return None;
        }
        Some(Self {
            service: service.to_owned(),
            kind: cut(kind.unwrap_or("(no exception.type)")),
            message: cut(message.or(body).unwrap_or_default()),
            stack: cut(attributes.text("exception.stacktrace").unwrap_or_default()),
            trace_id,
        })
    }

    fn key(&self) -> Key {
        (self.service.clone(), self.kind.clone(), normalised(&self.message))
    }
}

/// Service, kind, and the message without what differs from one time to the next.
type Key = (String, String, String);

/// Failures of one service and kind, whose messages differ in numbers and ids at most.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its address on the page: the same for the same failures, also after a restart.
    pub id: String,
    /// `service.name`.
    pub service: String,
    /// `exception.type`.
    pub kind: String,
    /// With `#` for what differs.
    pub message: String,
    /// How often; one that is told by a span and by a log record counts once.
    pub count: u64,
    /// Nanoseconds since 1970.
    pub first: u64,
    /// Nanoseconds since 1970.
    pub last: u64,
    /// The last `exception.stacktrace`.
    pub stack: String,
    /// The last traces, newest first.
    pub traces: VecDeque<String>,
    slots: BTreeMap<u64, u64>,
}

impl Group {
    /// Failures in each of the last `count` slots of 5 s, oldest first.
    pub fn course(&self, count: u64, now: u64) -> Vec<u64> {
        let present = now / SLOT.as_nanos() as u64;
        let at = |back| self.slots.get(&present.saturating_sub(back)).copied().unwrap_or_default();
        (0..count).rev().map(at).collect()
    }
}

#[derive(Debug, Default)]
pub struct Errors {
    groups: BTreeMap<Key, Group>,
    remembered: BTreeSet<u64>,
    order: VecDeque<u64>,
    waiting: VecDeque<Waiting>,
}

/// A request that failed, and of which no exception may come.
#[derive(Debug)]
struct Waiting {
    until: u64,
    failure: Failure,
}

impl Errors {
    /// All groups, the one seen last first.
    pub fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.groups.values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.last));
        groups
    }

    /// The group with this address.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.values().find(|group| group.id == id)
    }

    pub(super) fn count(&mut self, failure: Failure, now: u64) {
        let key = failure.key();
        if let Some(trace) = &failure.trace_id
            && !self.is_new(hash(&(trace, &key)))
        {
            return;
        }
        if !self.groups.contains_key(&key) && self.groups.len() >= MOST_GROUPS {
            let oldest = self.groups.iter().min_by_key(|(_, group)| group.last).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.groups.remove(&key));
        }
        let group = self.groups.entry(key).or_insert_with_key(|key| Group {
            id: format!("{:016x}", hash(key)),
            service: key.0.clone(),
            kind: key.1.clone(),
            message: key.2.clone(),
            count: 0,
            first: now,
            last: now,
            stack: String::new(),
            traces: VecDeque::new(),
            slots: BTreeMap::new(),
        });
        group.count += 1;
        group.last = now;
        if !failure.stack.is_empty() {
            group.stack = failure.stack;
        }
        if let Some(trace) = failure.trace_id {
            group.traces.push_front(trace);
            group.traces.truncate(MOST_SAMPLES);
        }
        let present = now / SLOT.as_nanos() as u64;
        *group.slots.entry(present).or_default() += 1;
        let reach = REACH.as_secs() / SLOT.as_secs();
        group.slots.retain(|slot, _| slot + reach >= present);
    }

    fn is_new(&mut self, failure: u64) -> bool {
        if !self.remembered.insert(failure) {
            return false;
        }
        self.order.push_back(failure);
        if self.order.len() > MOST_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.remembered.remove(&oldest);
        }
        true
    }

    /// A SERVER span says that its request failed: that is a group of its own where nobody tells of an exception.
    pub(super) fn look_at_later(&mut self, span: &Span, now: u64) {
        let kind = span.attributes.text("error.type").unwrap_or("(no error.type)");
        let message = if span.status_message.is_empty() {
            format!("{} failed, and no exception was recorded", span.name)
        } else {
            span.status_message.clone()
        };
        self.waiting.push_back(Waiting {
            until: now + PATIENCE.as_nanos() as u64,
            failure: Failure {
                service: span.service().to_owned(),
                kind: cut(kind),
                message: cut(&message),
                stack: String::new(),
                trace_id: Some(span.trace_id.clone()),
            },
        });
        if self.waiting.len() > MOST_WAITING {
            self.waiting.pop_front();
        }
    }

    /// Counts requests that failed, and of which no exception came in time.
    pub(super) fn settle(&mut self, traces: &Traces, now: u64) {
        while self.waiting.front().is_some_and(|waiting| waiting.until <= now) {
            let Some(Waiting { failure, .. }) = self.waiting.pop_front() else { return };
            let trace = failure.trace_id.as_deref().and_then(|id| traces.get(id));
            let is_told =
                |group: &Group| failure.trace_id.as_ref().is_some_and(|id| group.traces.contains(id));
            let has_exception = trace
                .is_none_or(|trace| trace.spans().iter().any(|span| Failure::of_span(span).next().is_some()));
            if !has_exception && !self.groups.values().any(is_told) {
                self.count(failure, now);
            }
        }
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_TEXT).collect()
}

/// The message with `#` for numbers, hex ids and what stands in their place: words that have a digit.
fn normalised(message: &str) -> String {
    // Words with dots or colons in them, such as 0.3, 127.0.0.1 and 10:30, count as one.
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
    fn messages_that_differ_in_numbers_and_ids_are_the_same() {
        assert_eq!(normalised("failed at random, at a rate of 0.3"), "failed at random, at a rate of #");
        let refused = "connecting to 127.0.0.1:8081 failed after 12ms: connection refused (os error 111)";
        assert_eq!(normalised(refused), "connecting to # failed after #: connection refused (os error #)");
        assert_eq!(normalised("user 5b8efff7-98038103 の名前"), "user # の名前");
    }
}

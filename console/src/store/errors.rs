//! Failures, grouped by kind. They are kept longer than the traces in which they happened.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::failure::{Failure, Key};
use super::traces::Traces;
use super::{HISTORY_WINDOW, SLOT};
use otlp::model::Span;

/// Maximum number of groups; the one that was seen longest ago is dropped.
const MAX_GROUPS: usize = 500;
/// Maximum number of traces that a group names.
const MAX_SAMPLES: usize = 10;
/// Maximum number of failures, and of traces, that are remembered to detect duplicates.
const MAX_REMEMBERED: usize = 10_000;
/// Time for the spans of a failed request to arrive.
const EXCEPTION_WINDOW: Duration = Duration::from_secs(5);
/// Maximum number of requests that wait for it.
const MAX_WAITING: usize = 5_000;

/// Failures of one service and type whose messages differ only in numbers and ids.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its address on the page: the same for the same failures, even after a restart.
    pub id: String,
    /// `service.name`.
    pub service: String,
    /// `exception.type`, with its module if one of the failures has it.
    pub kind: String,
    /// The message, with `#` for the parts that differ.
    pub message: String,
    /// Number of failures. One that is reported by both a span and a log record counts once.
    pub count: u64,
    /// Nanoseconds since 1970.
    pub first: u64,
    /// Nanoseconds since 1970.
    pub last: u64,
    /// The last `exception.stacktrace`.
    pub stack: Arc<str>,
    /// The newest traces, each with the time of its failure, newest first.
    traces: Vec<(u64, String)>,
    slots: BTreeMap<u64, u64>,
}

impl Group {
    /// The ids of the newest traces, newest first.
    pub fn traces(&self) -> impl Iterator<Item = &str> {
        self.traces.iter().map(|(_, id)| id.as_str())
    }

    fn name(&mut self, kind: String) {
        if kind.len() > self.kind.len() {
            self.kind = kind;
        }
    }

    /// The number of failures from `from` until before `to`, in nanoseconds since 1970 and in steps of 5 s,
    /// and whether it is exact: of those of more than 15 minutes ago, only the first and the last time are
    /// known.
    pub fn count_between(&self, from: u64, to: u64, now: u64) -> (u64, bool) {
        if from <= self.first && self.last < to {
            return (self.count, true);
        }
        let width = SLOT.as_nanos() as u64;
        let count = self.slots.range(from / width..to.div_ceil(width)).map(|(_, failures)| failures).sum();
        let oldest = now.saturating_sub(HISTORY_WINDOW.as_nanos() as u64 + width);
        let has_no_other = from.max(self.first) >= oldest || from > self.last || to <= self.first;
        (count, has_no_other)
    }

    /// Failures in each of the last `count` slots of 5 s, oldest first.
    pub fn history(&self, count: u64, now: u64) -> Vec<u64> {
        let present = now / SLOT.as_nanos() as u64;
        let at = |back| self.slots.get(&present.saturating_sub(back)).copied().unwrap_or_default();
        (0..count).rev().map(at).collect()
    }
}

#[derive(Debug, Default)]
pub struct Errors {
    groups: BTreeMap<Key, Group>,
    /// Known failures of traces, so that one in both a span and a log record counts once.
    counted: Recent,
    /// Traces that have reported a failure.
    traces: Recent,
    waiting: VecDeque<Waiting>,
}

/// A failed request for which an exception may still arrive.
#[derive(Debug)]
struct Waiting {
    until: u64,
    failure: Failure,
}

impl Errors {
    /// All groups, the most recent first.
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
            && {
                self.traces.insert(hash(trace.as_str()));
                !self.counted.insert(hash(&(trace, &key)))
            }
        {
            // The other one may have the module of the type.
            self.groups.entry(key).and_modify(|group| group.name(failure.kind));
            return;
        }
        // A failure may arrive late, but none is in the future.
        let time = if failure.time == 0 { now } else { failure.time.min(now) };
        if !self.groups.contains_key(&key) && self.groups.len() >= MAX_GROUPS {
            let oldest = self.groups.iter().min_by_key(|(_, group)| group.last).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.groups.remove(&key));
        }
        let group = self.groups.entry(key).or_insert_with_key(|key| Group {
            id: format!("{:016x}", hash(key)),
            service: key.0.clone(),
            kind: failure.kind.clone(),
            message: key.2.clone(),
            count: 0,
            first: time,
            last: time,
            stack: Arc::default(),
            traces: Vec::new(),
            slots: BTreeMap::new(),
        });
        group.count += 1;
        group.name(failure.kind);
        group.first = group.first.min(time);
        if !failure.stack.is_empty() && (time >= group.last || group.stack.is_empty()) {
            group.stack = failure.stack.into();
        }
        group.last = group.last.max(time);
        if let Some(trace) = failure.trace_id {
            let place = group.traces.partition_point(|(known, _)| *known > time);
            group.traces.insert(place, (time, trace));
            group.traces.truncate(MAX_SAMPLES);
        }
        let slot = |time: u64| time / SLOT.as_nanos() as u64;
        let present = slot(now);
        *group.slots.entry(slot(time)).or_default() += 1;
        let reach = HISTORY_WINDOW.as_secs() / SLOT.as_secs();
        group.slots.retain(|slot, _| slot + reach >= present);
    }

    /// Called for a failed operation, see [`super::is_entry`]. It becomes a failure if no exception arrives.
    /// Returns the number of waiting requests that were dropped for it.
    pub(super) fn look_at_later(&mut self, span: &Span, now: u64) -> u64 {
        self.waiting.push_back(Waiting {
            until: now + EXCEPTION_WINDOW.as_nanos() as u64,
            failure: Failure::from_request(span),
        });
        let has_dropped = self.waiting.len() > MAX_WAITING && self.waiting.pop_front().is_some();
        u64::from(has_dropped)
    }

    /// Counts the failed requests for which no exception arrived in time.
    pub(super) fn settle(&mut self, traces: &Traces, now: u64) {
        while self.waiting.front().is_some_and(|waiting| waiting.until <= now) {
            let Some(Waiting { failure, .. }) = self.waiting.pop_front() else { return };
            let Some(trace) = failure.trace_id.as_deref() else { continue };
            if traces.get(trace).is_some() && !self.traces.contains(hash(trace)) {
                self.count(failure, now);
            }
        }
    }
}

/// The numbers that were inserted most recently.
#[derive(Debug, Default)]
struct Recent {
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Recent {
    /// Inserts a number, and returns whether it is new.
    fn insert(&mut self, number: u64) -> bool {
        if !self.known.insert(number) {
            return false;
        }
        self.order.push_back(number);
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    fn contains(&self, number: u64) -> bool {
        self.known.contains(&number)
    }
}

fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

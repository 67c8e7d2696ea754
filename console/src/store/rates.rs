//! Requests, errors and durations of a service over time, from its SERVER spans. They are kept longer than
//! the spans.

use std::collections::BTreeMap;
use std::time::Duration;

use super::HISTORY_WINDOW;
use super::clock::Clock;
use otlp::model::{Span, StatusCode};

/// The resolution of time.
pub const SLOT: Duration = Duration::from_secs(5);
/// Number of buckets for durations. Each is 10 % wider than the one before, so percentiles are accurate to 5
/// %.
const BUCKETS: usize = 233;
const GROWTH: f64 = 1.1;
/// Upper bound of the first bucket in nanoseconds. That of the last one is more than an hour.
const FIRST: f64 = 1_000.0;

const HISTORY_SLOTS: u64 = HISTORY_WINDOW.as_secs() / SLOT.as_secs();

/// The rates of one service.
#[derive(Debug, Default)]
pub struct Rates {
    slots: BTreeMap<u64, Slot>,
    /// The trace of the last request that failed.
    pub last_failed: Option<String>,
    /// The clock of the service.
    pub clock: Clock,
}

/// The requests of a period.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Number of SERVER spans.
    pub requests: u64,
    /// Number of SERVER spans with the status Error.
    pub errors: u64,
    durations: Box<[u32]>,
}

impl Default for Slot {
    fn default() -> Self {
        Self { requests: 0, errors: 0, durations: vec![0; BUCKETS].into() }
    }
}

impl Rates {
    /// Counts a SERVER span in the slot in which it ended by this computer's clock, unless that is too old.
    pub fn count(&mut self, span: &Span, now: u64) {
        let (slot, present) = (slot(self.clock.correct(span.end, now)), slot(now));
        if slot + HISTORY_SLOTS < present {
            return;
        }
        self.slots.retain(|slot, _| slot + HISTORY_SLOTS >= present);
        let counted = self.slots.entry(slot).or_default();
        counted.requests += 1;
        counted.durations[bucket(span.duration())] += 1;
        if span.status == StatusCode::Error {
            counted.errors += 1;
            self.last_failed = Some(span.trace_id.clone());
        }
    }

    /// Whether all requests are older than the time for which they are kept.
    pub(super) fn are_old(&self, now: u64) -> bool {
        self.slots.last_key_value().is_none_or(|(last, _)| last + HISTORY_SLOTS < slot(now))
    }

    /// The slots that begin from `from` until before `to`, oldest first, and the time at which the first one
    /// begins. Times are nanoseconds since 1970.
    pub fn between(&self, from: u64, to: u64) -> (u64, Vec<Slot>) {
        let width = SLOT.as_nanos() as u64;
        let (first, end) = (from.div_ceil(width), to.div_ceil(width));
        let slots = (first..end).map(|slot| self.slots.get(&slot).cloned().unwrap_or_default());
        (first * width, slots.collect())
    }

    /// The seconds from `from` to `to`, or from the first request if that is later; at least those of one
    /// slot. Both are nanoseconds since 1970.
    pub fn seconds(&self, from: u64, to: u64) -> f64 {
        let width = SLOT.as_nanos() as u64;
        let first = self.slots.range(from.div_ceil(width)..).next().map_or(from, |(first, _)| first * width);
        Duration::from_nanos(to.saturating_sub(first.max(from))).max(SLOT).as_secs_f64()
    }

    /// All slots since `now - window`, added up.
    pub fn over(&self, window: Duration, now: u64) -> Slot {
        let from = slot(now.saturating_sub(window.as_nanos() as u64));
        Slot::sum(self.slots.range(from + 1..).map(|(_, slot)| slot))
    }
}

impl Slot {
    /// The requests of all these periods.
    pub fn sum<'a>(slots: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for slot in slots {
            all.requests += slot.requests;
            all.errors += slot.errors;
            for (sum, more) in all.durations.iter_mut().zip(&slot.durations) {
                *sum += more;
            }
        }
        all
    }

    /// The share of requests that failed, from 0 to 1.
    pub fn error_rate(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.errors as f64 / self.requests as f64 }
    }

    /// The duration that the given share of requests does not exceed, in nanoseconds; `None` without
    /// requests.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let wanted = (self.requests as f64 * share).ceil().max(1.0) as u64;
        let mut counted = 0;
        let bucket = self.durations.iter().position(|count| {
            counted += u64::from(*count);
            counted >= wanted
        })?;
        // The middle of the bucket.
        Some(FIRST * GROWTH.powf(bucket as f64 - 0.5))
    }
}

fn slot(nanoseconds: u64) -> u64 {
    nanoseconds / SLOT.as_nanos() as u64
}

fn bucket(nanoseconds: u64) -> usize {
    let bucket = (nanoseconds as f64 / FIRST).max(1.0).ln() / GROWTH.ln();
    (bucket.ceil() as usize).min(BUCKETS - 1)
}

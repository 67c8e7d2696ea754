//! The newest traces, from which calls and operations are computed.

use std::time::Duration;

use crate::TimeRange;
use crate::pages::window::Window;
use crate::store::{Store, StoredTrace};

/// Maximum number of traces to search.
const MAX_TRACES: usize = 2_000;
/// Maximum number of spans to search.
const MAX_SPANS: usize = 50_000;

/// The newest traces.
pub(in crate::pages) struct Recent<'a> {
    pub(in crate::pages) traces: Vec<&'a StoredTrace>,
    /// The time in which they happened.
    pub(in crate::pages) seconds: f64,
}

impl<'a> Recent<'a> {
    pub(in crate::pages) fn new(store: &'a Store, window: Window, range: &TimeRange) -> Self {
        let Window { from, to, .. } = window;
        let (mut earliest, mut spans, mut traces) = (to, 0, Vec::new());
        for trace in store.traces(u64::MAX).take(MAX_TRACES).take_while(|trace| trace.updated >= from) {
            if spans >= MAX_SPANS {
                break;
            }
            spans += trace.spans().len();
            let start = trace.start();
            if range.is_chosen() && !range.overlaps(start, trace.end()) {
                continue;
            }
            earliest = earliest.min(start.clamp(from, trace.updated.max(from)));
            traces.push(trace);
        }
        Self { traces, seconds: Duration::from_nanos(to - earliest).as_secs_f64().max(1.0) }
    }
}

/// The duration that 95 % do not exceed; 0 if there are none.
pub(super) fn p95(mut durations: Vec<u64>) -> u64 {
    durations.sort_unstable();
    durations.get((durations.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

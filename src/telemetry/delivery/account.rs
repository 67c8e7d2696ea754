// ANCHOR: first-span
//! The items of one signal: how many wait, how many went, and what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use opentelemetry_sdk::error::OTelSdkResult;
use tokio::sync::Notify;

use crate::telemetry::settings::Batching;

/// The items of one signal.
#[derive(Debug)]
pub struct Account {
    capacity: usize,
    waiting: AtomicUsize,
    processed: AtomicU64,
    queue_full: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
    pub(super) in_trouble: AtomicBool,
    changed: Arc<Notify>,
}

impl Account {
    pub(super) fn new(batching: Batching, changed: &Arc<Notify>) -> Self {
        Self {
            capacity: batching.max_queue_size,
            waiting: AtomicUsize::new(0),
            processed: AtomicU64::new(0),
            queue_full: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            in_trouble: AtomicBool::new(false),
            changed: Arc::clone(changed),
        }
    }

    /// Whether the queue has room for one more item; if not, the item is to be dropped, and is counted here.
    pub(in crate::telemetry) fn admit(&self) -> bool {
        if self.waiting.fetch_add(1, Relaxed) < self.capacity {
            return true;
        }
        self.waiting.fetch_sub(1, Relaxed);
        self.queue_full.fetch_add(1, Relaxed);
        self.trouble(true);
        false
    }

    pub(super) fn hand_over(&self, count: usize) {
        self.waiting.fetch_sub(count, Relaxed);
        self.processed.fetch_add(count as u64, Relaxed);
    }

    pub(super) fn settle(&self, count: usize, result: &OTelSdkResult) {
        if result.is_err() {
            self.failed.fetch_add(count as u64, Relaxed);
            self.trouble(true);
            return;
        }
        self.exported.fetch_add(count as u64, Relaxed);
        // A queue that is still half full may overflow again at once; say "over" only when it is over.
        if self.waiting.load(Relaxed) <= self.capacity / 2 {
            self.trouble(false);
        }
    }

    pub(super) fn trouble(&self, is: bool) {
        if self.in_trouble.swap(is, Relaxed) != is {
            self.changed.notify_one();
        }
    }

    pub(super) fn lost(&self) -> u64 {
        self.queue_full() + self.failed()
    }

    /// What never left the queue, or left and was never answered: lost when the process ends.
    pub(super) fn undelivered(&self) -> u64 {
        // Saturating, for an exporter that the end of the process did not wait for may still count.
        let on_the_way = self.processed().saturating_sub(self.exported() + self.failed());
        self.waiting.load(Relaxed) as u64 + on_the_way
    }

    /// Items that were handed to the exporter.
    pub(in crate::telemetry) fn processed(&self) -> u64 {
        self.processed.load(Relaxed)
    }

    /// Items that were dropped because the queue was full.
    pub(in crate::telemetry) fn queue_full(&self) -> u64 {
        self.queue_full.load(Relaxed)
    }

    /// Items that the collector took.
    pub(in crate::telemetry) fn exported(&self) -> u64 {
        self.exported.load(Relaxed)
    }

    /// Items that the collector did not take.
    pub(in crate::telemetry) fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }
}
// ANCHOR_END: first-span

//! The counts of one signal: items that are queued, that were exported, and that were lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use tokio::sync::Notify;

use crate::settings::Batching;

/// Counts the items of one signal. Processor and exporter report each item when it enters the queue, leaves
/// it, and was exported.
#[derive(Debug)]
pub(super) struct ItemCounts {
    capacity: usize,
    /// Whether the items that leave the queue are reported here.
    counts_processed: AtomicBool,
    waiting: AtomicUsize,
    dequeued: AtomicU64,
    queue_full: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
    rejected: AtomicU64,
    is_failing: AtomicBool,
    changed: Arc<Notify>,
}

impl ItemCounts {
    pub(super) fn new(batching: Batching, changed: &Arc<Notify>) -> Self {
        Self {
            capacity: batching.max_queue_size,
            counts_processed: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            dequeued: AtomicU64::new(0),
            queue_full: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            is_failing: AtomicBool::new(false),
            changed: Arc::clone(changed),
        }
    }

    /// Reserves a place in the queue for one item. If there is none, the item must be dropped, and is already
    /// counted.
    pub(super) fn try_reserve(&self) -> bool {
        if self.waiting.fetch_add(1, Relaxed) < self.capacity {
            return true;
        }
        self.waiting.fetch_sub(1, Relaxed);
        self.queue_full.fetch_add(1, Relaxed);
        self.set_failing(true);
        false
    }

    /// Records that items have left the queue for the exporter.
    pub(super) fn dequeued(&self, count: usize) {
        self.waiting.fetch_sub(count, Relaxed);
        self.dequeued.fetch_add(count as u64, Relaxed);
    }

    /// Records the result of the export of dequeued items.
    pub(super) fn settled(&self, count: usize, succeeded: bool) {
        if !succeeded {
            self.failed.fetch_add(count as u64, Relaxed);
            self.set_failing(true);
            return;
        }
        self.exported.fetch_add(count as u64, Relaxed);
        // A queue that is still more than half full may overflow again at once, so the loss is not over yet.
        if self.waiting.load(Relaxed) <= self.capacity / 2 {
            self.set_failing(false);
        }
    }

    /// Records that the collector has rejected items in a partial success. They were settled as exported.
    pub(super) fn rejected(&self, count: u64) {
        self.rejected.fetch_add(count, Relaxed);
    }

    fn set_failing(&self, failing: bool) {
        if self.is_failing.swap(failing, Relaxed) != failing {
            self.changed.notify_one();
        }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.is_failing.load(Relaxed)
    }

    /// Number of items that are lost for good, except those that the collector rejected.
    pub(super) fn dropped(&self) -> u64 {
        self.queue_full() + self.failed.load(Relaxed)
    }

    /// Number of items that are still queued or being exported: they are lost if the process ends now.
    pub(super) fn undelivered(&self) -> u64 {
        // Saturating, because an exporter that the shutdown did not wait for may still change the counts.
        let under_way = self.dequeued.load(Relaxed).saturating_sub(self.settled_items());
        self.waiting.load(Relaxed) as u64 + under_way
    }

    /// Reports the items that leave the queue, too. The SDK's processors report them themselves.
    pub(super) fn count_processed(&self) {
        self.counts_processed.store(true, Relaxed);
    }

    /// Number of items that have left the queue; `None` if the SDK reports it.
    pub(super) fn processed(&self) -> Option<u64> {
        self.counts_processed.load(Relaxed).then(|| self.dequeued.load(Relaxed))
    }

    /// Number of items that were dropped because the queue was full.
    pub(super) fn queue_full(&self) -> u64 {
        self.queue_full.load(Relaxed)
    }

    fn settled_items(&self) -> u64 {
        self.exported.load(Relaxed) + self.failed.load(Relaxed)
    }

    /// Number of items that the collector accepted.
    pub(super) fn exported(&self) -> u64 {
        self.exported.load(Relaxed).saturating_sub(self.rejected.load(Relaxed))
    }

    /// Number of items that the collector did not accept.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Relaxed) + self.rejected.load(Relaxed)
    }
}

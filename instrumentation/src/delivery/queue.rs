//! A queue of encoded items, and the thread that sends them.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, mem, thread};

use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

use super::counts::ItemCounts;
use super::{Delivery, State, lock};
use crate::otlp::{EncodedItems, Sender};
use crate::settings::Batching;

/// Time limit of a flush, as in the SDK's processors.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Encoded items wait here, and are sent in batches by a thread of its own.
///
/// The thread that makes an item encodes it and frees it. The SDK's processors hand whole items over to
/// another thread, which costs more: memory is freed by another thread than the one that allocated it, the
/// items are not in its caches, and they take four times as much space. The SDK's queue is also allocated at
/// the start, for its full length.
#[derive(Debug)]
pub(super) struct EncodedQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    sender: Sender,
    delivery: Delivery,
    counts: fn(&State) -> &ItemCounts,
    batching: Batching,
    waiting: Mutex<Waiting>,
    /// Wakes the thread.
    work: Condvar,
    /// Wakes those who wait for a flush or for the end.
    progress: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Batches of the size of an export, the oldest first.
    full: VecDeque<EncodedItems>,
    /// The batch that new items are added to.
    open: EncodedItems,
    requested_flushes: u64,
    done_flushes: u64,
    /// The first failure of the last flush.
    failure: Option<String>,
    is_shut_down: bool,
    has_ended: bool,
}

impl EncodedQueue {
    /// Starts the thread.
    pub(super) fn new(
        delivery: &Delivery,
        counts: fn(&State) -> &ItemCounts,
        batching: Batching,
        sender: Sender,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            sender,
            delivery: delivery.clone(),
            counts,
            batching,
            waiting: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
        });
        counts(&delivery.0).count_processed();
        let own = Arc::clone(&shared);
        thread::Builder::new().name("otlp-export".to_owned()).spawn(move || own.run())?;
        Ok(Self(shared))
    }

    pub(super) fn set_resource(&self, resource: &Resource) {
        self.0.sender.set_resource(resource);
    }

    /// Adds an item, which `encode` writes into the memory of a buffer, unless the queue is full. `name` is
    /// that of its scope.
    pub(super) fn add(
        &self,
        name: &str,
        scope: &InstrumentationScope,
        encode: impl FnOnce(Vec<u8>) -> Vec<u8>,
    ) {
        thread_local!(static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) });
        let Shared { delivery, counts, batching, waiting, work, .. } = &*self.0;
        if !counts(&delivery.0).try_reserve() {
            return;
        }
        // Outside of the lock, so that threads wait only for the copy.
        let item = encode(BUFFER.take());
        let mut waiting = lock(waiting);
        waiting.open.add(name, scope, &item);
        if waiting.open.count() >= batching.max_export_batch_size {
            waiting.close_batch();
            drop(waiting);
            work.notify_one();
        }
        BUFFER.set(item);
    }

    /// Sends what waits, and waits until that has succeeded or failed.
    pub(super) fn flush(&self) -> OTelSdkResult {
        let mut waiting = lock(&self.0.waiting);
        if waiting.is_shut_down {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        waiting.requested_flushes += 1;
        let flush = waiting.requested_flushes;
        self.0.work.notify_one();
        self.0.wait_for(waiting, FLUSH_TIMEOUT, |waiting| waiting.done_flushes >= flush)
    }

    /// The same, and the thread ends.
    pub(super) fn shut_down(&self, timeout: Duration) -> OTelSdkResult {
        let mut waiting = lock(&self.0.waiting);
        if mem::replace(&mut waiting.is_shut_down, true) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.0.work.notify_one();
        self.0.wait_for(waiting, timeout, |waiting| waiting.has_ended)
    }
}

impl Drop for EncodedQueue {
    /// The thread ends also if nobody has shut the processor down.
    fn drop(&mut self) {
        lock(&self.0.waiting).is_shut_down = true;
        self.0.work.notify_one();
    }
}

impl Shared {
    fn run(&self) {
        // What the HTTP client logs must not become log records, which would be sent by it.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let mut last_export = Instant::now();
        loop {
            let until_due = self.batching.schedule_delay.saturating_sub(last_export.elapsed());
            let waiting =
                self.work.wait_timeout_while(lock(&self.waiting), until_due, |waiting| waiting.is_idle());
            let (mut waiting, timeout) = waiting.unwrap_or_else(PoisonError::into_inner);
            let (flush, ends) = (waiting.requested_flushes, waiting.is_shut_down);
            if timeout.timed_out() || flush > waiting.done_flushes || ends {
                waiting.close_batch();
            }
            let batches = waiting.full.len();
            drop(waiting);

            let mut failure = None;
            for _ in 0..batches {
                failure = failure.or(self.send_batch());
            }
            last_export = Instant::now();

            let mut waiting = lock(&self.waiting);
            waiting.done_flushes = flush;
            waiting.failure = failure;
            waiting.has_ended = ends;
            drop(waiting);
            self.progress.notify_all();
            if ends {
                return;
            }
        }
    }

    /// Sends the oldest batch, and returns why that failed.
    fn send_batch(&self) -> Option<String> {
        let batch = lock(&self.waiting).full.pop_front()?;
        let (count, counts) = (batch.count(), (self.counts)(&self.delivery.0));
        counts.dequeued(count);
        let result = self.sender.export(batch);
        self.delivery.0.note_result(&result);
        counts.settled(count, result.is_ok());
        result.err().map(|error| error.to_string())
    }

    fn wait_for(
        &self,
        waiting: MutexGuard<'_, Waiting>,
        timeout: Duration,
        is_done: impl Fn(&Waiting) -> bool,
    ) -> OTelSdkResult {
        let waited = self.progress.wait_timeout_while(waiting, timeout, |waiting| !is_done(waiting));
        let (waiting, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        match &waiting.failure {
            _ if timed_out.timed_out() => Err(OTelSdkError::Timeout(timeout)),
            Some(failure) => Err(OTelSdkError::InternalFailure(failure.clone())),
            None => Ok(()),
        }
    }
}

impl Waiting {
    /// The open batch can be sent from now on.
    fn close_batch(&mut self) {
        if self.open.count() > 0 {
            self.full.push_back(mem::take(&mut self.open));
        }
    }

    fn is_idle(&self) -> bool {
        self.full.is_empty() && self.requested_flushes == self.done_flushes && !self.is_shut_down
    }
}

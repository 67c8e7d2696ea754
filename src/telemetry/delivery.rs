// ANCHOR: first-span
//! What becomes of telemetry on its way out: nothing is lost in silence.
//!
//! Each signal has a bounded queue and a count of what was dropped before it or failed after it. Trouble is told by one
//! warning when it begins and one when it ends, and by the metrics `otel.sdk.processor.*` and `otel.sdk.exporter.*`.

mod account;
mod counted;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_sdk::error::OTelSdkResult;
use tokio::sync::Notify;

pub(super) use account::Account;
pub(super) use counted::Counted;

use super::settings::Settings;

/// The three signals on their way to the collector.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Spans.
    pub(super) spans: Account,
    /// Log records.
    pub(super) log_records: Account,
    /// Metrics are sums: when a request fails, the next one says the same, and nothing is lost.
    metrics_fail: AtomicBool,
    destination: String,
    /// Why an export failed last; empty where none did since the last trouble.
    reason: Mutex<String>,
    announced: Mutex<Announced>,
    changed: Arc<Notify>,
}

/// What has been said of trouble so far.
#[derive(Debug, Default)]
struct Announced {
    in_trouble: bool,
    lost: Lost,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Lost {
    spans: u64,
    log_records: u64,
}

impl Delivery {
    pub(super) fn new(settings: &Settings) -> Arc<Self> {
        let changed = Arc::new(Notify::new());
        Arc::new(Self {
            spans: Account::new(settings.spans, &changed),
            log_records: Account::new(settings.log_records, &changed),
            metrics_fail: AtomicBool::new(false),
            destination: settings.destination(),
            reason: Mutex::default(),
            announced: Mutex::default(),
            changed,
        })
    }

    /// Tells of trouble from a task of its own: the request that happens to meet a full queue must not wait for a log.
    pub(super) fn watch(self: &Arc<Self>) {
        let delivery = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                delivery.changed.notified().await;
                delivery.announce();
            }
        });
    }

    /// Notes why a request to the collector failed; the next warning tells it.
    pub(super) fn note(&self, reason: String) {
        *lock(&self.reason) = reason;
    }

    /// Tells at the end of the process what did not arrive.
    pub(super) fn close(&self) {
        let undelivered =
            Lost { spans: self.spans.undelivered(), log_records: self.log_records.undelivered() };
        let mut announced = lock(&self.announced);
        if announced.in_trouble || self.in_trouble() || undelivered != Lost::default() {
            let lost = self.lost_since(announced.lost);
            if !announced.in_trouble {
                self.warn_of_beginning();
            }
            announced.in_trouble = false;
            tracing::warn!(
                name: "handson.telemetry.lost",
                {
                    handson.telemetry.endpoint = self.destination,
                    handson.telemetry.lost.spans = lost.spans + undelivered.spans,
                    handson.telemetry.lost.log_records = lost.log_records + undelivered.log_records,
                },
                "telemetry was lost: it did not arrive until the end",
            );
        }
    }

    fn announce(&self) {
        let mut announced = lock(&self.announced);
        let in_trouble = self.in_trouble();
        let lost = self.lost_since(announced.lost);
        if !announced.in_trouble && (in_trouble || lost != Lost::default()) {
            announced.in_trouble = true;
            self.warn_of_beginning();
        }
        if announced.in_trouble && !in_trouble {
            *announced = Announced { in_trouble: false, lost: self.lost_since(Lost::default()) };
            lock(&self.reason).clear();
            tracing::warn!(
                name: "handson.telemetry.arrives",
                {
                    handson.telemetry.endpoint = self.destination,
                    handson.telemetry.lost.spans = lost.spans,
                    handson.telemetry.lost.log_records = lost.log_records,
                },
                "telemetry arrives again",
            );
        }
    }

    fn warn_of_beginning(&self) {
        let reason = lock(&self.reason);
        let (error_type, reason) = match reason.as_str() {
            "" => (QUEUE_FULL, "it takes them more slowly than they are made, and the queue is full"),
            reason => (EXPORT_FAILED, reason),
        };
        tracing::warn!(
            name: "handson.telemetry.fails",
            { "error.type" = error_type, handson.telemetry.endpoint = self.destination },
            "telemetry does not arrive at {}: {reason}; the service goes on, and what is lost is counted",
            self.destination,
        );
    }

    fn note_failure(&self, result: &OTelSdkResult) {
        if let Err(error) = result {
            let mut reason = lock(&self.reason);
            // The HTTP client knows the reason of a "network error" better.
            if reason.is_empty() || !error.to_string().contains("network error") {
                *reason = error.to_string();
            }
        }
    }

    fn metrics_trouble(&self, is: bool) {
        if self.metrics_fail.swap(is, Relaxed) != is {
            self.changed.notify_one();
        }
    }

    fn in_trouble(&self) -> bool {
        [&self.spans.in_trouble, &self.log_records.in_trouble, &self.metrics_fail]
            .iter()
            .any(|is| is.load(Relaxed))
    }

    fn lost_since(&self, before: Lost) -> Lost {
        Lost {
            spans: self.spans.lost() - before.spans,
            log_records: self.log_records.lost() - before.log_records,
        }
    }
}

/// `error.type` of items that found the queue full.
pub(super) const QUEUE_FULL: &str = "queue_full";
/// `error.type` of items that the collector did not take.
pub(super) const EXPORT_FAILED: &str = "export_failed";

/// The data stays whole when a thread panics with the lock held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
// ANCHOR_END: first-span

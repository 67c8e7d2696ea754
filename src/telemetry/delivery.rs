//! What becomes of telemetry on its way out: nothing is lost in silence.
//!
//! Each signal has a bounded queue and a count of what was dropped before it or failed after it. Trouble is told by one
//! warning when it begins and one when it ends, and by the metrics `otel.sdk.processor.*` and `otel.sdk.exporter.*`.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::sync::Notify;

use super::settings::{Batching, Settings};

/// The three signals on their way to the collector.
#[derive(Debug)]
pub struct Delivery {
    /// Spans.
    pub spans: Account,
    /// Log records.
    pub log_records: Account,
    /// Metrics are sums: when a request fails, the next one says the same, and nothing is lost.
    metrics_fail: AtomicBool,
    destination: String,
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

/// The items of one signal.
#[derive(Debug)]
pub struct Account {
    capacity: usize,
    waiting: AtomicUsize,
    processed: AtomicU64,
    queue_full: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
    in_trouble: AtomicBool,
    changed: Arc<Notify>,
}

impl Account {
    fn new(batching: Batching, changed: &Arc<Notify>) -> Self {
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
    pub(super) fn admit(&self) -> bool {
        if self.waiting.fetch_add(1, Relaxed) < self.capacity {
            return true;
        }
        self.waiting.fetch_sub(1, Relaxed);
        self.queue_full.fetch_add(1, Relaxed);
        self.trouble(true);
        false
    }

    fn hand_over(&self, count: usize) {
        self.waiting.fetch_sub(count, Relaxed);
        self.processed.fetch_add(count as u64, Relaxed);
    }

    fn settle(&self, count: usize, result: &OTelSdkResult) {
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

    fn trouble(&self, is: bool) {
        if self.in_trouble.swap(is, Relaxed) != is {
            self.changed.notify_one();
        }
    }

    fn lost(&self) -> u64 {
        self.queue_full() + self.failed()
    }

    /// What never left the queue, or left and was never answered: lost when the process ends.
    fn undelivered(&self) -> u64 {
        let on_the_way = self.processed() - self.exported.load(Relaxed) - self.failed();
        self.waiting.load(Relaxed) as u64 + on_the_way
    }

    /// Items that were handed to the exporter.
    pub(super) fn processed(&self) -> u64 {
        self.processed.load(Relaxed)
    }

    /// Items that were dropped because the queue was full.
    pub(super) fn queue_full(&self) -> u64 {
        self.queue_full.load(Relaxed)
    }

    /// Items that the collector took.
    pub(super) fn exported(&self) -> u64 {
        self.exported.load(Relaxed)
    }

    /// Items that the collector did not take.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }
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
        let undelivered = Lost {
            spans: self.spans.undelivered(),
            log_records: self.log_records.undelivered(),
        };
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
            *announced = Announced {
                in_trouble: false,
                lost: self.lost_since(Lost::default()),
            };
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
        let dropped = self.spans.queue_full() + self.log_records.queue_full() > 0;
        let failed =
            self.spans.failed() + self.log_records.failed() > 0 || self.metrics_fail.load(Relaxed);
        let error_type = if dropped && !failed {
            QUEUE_FULL
        } else {
            EXPORT_FAILED
        };
        let reason = match lock(&self.reason).as_str() {
            "" => error_type.to_owned(),
            reason => reason.to_owned(),
        };
        tracing::warn!(
            name: "handson.telemetry.fails",
            { "error.type" = error_type, handson.telemetry.endpoint = self.destination },
            "telemetry does not arrive at {}: {reason}; the service goes on, and what is lost is counted",
            self.destination,
        );
    }

    fn in_trouble(&self) -> bool {
        [
            &self.spans.in_trouble,
            &self.log_records.in_trouble,
            &self.metrics_fail,
        ]
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

/// An exporter that settles the accounts.
#[derive(Debug)]
pub(super) struct Counted<E> {
    exporter: E,
    delivery: Arc<Delivery>,
}

impl<E> Counted<E> {
    pub(super) fn new(exporter: E, delivery: &Arc<Delivery>) -> Self {
        Self {
            exporter,
            delivery: Arc::clone(delivery),
        }
    }

    fn note_failure(&self, result: &OTelSdkResult) {
        if let Err(error) = result {
            let mut reason = lock(&self.delivery.reason);
            // The HTTP client knows the reason of a "network error" better.
            if reason.is_empty() || !error.to_string().contains("network error") {
                *reason = error.to_string();
            }
        }
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.delivery.spans.hand_over(count);
        let result = self.exporter.export(batch).await;
        self.note_failure(&result);
        self.delivery.spans.settle(count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for Counted<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count();
        self.delivery.log_records.hand_over(count);
        let result = self.exporter.export(batch).await;
        self.note_failure(&result);
        self.delivery.log_records.settle(count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Counted<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.exporter.export(metrics).await;
        self.note_failure(&result);
        if self.delivery.metrics_fail.swap(result.is_err(), Relaxed) != result.is_err() {
            self.delivery.changed.notify_one();
        }
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

/// The data stays whole when a thread panics with the lock held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

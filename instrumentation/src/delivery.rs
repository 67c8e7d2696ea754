//! Counts telemetry on its way to the collector, so that nothing is lost silently.
//!
//! The SDK's batch processors report how much they dropped only when they are shut down, and a failing
//! exporter reports every single failure. [`Delivery`] puts a thin layer around both, and has its own queue
//! for OTLP over HTTP. It counts what is dropped in front of a full queue or fails behind it, and logs one
//! warning when loss begins and one when it ends, with the number of lost items:
//!
//! ```text
//! WARN OTLP export to http://localhost:4318 is failing: Connection refused; dropped items are counted
//! WARN OTLP export has recovered handson.dropped.spans=812 handson.dropped.log_records=90
//! ```
//!
//! The same numbers are exported as metrics with their registry names ([`Delivery::report_to`]): items that
//! left the queue (`otel.sdk.processor.{span,log}.processed`; the SDK's processors count them themselves, if
//! a global meter provider is set), dropped items (the same with `error.type=queue_full`), and the results of
//! exports (`otel.sdk.exporter.{span,log}.exported`).

mod counts;
mod exporters;
mod metrics;
mod processors;
mod queue;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::LogExporter;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SpanExporter;
use tokio::sync::Notify;

use crate::otlp::{ExportError, RetryStop};
use crate::settings::Settings;
use counts::ItemCounts;

pub use exporters::{Counted, WatchedMetricExporter};
pub use processors::{CountedLogProcessor, CountedSpanProcessor};

/// Counts spans and log records on their way to the collector, and reports losses. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Delivery(Arc<State>);

#[derive(Debug)]
struct State {
    settings: Settings,
    destination: String,
    spans: ItemCounts,
    log_records: ItemCounts,
    /// Whether exports of metrics are failing. Metrics are cumulative, so a failed export loses nothing: the
    /// next one has the same values.
    metrics_fail: AtomicBool,
    /// Why the last export failed; empty if none has failed since the last recovery.
    reason: Mutex<String>,
    reported: Mutex<Reported>,
    changed: Arc<Notify>,
    /// Handles that stop the retries of the exporters.
    retry_stops: Mutex<Vec<RetryStop>>,
}

/// What has been logged so far.
#[derive(Debug, Default)]
struct Reported {
    is_failing: bool,
    dropped: Dropped,
}

/// Numbers of lost items.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Dropped {
    spans: u64,
    log_records: u64,
}

impl Delivery {
    /// A `Delivery` without any counts.
    pub fn new(settings: &Settings) -> Self {
        let changed = Arc::new(Notify::new());
        Self(Arc::new(State {
            spans: ItemCounts::new(settings.span_batching, &changed),
            log_records: ItemCounts::new(settings.log_batching, &changed),
            metrics_fail: AtomicBool::new(false),
            destination: settings.destination(),
            settings: settings.clone(),
            reason: Mutex::default(),
            reported: Mutex::default(),
            changed,
            retry_stops: Mutex::default(),
        }))
    }

    /// The SDK's batch processor before `exporter`, with counts. Without an exporter, spans are created and
    /// dropped, as `OTEL_TRACES_EXPORTER=none` requires.
    ///
    /// Must be called inside a Tokio runtime, which gRPC needs for sending.
    pub fn span_processor<E: SpanExporter + 'static>(&self, exporter: Option<E>) -> CountedSpanProcessor {
        CountedSpanProcessor::new(self, exporter.map(|exporter| Counted::new(exporter, self)))
    }

    /// The same for log records.
    pub fn log_processor<E: LogExporter + 'static>(&self, exporter: Option<E>) -> CountedLogProcessor {
        CountedLogProcessor::new(self, exporter.map(|exporter| Counted::new(exporter, self)))
    }

    /// `exporter`, whose failures are reported together with those of the other signals.
    pub fn metric_exporter(&self, exporter: Option<MetricExporter>) -> WatchedMetricExporter {
        Counted::new(exporter, self)
    }

    /// Reports the numbers also as metrics.
    pub fn report_to(&self, provider: &SdkMeterProvider) {
        metrics::report(self, provider);
    }

    /// Logs from a separate task, because a request that finds a full queue must not wait for a log line.
    /// Must be called inside a Tokio runtime. What it would log before the subscriber is installed is lost.
    pub fn watch(&self) {
        let state = Arc::clone(&self.0);
        tokio::spawn(async move {
            loop {
                state.changed.notified().await;
                state.report();
            }
        });
    }

    /// Logs what was not delivered. Must be called after the providers were shut down.
    pub fn report_the_end(&self) {
        self.0.report_the_end();
    }

    /// Sets the reason why an export failed, for the next warning, because an HTTP client knows the cause
    /// better than an exporter.
    pub fn set_reason(&self, reason: String) {
        *lock(&self.0.reason) = reason;
    }

    /// Stops retries when a processor is shut down, because the process must end in time.
    pub fn stop_retries_at_shutdown(&self, retry_stop: RetryStop) {
        lock(&self.0.retry_stops).push(retry_stop);
    }

    fn stop_retries(&self) {
        lock(&self.0.retry_stops).iter().for_each(RetryStop::stop);
    }

    /// Counts the spans that the collector has rejected in a partial success, which the SDK considers
    /// delivered. Keeps the reason of every other failure.
    pub fn span_export_failed(&self, error: &ExportError) {
        self.set_reason(error.to_string());
        if let ExportError::PartialSuccess { rejected, message } = error {
            self.0.spans.rejected(*rejected);
            tracing::warn!(
                name: "handson.otlp.rejected",
                { handson.otlp.endpoint = self.0.destination, handson.dropped.spans = rejected },
                "the collector has rejected spans: {message}",
            );
        }
    }

    /// The same for log records.
    pub fn log_export_failed(&self, error: &ExportError) {
        self.set_reason(error.to_string());
        if let ExportError::PartialSuccess { rejected, message } = error {
            self.0.log_records.rejected(*rejected);
            tracing::warn!(
                name: "handson.otlp.rejected",
                { handson.otlp.endpoint = self.0.destination, handson.dropped.log_records = rejected },
                "the collector has rejected log records: {message}",
            );
        }
    }
}

impl State {
    fn report(&self) {
        let mut reported = lock(&self.reported);
        let is_failing = self.is_failing();
        let dropped = self.dropped_since(reported.dropped);
        if !reported.is_failing && (is_failing || dropped != Dropped::default()) {
            reported.is_failing = true;
            self.warn_of_failure();
        }
        if reported.is_failing && !is_failing {
            *reported = Reported { is_failing: false, dropped: self.dropped_since(Dropped::default()) };
            lock(&self.reason).clear();
            self.warn_of_loss(dropped, "OTLP export has recovered");
        }
    }

    fn report_the_end(&self) {
        let mut reported = lock(&self.reported);
        let undelivered =
            Dropped { spans: self.spans.undelivered(), log_records: self.log_records.undelivered() };
        if !reported.is_failing && !self.is_failing() && undelivered == Dropped::default() {
            return;
        }
        if !reported.is_failing {
            self.warn_of_failure();
        }
        reported.is_failing = false;
        let dropped = self.dropped_since(reported.dropped);
        let dropped = Dropped {
            spans: dropped.spans + undelivered.spans,
            log_records: dropped.log_records + undelivered.log_records,
        };
        self.warn_of_loss(dropped, "OTLP export has failed until the end of the process");
    }

    fn warn_of_failure(&self) {
        let reason = lock(&self.reason);
        let (error_type, reason) = match reason.as_str() {
            "" => (QUEUE_FULL, "the collector is slower than the service, and a queue is full"),
            reason => (EXPORT_FAILED, reason),
        };
        tracing::warn!(
            name: "handson.otlp.failing",
            { "error.type" = error_type, handson.otlp.endpoint = self.destination },
            "OTLP export to {} is failing: {reason}; dropped items are counted",
            self.destination,
        );
    }

    fn warn_of_loss(&self, dropped: Dropped, message: &str) {
        tracing::warn!(
            name: "handson.otlp.dropped",
            {
                handson.otlp.endpoint = self.destination,
                handson.dropped.spans = dropped.spans,
                handson.dropped.log_records = dropped.log_records,
            },
            "{message}",
        );
    }

    fn note_result(&self, result: &OTelSdkResult) {
        if let Err(error) = result {
            let mut reason = lock(&self.reason);
            // If there was no response, the HTTP client has already set a more precise reason.
            if reason.is_empty() {
                *reason = error.to_string();
            }
        }
    }

    fn set_metrics_fail(&self, fail: bool) {
        if self.metrics_fail.swap(fail, Relaxed) != fail {
            self.changed.notify_one();
        }
    }

    fn is_failing(&self) -> bool {
        self.spans.is_failing() || self.log_records.is_failing() || self.metrics_fail.load(Relaxed)
    }

    fn dropped_since(&self, before: Dropped) -> Dropped {
        Dropped {
            spans: self.spans.dropped() - before.spans,
            log_records: self.log_records.dropped() - before.log_records,
        }
    }
}

/// `error.type` of items that were dropped because the queue was full.
const QUEUE_FULL: &str = "queue_full";
/// `error.type` of items that the collector did not accept.
const EXPORT_FAILED: &str = "export_failed";

/// The data is consistent even if a thread panics while it holds the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

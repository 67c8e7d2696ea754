//! The received telemetry, in memory and within a limit: the oldest is dropped first, and a trace always as a
//! whole.

mod clock;
mod errors;
mod failure;
mod instruments;
mod logs;
mod rates;
mod rejection;
mod sample;
mod totals;
mod traces;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use otlp::model::{LogRecord, Span, Telemetry};
use otlp::{Rejected, Signal};

pub use clock::Clock;
pub use errors::Group;
pub use instruments::{Identity, Instrument, Kind, Series};
pub use logs::{Line, Position};
pub use rates::{Rates, SLOT, Slot};
use rejection::Rejection;
pub use sample::{Distribution, Sample};
pub use totals::Totals;
pub use traces::{StoredTrace, duration, is_entry, root};

/// The time for which rates and values of metrics are kept.
pub const HISTORY_WINDOW: Duration = Duration::from_secs(15 * 60);

/// All telemetry that the console keeps.
pub struct Store {
    limit: usize,
    /// Number of arrivals so far, from which each item gets its number.
    arrivals: u64,
    traces: traces::Traces,
    logs: logs::Logs,
    /// The services, in the order in which they were first seen.
    services: Vec<String>,
    /// When telemetry of each of these services arrived last, by signal; 0 if none has arrived.
    received: Vec<[u64; 3]>,
    /// Whether there were more services than are listed.
    pub has_more_services: bool,
    /// Requests, errors and durations by service.
    pub rates: BTreeMap<String, Rates>,
    /// Failures of the same kind.
    pub errors: errors::Errors,
    /// Metrics.
    pub instruments: instruments::Instruments,
    /// What was not accepted, newest first.
    pub refused: VecDeque<Refusal>,
    /// Numbers of items that were dropped to free memory.
    pub gone: Gone,
    /// Numbers of received and refused items, by signal.
    pub counts: [Counts; 3],
}

/// Something that was not accepted.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Refusal {
    /// Nanoseconds since 1970.
    #[serde(serialize_with = "crate::pages::format::rfc_3339")]
    pub at: u64,
    /// The reason, as it was sent to the sender.
    pub reason: String,
}

/// Numbers of items that were dropped to free memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[allow(missing_docs)]
pub struct Gone {
    pub traces: u64,
    pub spans: u64,
    pub log_records: u64,
    /// Failed requests that were not counted as failures, because too many of them waited for their
    /// exceptions.
    pub failures: u64,
    /// Requests that were not counted, because they belong to more services than are counted.
    pub requests: u64,
}

/// Numbers about one signal. Its items are spans, data points or log records.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Counts {
    /// Items of all decoded requests.
    pub received: u64,
    /// Received items that were rejected.
    pub rejected: u64,
    /// Received items that had been received before, because an exporter retried.
    pub duplicates: u64,
    /// Requests that were refused as a whole.
    pub refused_requests: u64,
}

/// The state of one signal.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct SignalState {
    /// What was received.
    #[serde(flatten)]
    pub counts: Counts,
    /// Items that are kept.
    pub kept: u64,
    /// Items that were dropped to make room.
    pub evicted: u64,
    /// Number of bytes that the kept items use.
    pub memory: usize,
}

/// Maximum number of services that are listed and have rates. The telemetry of further services is kept all
/// the same.
pub(crate) const MAX_SERVICES: usize = 64;
/// Maximum number of bytes of a span name.
pub(crate) const MAX_SPAN_NAME: usize = 1_024;
/// Maximum number of refusals to keep.
const MAX_REFUSED: usize = 20;
/// Maximum number of bytes of a refusal's reason, which may quote the request.
const MAX_REASON: usize = 500;

impl Counts {
    /// Counts an item of a request that was decoded.
    fn record(&mut self, added: Result<(), Rejection>, rejected: &mut Rejected) {
        self.received += 1;
        if let Err(why) = added {
            self.rejected += 1;
            rejected.add(1, why);
        }
    }
}

/// At most `bytes` bytes of `text`.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

impl Store {
    /// An empty store for a console that may use `memory`: three quarters are for traces and log records, an
    /// eighth is for metrics, and the rest is for other data of the console.
    pub fn new(memory: usize) -> Self {
        Self {
            limit: memory / 4 * 3,
            arrivals: 0,
            traces: traces::Traces::default(),
            logs: logs::Logs::default(),
            services: Vec::new(),
            received: Vec::new(),
            has_more_services: false,
            rates: BTreeMap::new(),
            errors: errors::Errors::default(),
            instruments: instruments::Instruments::new(memory / 8),
            refused: VecDeque::new(),
            gone: Gone::default(),
            counts: Default::default(),
        }
    }

    /// The state of each signal.
    pub fn signals(&self) -> [(Signal, SignalState); 3] {
        Signal::ALL.map(|signal| {
            let counts = self.counts[signal as usize];
            let (kept, evicted, memory) = match signal {
                Signal::Traces => (self.traces.spans, self.gone.spans, self.traces.used),
                Signal::Metrics => {
                    let metrics = &self.instruments;
                    (metrics.samples(), metrics.evicted(), metrics.fill().0)
                }
                Signal::Logs => (self.logs.len() as u64, self.gone.log_records, self.logs.used),
            };
            (signal, SignalState { counts, kept, evicted, memory })
        })
    }

    /// The number of bytes that all telemetry may use.
    pub fn memory_limit(&self) -> usize {
        self.limit + self.instruments.fill().1
    }

    /// The number of bytes that traces and log records use, and the limit.
    pub fn fill(&self) -> (usize, usize) {
        (self.traces.used + self.logs.used, self.limit)
    }

    /// Adds telemetry that arrived at `now`, in nanoseconds since 1970.
    pub fn add(&mut self, telemetry: Telemetry, now: u64) -> Rejected {
        let mut rejected = Rejected::default();
        for span in telemetry.spans {
            let added = self.add_span(span, now);
            self.counts[Signal::Traces as usize].record(added, &mut rejected);
        }
        for record in telemetry.log_records {
            self.logs.exported(record.service(), now);
            let added = self.add_log_record(record, now);
            self.counts[Signal::Logs as usize].record(added, &mut rejected);
        }
        for metric in &telemetry.metrics {
            self.saw(metric.service(), Signal::Metrics, now);
        }
        let points = telemetry.metrics.iter().map(|metric| metric.data.len() as u64).sum::<u64>();
        let of_metrics = self.instruments.add(telemetry.metrics, now);
        let counts = &mut self.counts[Signal::Metrics as usize];
        counts.received += points;
        counts.rejected += of_metrics.items.unsigned_abs();
        rejected.extend(of_metrics);
        rejected
    }

    /// Adds lines of a program's output that were read at `now`, in nanoseconds since 1970.
    pub fn add_lines(&mut self, lines: Vec<LogRecord>, now: u64) -> Rejected {
        let mut rejected = Rejected::default();
        for line in lines {
            let added = self.add_log_record(line, now);
            self.counts[Signal::Logs as usize].record(added, &mut rejected);
        }
        rejected
    }

    /// Counts a request that was refused as a whole.
    pub fn count_refused_request(&mut self, signal: Option<Signal>) {
        if let Some(signal) = signal {
            self.counts[signal as usize].refused_requests += 1;
        }
    }

    /// Records that something was refused at `now`.
    pub fn refuse(&mut self, reason: String, now: u64) {
        self.refused.push_front(Refusal { at: now, reason: cut(&reason, MAX_REASON).to_owned() });
        self.refused.truncate(MAX_REFUSED);
    }

    /// Work that is done once per second.
    pub fn tick(&mut self, now: u64) {
        self.errors.settle(&self.traces, now);
    }

    /// The services, in the order in which they were first seen.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// The services, and when telemetry of each arrived last, by signal, in nanoseconds since 1970; 0 if none
    /// has arrived.
    pub fn last_received(&self) -> impl Iterator<Item = (&str, [u64; 3])> {
        self.services.iter().map(String::as_str).zip(self.received.iter().copied())
    }

    /// Records that telemetry of a service arrived at `now`.
    fn saw(&mut self, service: &str, signal: Signal, now: u64) {
        let at = match self.services.iter().position(|seen| seen == service) {
            Some(at) => at,
            None if self.services.len() < MAX_SERVICES => {
                self.services.push(service.to_owned());
                self.received.push([0; 3]);
                self.services.len() - 1
            }
            None => {
                self.has_more_services = true;
                return;
            }
        };
        self.received[at][signal as usize] = now;
    }

    fn arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    fn count_request(&mut self, span: &Span, now: u64) {
        if !self.rates.contains_key(span.service()) {
            if self.rates.len() >= MAX_SERVICES {
                self.rates.retain(|_, rates| !rates.are_old(now));
            }
            if self.rates.len() >= MAX_SERVICES {
                self.gone.requests += 1;
                return;
            }
        }
        self.rates.entry(span.service().to_owned()).or_default().count(span, now);
    }

    /// Drops the oldest items until the rest fits.
    fn make_room(&mut self) {
        while self.fill().0 > self.limit {
            let trace = self.traces.oldest();
            let record = self.logs.oldest_without_trace();
            match (trace, record) {
                (Some(trace), record) if record.is_none_or(|record| trace < record.arrival) => {
                    if let Some(trace) = self.traces.take_oldest() {
                        self.gone.traces += 1;
                        self.gone.spans += trace.spans().len() as u64;
                        for line in trace.log_records() {
                            self.logs.take(*line);
                            self.gone.log_records += 1;
                        }
                    }
                }
                (_, Some(record)) => {
                    self.logs.take(record);
                    self.gone.log_records += 1;
                }
                (_, None) => return,
            }
        }
    }
}

//! What was received, in memory and within a bound: the oldest goes first, a trace always as a whole.

mod errors;
mod failure;
mod instruments;
mod logs;
mod rates;
mod sample;
mod traces;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use otlp::Rejected;
use otlp::model::Telemetry;

pub use errors::Group;
pub use instruments::{Instrument, Kind, Series};
pub use logs::Line;
pub use rates::{Rates, SLOT, Slot};
pub use sample::Sample;
pub use traces::{StoredTrace, root};

/// How long the rates and the courses of metrics reach back.
pub const HISTORY_WINDOW: Duration = Duration::from_secs(15 * 60);

/// All that the console knows of the telemetry.
pub struct Store {
    limit: usize,
    /// Counts arrivals: what has a lower number came earlier.
    arrivals: u64,
    traces: traces::Traces,
    logs: logs::Logs,
    /// In the order in which they were first seen.
    services: Vec<String>,
    /// Requests, errors and durations by service.
    pub rates: BTreeMap<String, Rates>,
    /// Failures of the same kind.
    pub errors: errors::Errors,
    /// Metrics.
    pub instruments: instruments::Instruments,
    /// What arrived and was not accepted, the newest first.
    pub refused: VecDeque<Refusal>,
    /// What has gone to make room.
    pub gone: Gone,
}

/// Something that arrived and was not accepted.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Refusal {
    /// Nanoseconds since 1970.
    #[serde(serialize_with = "crate::pages::format::rfc_3339")]
    pub at: u64,
    /// As the sender was told.
    pub reason: String,
}

/// What has gone to make room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[allow(missing_docs)]
pub struct Gone {
    pub traces: u64,
    pub log_records: u64,
}

/// Services that are listed, and whose rates are kept; of more than these only the telemetry is.
const MAX_SERVICES: usize = 64;
/// Refusals that are kept.
const MAX_REFUSED: usize = 20;
/// Bytes of the reason of a refusal that are kept; it may quote what was sent.
const MAX_REASON: usize = 500;

/// At most `bytes` bytes of `text`.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

impl Store {
    /// An empty store of `limit` bytes. An eighth of it is for metrics.
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit - limit / 8,
            arrivals: 0,
            traces: traces::Traces::default(),
            logs: logs::Logs::default(),
            services: Vec::new(),
            rates: BTreeMap::new(),
            errors: errors::Errors::default(),
            instruments: instruments::Instruments::new(limit / 8),
            refused: VecDeque::new(),
            gone: Gone::default(),
        }
    }

    /// Bytes of traces and log records, and how many there may be.
    pub fn fill(&self) -> (usize, usize) {
        (self.traces.used + self.logs.used, self.limit)
    }

    /// Takes telemetry that came at `now`, nanoseconds since 1970.
    pub fn add(&mut self, telemetry: Telemetry, now: u64) -> Rejected {
        let mut rejected = Rejected::default();
        for span in telemetry.spans {
            if let Err(why) = self.add_span(span, now) {
                rejected.items += 1;
                rejected.why = why;
            }
        }
        for record in telemetry.log_records {
            if let Err(why) = self.add_log_record(record, now) {
                rejected.items += 1;
                rejected.why = why;
            }
        }
        let of_metrics = self.instruments.add(telemetry.metrics, now);
        rejected.items += of_metrics.items;
        if !of_metrics.why.is_empty() {
            rejected.why = of_metrics.why;
        }
        self.make_room();
        if rejected.items > 0 {
            self.refuse(format!("{} items: {}", rejected.items, rejected.why), now);
        }
        rejected
    }

    /// Remembers that something was refused at `now`.
    pub fn refuse(&mut self, reason: String, now: u64) {
        self.refused.push_front(Refusal { at: now, reason: cut(&reason, MAX_REASON).to_owned() });
        self.refused.truncate(MAX_REFUSED);
    }

    /// What is due once a second.
    pub fn tick(&mut self, now: u64) {
        self.errors.settle(&self.traces, now);
    }

    /// The services, in the order in which they were first seen.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    fn saw(&mut self, service: &str) {
        if self.services.len() < MAX_SERVICES && !self.services.iter().any(|seen| seen == service) {
            self.services.push(service.to_owned());
        }
    }

    fn arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    fn rates_of(&mut self, service: &str) -> Option<&mut Rates> {
        if !self.rates.contains_key(service) && self.rates.len() < MAX_SERVICES {
            self.rates.insert(service.to_owned(), Rates::default());
        }
        self.rates.get_mut(service)
    }

    fn make_room(&mut self) {
        while self.fill().0 > self.limit {
            let trace = self.traces.oldest();
            let record = self.logs.oldest_without_trace();
            match (trace, record) {
                (Some(trace), record) if record.is_none_or(|record| trace < record) => {
                    if let Some(trace) = self.traces.take_oldest() {
                        self.gone.traces += 1;
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

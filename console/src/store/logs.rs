//! Log records, in the order of their own times.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::failure::Failure;
use super::rejection::Rejection;
use super::traces::is_id;
use super::{MAX_SERVICES, Store};
use otlp::Signal;
use otlp::model::LogRecord;

/// One log record may use at most one part in this many of the memory.
const PART_OF_A_RECORD: usize = 16;

/// The place of a log record: records are sorted by their own times, those with the same time by arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The number of its arrival: records that arrived earlier have a lower one.
    pub arrival: u64,
}

impl Position {
    /// Later than all log records.
    pub const END: Self = Self { time: u64::MAX, arrival: u64::MAX };

    /// The position before those of all log records of this time, in nanoseconds since 1970.
    pub fn from_time(time: u64) -> Self {
        Self { time, arrival: 0 }
    }

    /// The position that follows.
    pub fn next(self) -> Self {
        Self { arrival: self.arrival.saturating_add(1), ..self }
    }
}

/// A log record, and its position.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its position, which also identifies it.
    pub position: Position,
    /// The record.
    pub record: Arc<LogRecord>,
}

impl Line {
    fn new((position, (record, _)): (&Position, &(Arc<LogRecord>, usize))) -> Self {
        Self { position: *position, record: Arc::clone(record) }
    }
}

#[derive(Debug, Default)]
pub(super) struct Logs {
    /// Number of bytes in use.
    pub(super) used: usize,
    by_time: BTreeMap<Position, (Arc<LogRecord>, usize)>,
    /// The times of records without a trace, by arrival.
    without_trace: BTreeMap<u64, u64>,
    /// When a log record of each service arrived over OTLP last.
    exported: BTreeMap<String, u64>,
}

impl Logs {
    /// The record that arrived first of those that belong to no trace.
    pub(super) fn oldest_without_trace(&self) -> Option<Position> {
        self.without_trace
            .first_key_value()
            .map(|(arrival, time)| Position { time: *time, arrival: *arrival })
    }

    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }

    /// Records that a log record of a service arrived over OTLP at `now`.
    pub(super) fn exported(&mut self, service: &str, now: u64) {
        if let Some(last) = self.exported.get_mut(service) {
            *last = now;
        } else if self.exported.len() < MAX_SERVICES {
            self.exported.insert(service.to_owned(), now);
        }
    }

    /// Removes a record.
    pub(super) fn take(&mut self, position: Position) {
        self.without_trace.remove(&position.arrival);
        self.used -= self.by_time.remove(&position).map_or(0, |(_, bytes)| bytes);
    }
}

impl Store {
    /// The log record at a position.
    pub fn log_record(&self, position: Position) -> Option<Line> {
        self.logs.by_time.get_key_value(&position).map(Line::new)
    }

    /// Log records before `before`, newest first.
    pub fn log_records(&self, before: Position) -> impl Iterator<Item = Line> {
        self.logs.by_time.range(..before).rev().map(Line::new)
    }

    /// Log records from `from` on, oldest first.
    pub fn log_records_from(&self, from: Position) -> impl Iterator<Item = Line> {
        self.logs.by_time.range(from..).map(Line::new)
    }

    /// When a log record of a service arrived over OTLP last, in nanoseconds since 1970; 0 if none has
    /// arrived. Lines of its output do not count.
    pub fn last_export_of_logs(&self, service: &str) -> u64 {
        self.logs.exported.get(service).copied().unwrap_or_default()
    }

    /// The log records of a trace, oldest first.
    pub fn log_records_of(&self, trace_id: &str) -> Vec<Line> {
        let positions = self.traces.get(trace_id).map(|trace| trace.log_records()).unwrap_or_default();
        let mut lines: Vec<Line> =
            positions.iter().filter_map(|position| self.log_record(*position)).collect();
        lines.sort_by_key(|line| line.position);
        lines
    }

    pub(super) fn add_log_record(&mut self, mut record: LogRecord, now: u64) -> Result<(), Rejection> {
        let max = self.limit / PART_OF_A_RECORD;
        // Its position is in the map and in its trace, whose nodes and vectors are not full.
        let bytes = record.bytes() + 4 * size_of::<Position>();
        if bytes > max {
            return Err(Rejection::LogRecordTooLarge { max });
        }
        // An id of the wrong length belongs to no trace.
        record.trace_id = record.trace_id.filter(|id| is_id(id, 32));
        if record.when() == 0 {
            record.observed = now;
        }
        if let Some(failure) = Failure::from_log_record(&record) {
            self.errors.count(failure, now);
        }
        let position = Position { time: record.when(), arrival: self.arrival() };
        match &record.trace_id {
            Some(trace) => self.traces.add_log_record(trace, position),
            None => {
                self.logs.without_trace.insert(position.arrival, position.time);
            }
        }
        self.logs.used += bytes;
        self.saw(record.service(), Signal::Logs, now);
        self.logs.by_time.insert(position, (Arc::new(record), bytes));
        self.make_room();
        Ok(())
    }
}

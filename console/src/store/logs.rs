//! Log records, in the order of arrival.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Store;
use super::failure::Failure;
use super::rejection::Rejection;
use super::traces::is_id;
use otlp::model::LogRecord;

/// One log record may use at most one part in this many of the memory.
const PART_OF_A_RECORD: usize = 16;

/// A log record, and its arrival.
#[derive(Debug, Clone)]
pub struct Line {
    /// The number of its arrival: earlier records have a lower one.
    pub arrival: u64,
    /// The record.
    pub record: Arc<LogRecord>,
}

#[derive(Debug, Default)]
pub(super) struct Logs {
    /// Number of bytes in use.
    pub(super) used: usize,
    by_arrival: BTreeMap<u64, (Arc<LogRecord>, usize)>,
    without_trace: BTreeSet<u64>,
}

impl Logs {
    pub(super) fn oldest_without_trace(&self) -> Option<u64> {
        self.without_trace.first().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.by_arrival.len()
    }

    /// Removes a record.
    pub(super) fn take(&mut self, arrival: u64) {
        self.without_trace.remove(&arrival);
        self.used -= self.by_arrival.remove(&arrival).map_or(0, |(_, bytes)| bytes);
    }
}

impl Store {
    /// Log records that arrived before `before`, newest first.
    pub fn log_records(&self, before: u64) -> impl Iterator<Item = Line> {
        let lines = self.logs.by_arrival.range(..before).rev();
        lines.map(|(arrival, (record, _))| Line { arrival: *arrival, record: Arc::clone(record) })
    }

    /// The log records of a trace, oldest first.
    pub fn log_records_of(&self, trace_id: &str) -> Vec<Line> {
        let arrivals = self.traces.get(trace_id).map(|trace| trace.log_records()).unwrap_or_default();
        let mut lines: Vec<Line> = arrivals
            .iter()
            .filter_map(|arrival| {
                let (record, _) = self.logs.by_arrival.get(arrival)?;
                Some(Line { arrival: *arrival, record: Arc::clone(record) })
            })
            .collect();
        lines.sort_by_key(|line| line.record.when());
        lines
    }

    pub(super) fn add_log_record(&mut self, mut record: LogRecord, now: u64) -> Result<(), Rejection> {
        let max = self.limit / PART_OF_A_RECORD;
        let bytes = record.bytes();
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
        let arrival = self.arrival();
        match &record.trace_id {
            Some(trace) => self.traces.add_log_record(trace, arrival),
            None => {
                self.logs.without_trace.insert(arrival);
            }
        }
        self.logs.used += bytes;
        self.saw(record.service());
        self.logs.by_arrival.insert(arrival, (Arc::new(record), bytes));
        self.make_room();
        Ok(())
    }
}

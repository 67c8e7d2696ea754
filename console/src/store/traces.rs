//! Traces, in the order in which their first items arrived.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::failure::Failure;
use super::logs::Position;
use super::rejection::Rejection;
use super::{MAX_SPAN_NAME, Store, cut};
use otlp::Signal;
use otlp::model::{Span, SpanKind, StatusCode};

/// Bytes of a trace in addition to its spans: its fields, its id and its entries in a queue and a map.
const TRACE_BYTES: usize = 2 * size_of::<StoredTrace>() + 256;
/// Bytes of a span in its own allocation, with its reference counts.
const SPAN_BYTES: usize = (size_of::<Span>() + 2 * size_of::<usize>()).next_multiple_of(16) + ID_BYTES;
/// Bytes of a span id in the set of its trace, which is at least 7/16 full.
const ID_BYTES: usize = 24;
/// One trace may use one part in this many of the memory.
const PART_OF_A_TRACE: usize = 4;

/// A trace, as far as it has been received.
#[derive(Debug)]
pub struct StoredTrace {
    /// The id, 32 hex digits.
    pub id: String,
    /// The number of its arrival: earlier traces have a lower one.
    pub arrival: u64,
    /// The time when the last span arrived, in nanoseconds since 1970.
    pub updated: u64,
    spans: Vec<Arc<Span>>,
    /// The ids of the spans, because an exporter that retries may send a span twice.
    ids: HashSet<u64>,
    log_records: Vec<Position>,
    bytes: usize,
}

impl StoredTrace {
    /// Its spans, in the order of arrival.
    pub fn spans(&self) -> &[Arc<Span>] {
        &self.spans
    }

    /// The span at the top: the earliest one without a parent, otherwise the earliest one whose parent is
    /// missing.
    pub fn root(&self) -> Option<&Span> {
        root(&self.spans)
    }

    /// The start of the first span, in nanoseconds since 1970.
    pub fn start(&self) -> u64 {
        start(&self.spans)
    }

    /// The end of the last span, in nanoseconds since 1970.
    pub fn end(&self) -> u64 {
        end(&self.spans)
    }

    /// From the start of the first span to the end of the last one, in nanoseconds.
    pub fn duration(&self) -> u64 {
        duration(&self.spans)
    }

    /// The number of bytes that it uses, without its log records.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The positions of its log records.
    pub fn log_records(&self) -> &[Position] {
        &self.log_records
    }

    /// Reserves space for one more span, and counts it.
    fn reserve(&mut self) {
        let before = self.spans.capacity();
        // Not twice as much, as vectors usually do, because most of the store would be unused.
        if self.spans.len() == before {
            self.spans.reserve_exact(before / 4 + 4);
        }
        self.bytes += (self.spans.capacity() - before) * size_of::<Arc<Span>>();
    }
}

/// The span at the top: the earliest one without a parent, otherwise the earliest of all.
pub fn root(spans: &[Arc<Span>]) -> Option<&Span> {
    let first = |span: &&Arc<Span>| span.start;
    let roots = spans.iter().filter(|span| span.parent_span_id.is_none());
    roots.min_by_key(first).or_else(|| spans.iter().min_by_key(first)).map(|span| &**span)
}

fn start(spans: &[Arc<Span>]) -> u64 {
    spans.iter().map(|span| span.start).min().unwrap_or_default()
}

fn end(spans: &[Arc<Span>]) -> u64 {
    spans.iter().map(|span| span.end).max().unwrap_or_default()
}

/// From the start of the first span to the end of the last one, in nanoseconds.
pub fn duration(spans: &[Arc<Span>]) -> u64 {
    end(spans).saturating_sub(start(spans))
}

/// Whether a span is an operation of its service as a whole: a request, a message, or a job.
pub fn is_entry(span: &Span) -> bool {
    matches!(span.kind, SpanKind::Server | SpanKind::Consumer) || span.parent_span_id.is_none()
}

#[derive(Debug, Default)]
pub(super) struct Traces {
    /// Number of bytes in use.
    pub(super) used: usize,
    /// Number of spans in all traces.
    pub(super) spans: u64,
    /// Number of traces that have spans.
    with_spans: usize,
    /// In the order of arrival. Only the first one is ever removed.
    by_arrival: VecDeque<StoredTrace>,
    /// The number of each trace: those of all that were removed, and its place in the queue.
    by_id: HashMap<String, usize>,
    /// The number of traces that were removed.
    removed: usize,
}

impl Traces {
    pub(super) fn get(&self, id: &str) -> Option<&StoredTrace> {
        self.by_arrival.get(self.by_id.get(id)? - self.removed)
    }

    pub(super) fn oldest(&self) -> Option<u64> {
        self.by_arrival.front().map(|trace| trace.arrival)
    }

    pub(super) fn take_oldest(&mut self) -> Option<StoredTrace> {
        let trace = self.by_arrival.pop_front()?;
        self.by_id.remove(&trace.id);
        self.removed += 1;
        self.used -= trace.bytes;
        self.spans -= trace.spans.len() as u64;
        self.with_spans -= usize::from(!trace.spans.is_empty());
        Some(trace)
    }

    /// The trace with this id, which is created if there is none.
    fn entry(&mut self, id: &str, arrival: u64) -> &mut StoredTrace {
        let place = match self.by_id.get(id) {
            Some(number) => number - self.removed,
            None => {
                let place = self.by_arrival.len();
                self.used += TRACE_BYTES;
                self.by_id.insert(id.to_owned(), self.removed + place);
                self.by_arrival.push_back(StoredTrace {
                    id: id.to_owned(),
                    arrival,
                    updated: 0,
                    spans: Vec::new(),
                    ids: HashSet::new(),
                    log_records: Vec::new(),
                    bytes: TRACE_BYTES,
                });
                place
            }
        };
        &mut self.by_arrival[place]
    }

    /// Adds a log record to its trace.
    pub(super) fn add_log_record(&mut self, id: &str, position: Position) {
        self.entry(id, position.arrival).log_records.push(position);
    }
}

impl Store {
    /// The trace with this id.
    pub fn trace(&self, id: &str) -> Option<&StoredTrace> {
        self.traces.get(id).filter(|trace| !trace.spans.is_empty())
    }

    /// Traces with at least one span that arrived before `before`, newest first.
    pub fn traces(&self, before: u64) -> impl Iterator<Item = &StoredTrace> {
        self.all_traces(before).filter(|trace| !trace.spans.is_empty())
    }

    /// All traces that arrived before `before`, newest first, also those without spans.
    pub fn all_traces(&self, before: u64) -> impl Iterator<Item = &StoredTrace> {
        let traces = &self.traces.by_arrival;
        traces.range(..traces.partition_point(|trace| trace.arrival < before)).rev()
    }

    /// The number of traces of which only log records have arrived.
    pub fn count_traces_without_spans(&self) -> usize {
        self.traces.by_arrival.len() - self.traces.with_spans
    }

    /// The number of traces.
    pub fn count_traces(&self) -> usize {
        self.traces.by_arrival.len()
    }

    pub(super) fn add_span(&mut self, mut span: Span, now: u64) -> Result<(), Rejection> {
        if !is_id(&span.trace_id, 32) || !is_id(&span.span_id, 16) {
            return Err(Rejection::of_span_ids(&span));
        }
        if span.name.len() > MAX_SPAN_NAME {
            span.name = format!("{}…", cut(&span.name, MAX_SPAN_NAME));
        }
        let max = self.limit / PART_OF_A_TRACE;
        let heap = span.heap() + SPAN_BYTES;
        let arrival = self.arrival();
        let trace = self.traces.entry(&span.trace_id, arrival);
        // It was checked above that these are 16 hex digits.
        let id = u64::from_str_radix(&span.span_id, 16).unwrap_or_default();
        if trace.ids.contains(&id) {
            self.counts[Signal::Traces as usize].duplicates += 1;
            return Ok(());
        }
        if trace.bytes + heap > max {
            return Err(Rejection::TraceTooLarge { trace_id: trace.id.clone(), max });
        }
        let span = Arc::new(span);
        let before = trace.bytes;
        let is_first = trace.spans.is_empty();
        trace.ids.insert(id);
        trace.reserve();
        trace.spans.push(Arc::clone(&span));
        trace.bytes += heap;
        trace.updated = now;
        let more = trace.bytes - before;
        self.traces.used += more;
        self.traces.with_spans += usize::from(is_first);
        self.saw(span.service(), Signal::Traces, now);
        if span.kind == SpanKind::Server {
            self.count_request(&span, now);
        }
        for failure in Failure::from_span(&span) {
            self.errors.count(failure, now);
        }
        if is_entry(&span) && span.status == StatusCode::Error {
            self.gone.failures += self.errors.look_at_later(&span, now);
        }
        self.traces.spans += 1;
        self.make_room();
        Ok(())
    }
}

/// Whether `hex` has this length, and is not zero.
pub(super) fn is_id(hex: &str, digits: usize) -> bool {
    hex.len() == digits && hex.bytes().any(|digit| digit != b'0')
}

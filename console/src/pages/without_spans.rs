//! The traces of which only log records have arrived, for example because they are not sampled.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use maud::html;
use otlp::model::LogRecord;
use serde::{Deserialize, Serialize};

use super::format;
use crate::page::{Content, Context, Preferences, View};
use crate::store::{Store, StoredTrace};
use crate::{Console, TimeRange};

/// Number of rows on a page.
const ROWS: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    before: Option<u64>,
}

/// The newest ones.
#[derive(Serialize)]
pub(super) struct WithoutSpans {
    traces: Vec<Row>,
    /// If there are older ones: the arrival before which they are found.
    #[serde(skip)]
    older: Option<u64>,
}

#[derive(Serialize)]
struct Row {
    trace_id: String,
    /// The service of the first log record, its time and its text.
    service: String,
    #[serde(serialize_with = "format::rfc_3339")]
    first: u64,
    body: String,
    log_records: usize,
    #[serde(skip)]
    arrival: u64,
}

/// `GET /traces/without-spans`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    let range = &preferences.range;
    let before = parameters.before.unwrap_or(u64::MAX);
    let mut traces = console.find_all_traces(before, ROWS + 1, |store, trace| Row::new(store, trace, range));
    let is_more = traces.len() > ROWS;
    traces.truncate(ROWS);
    let older = traces.last().filter(|_| is_more).map(|last| last.arrival);
    console.respond(preferences, WithoutSpans { traces, older })
}

impl Row {
    /// `None` if the trace has spans, or no log record in the range.
    fn new(store: &Store, trace: &StoredTrace, range: &TimeRange) -> Option<Self> {
        let positions = trace.log_records();
        let (first, last) = (positions.iter().min()?, positions.iter().max()?);
        if !trace.spans().is_empty() || !range.overlaps(first.time, last.time) {
            return None;
        }
        let record: Arc<LogRecord> = store.log_record(*first)?.record;
        Some(Self {
            trace_id: trace.id.clone(),
            service: record.service().to_owned(),
            first: first.time,
            body: record.body.shortened(300),
            log_records: positions.len(),
            arrival: trace.arrival,
        })
    }
}

impl View for WithoutSpans {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        Content {
            link: "/traces",
            title: lang.tr("Traces with log records only").to_owned(),
            fixed: html! {
                (context.choose_range("all"))
                p.quiet { (lang.tr("No span of them has arrived: they are not sampled, their service exports only log records, or their spans will follow.")) }
                p { a href="/traces" { (lang.tr("All traces")) } }
            },
            live: html! {
                @if self.traces.is_empty() { p.quiet { (lang.tr("none")) } }
                @else { div.scroll { table {
                    thead { tr {
                        th { (lang.tr("Time")) " (" span.zone { "UTC" } ")" } th { (lang.tr("First log record")) }
                        th { (lang.tr("Service")) } th.number { (lang.tr("Log records")) }
                    } }
                    tbody {
                        @for trace in &self.traces {
                            tr {
                                td { (format::time(trace.first)) }
                                td { a.row href={ "/traces/" (trace.trace_id) } { (trace.body) " " code.quiet { (format::short(&trace.trace_id, 8)) } } }
                                td { (context.service(&trace.service)) }
                                td.number { (trace.log_records) }
                            }
                        }
                    }
                } } }
                @if let Some(older) = self.older {
                    p { a href={ "/traces/without-spans?before=" (older) } { (lang.tr("Older traces")) } }
                }
            },
        }
    }
}

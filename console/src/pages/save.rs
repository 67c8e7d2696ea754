//! A file of what was received, for later or for somebody else: lines of OTLP/JSON, as the Collector's file
//! exporter writes them. `handson-console FILE` shows it again. Metrics are kept as samples only, so they are
//! not in it.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use otlp::model::{LogRecord, Span, otlp_json};
use serde::{Deserialize, Serialize, Serializer};

use crate::store::{Line, Position};
use crate::{Console, json};

/// Number of log records in one line of the file.
const RECORDS_AT_ONCE: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    /// Only this trace.
    trace: String,
}

/// One line of the file.
enum Saved {
    Spans(Vec<Arc<Span>>),
    LogRecords(Vec<Arc<LogRecord>>),
}

impl Saved {
    fn lines(lines: Vec<Line>) -> Self {
        Self::LogRecords(lines.into_iter().map(|line| line.record).collect())
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Spans(spans) => spans.is_empty(),
            Self::LogRecords(records) => records.is_empty(),
        }
    }
}

impl Serialize for Saved {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Spans(spans) => otlp_json::traces(spans).serialize(serializer),
            Self::LogRecords(records) => otlp_json::log_records(records).serialize(serializer),
        }
    }
}

/// `GET /save?trace=`: a trace with its log records, or all traces and log records.
pub(super) async fn file(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let id = parameters.trace.to_ascii_lowercase();
    if id.is_empty() {
        return download("telemetry", json::lines(everything(console)));
    }
    let saved: Vec<Saved> = console.read(|store| {
        let spans = store.trace(&id).map_or_else(Vec::new, |trace| trace.spans().to_vec());
        let saved = [Saved::Spans(spans), Saved::lines(store.log_records_of(&id))];
        saved.into_iter().filter(|saved| !saved.is_empty()).collect()
    });
    if saved.is_empty() {
        return (StatusCode::NOT_FOUND, "nothing of this trace is stored").into_response();
    }
    // The store has only ids of hexadecimal digits, so this is the name of a file.
    download(&format!("trace-{id}"), json::lines(saved.into_iter()))
}

/// Everything, a trace or some log records at a time, so that exports and pages go on.
fn everything(console: Arc<Console>) -> impl Iterator<Item = Saved> {
    let mut traces = console.find_traces(u64::MAX, usize::MAX, |trace| Some(trace.id.clone()));
    let mut before = Some(Position::END);
    std::iter::from_fn(move || {
        // Those that arrived first are saved first, and arrive first again.
        while let Some(id) = traces.pop() {
            // It may have been dropped in the meantime.
            if let Some(spans) = console.read(|store| Some(store.trace(&id)?.spans().to_vec())) {
                return Some(Saved::Spans(spans));
            }
        }
        let from = before?;
        let lines: Vec<Line> = console.read(|store| store.log_records(from).take(RECORDS_AT_ONCE).collect());
        before = lines.last().map(|line| line.position);
        before.map(|_| Saved::lines(lines))
    })
}

fn download(name: &str, body: axum::body::Body) -> Response {
    let name = format!("attachment; filename=\"{name}.jsonl\"");
    ([(header::CONTENT_TYPE, "application/jsonl".to_owned()), (header::CONTENT_DISPOSITION, name)], body)
        .into_response()
}

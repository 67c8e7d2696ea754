//! The list of traces.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::format;
use crate::Console;
use crate::page::{self, Page};
use crate::search::Search;
use crate::store::{Store, StoredTrace};
use otlp::model::{Span, StatusCode as Outcome, now};

/// Rows of a page.
const ROWS: usize = 50;

/// What the list is filtered by; a trace is shown where one span of it fits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    service: String,
    name: String,
    status: String,
    min: String,
    max: String,
    q: String,
    before: Option<u64>,
}

struct Filter {
    asked: Asked,
    min: Option<Duration>,
    max: Option<Duration>,
    search: Search,
}

impl Filter {
    fn new(asked: Asked) -> Result<Self, String> {
        if !["", "ok", "error"].contains(&asked.status.as_str()) {
            return Err(format!("status is {:?}; allowed is ok or error", asked.status));
        }
        let duration = |name: &str, text: &str| match humantime::parse_duration(text.trim()) {
            _ if text.trim().is_empty() => Ok(None),
            Ok(duration) => Ok(Some(duration)),
            Err(_) => Err(format!("{name} is {text:?}; allowed is a duration, such as 100ms or 2s")),
        };
        let (min, max) = (duration("min", &asked.min)?, duration("max", &asked.max)?);
        Ok(Self { min, max, search: Search::parse(&asked.q), asked })
    }

    fn fits(&self, trace: &StoredTrace) -> bool {
        let duration = Duration::from_nanos(trace.duration());
        let name = self.asked.name.to_lowercase();
        let of_a_span = |span: &Span| {
            (self.asked.service.is_empty() || span.service() == self.asked.service)
                && (name.is_empty() || span.name.to_lowercase().contains(&name))
                && self.search.finds_span(span)
        };
        self.min.is_none_or(|min| duration >= min)
            && self.max.is_none_or(|max| duration <= max)
            && match self.asked.status.as_str() {
                "error" => trace.failed(),
                "ok" => !trace.failed(),
                _ => true,
            }
            && trace.spans().iter().any(of_a_span)
    }
}

/// `GET /traces?service=&name=&status=ok|error&min=&max=&q=`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let page = {
        let store = console.store();
        let before = asked.before.unwrap_or(u64::MAX);
        let filter = Filter::new(asked.clone());
        let found: Vec<&StoredTrace> = match &filter {
            Ok(filter) => store.traces(before).filter(|trace| filter.fits(trace)).take(ROWS + 1).collect(),
            Err(_) => Vec::new(),
        };
        let shown = &found[..found.len().min(ROWS)];
        let wrong = filter.as_ref().err().cloned();
        Page {
            part: "/traces",
            title: "Traces".to_owned(),
            fixed: form(&store, &asked),
            live: html! {
                @if let Some(wrong) = &wrong { p.notice.bad { (wrong) } }
                @else if shown.is_empty() && store.count_traces() == 0 {
                    (page::nothing_yet(&console, "No trace has come so far."))
                }
                @else if shown.is_empty() { p.quiet { "No trace fits. " a href="/traces" { "Show all" } } }
                @else { (table(&store, shown)) }
                @if let (Some(last), true) = (shown.last(), found.len() > ROWS) {
                    p { a href=(format::address("/traces", &[
                        ("service", &asked.service), ("name", &asked.name), ("status", &asked.status),
                        ("min", &asked.min), ("max", &asked.max), ("q", &asked.q),
                        ("before", &last.arrival.to_string()),
                    ])) { "Older traces" } }
                }
            },
            json: match &wrong {
                Some(wrong) => json!({ "error": wrong }),
                None => json!({ "traces": shown.iter().map(|trace| summary(trace)).collect::<Vec<_>>() }),
            },
            status: if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK },
        }
    };
    page.answer(&console, &headers)
}

fn form(store: &Store, asked: &Asked) -> Markup {
    html! {
        form.filter action="/traces" role="search" {
            (page::choose_service(store, &asked.service))
            label { "Span name" input name="name" value=(asked.name) size="14"; }
            label { "Status" select name="status" {
                @for (value, text) in [("", "any"), ("ok", "ok"), ("error", "error")] {
                    option value=(value) selected[value == asked.status] { (text) }
                }
            } }
            label { "From" input name="min" value=(asked.min) size="6" placeholder="100ms"; }
            label { "To" input name="max" value=(asked.max) size="6" placeholder="2s"; }
            label.wide { "Attributes and words" input #search type="search" name="q" value=(asked.q)
                placeholder="http.response.status_code=500"; }
            button { "Filter" }
        }
    }
}

fn table(store: &Store, traces: &[&StoredTrace]) -> Markup {
    let now = now();
    html! {
        table {
            thead { tr { th { "Time (UTC)" } th { "Trace" } th { "Services" } th.number { "Spans" } th.number { "Duration" } th { "Status" } } }
            tbody {
                @for trace in traces {
                    @let root = trace.root();
                    tr {
                        td title=(format::ago(root.map_or(now, |span| span.start), now)) {
                            (format::time(root.map_or(0, |span| span.start)))
                        }
                        td { a.row href={ "/traces/" (trace.id) } {
                            (format::short(root.map_or("", |span| &span.name), 80))
                            " " code.quiet { (format::short(&trace.id, 8)) }
                        } }
                        td { @for name in services(trace) { (page::service(store.services(), name)) " " } }
                        td.number { (trace.spans().len()) }
                        td.number { (format::duration(trace.duration() as f64)) }
                        td { @if trace.failed() { span.mark.bad { "error" } } @else { span.quiet { "ok" } } }
                    }
                }
            }
        }
    }
}

fn services(trace: &StoredTrace) -> Vec<&str> {
    let mut services: Vec<&str> = Vec::new();
    for span in trace.spans() {
        if !services.contains(&span.service()) {
            services.push(span.service());
        }
    }
    services
}

fn summary(trace: &StoredTrace) -> serde_json::Value {
    json!({
        "trace_id": trace.id,
        "name": trace.root().map(|span| &span.name),
        "services": services(trace),
        "spans": trace.spans().len(),
        "errors": trace.spans().iter().filter(|span| span.status == Outcome::Error).count(),
        "start_unix_nano": trace.root().map(|span| span.start.to_string()),
        "duration_ms": trace.duration() as f64 / 1e6,
    })
}

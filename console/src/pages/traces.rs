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
pub(super) struct Parameters {
    service: String,
    name: String,
    status: String,
    min: String,
    max: String,
    q: String,
    before: Option<u64>,
}

struct Filter {
    parameters: Parameters,
    min: Option<Duration>,
    max: Option<Duration>,
    search: Search,
}

impl Filter {
    fn new(parameters: Parameters) -> Result<Self, String> {
        if !["", "ok", "error"].contains(&parameters.status.as_str()) {
            return Err(format!("status is {:?}; allowed is ok or error", parameters.status));
        }
        let duration = |name: &str, text: &str| match humantime::parse_duration(text.trim()) {
            _ if text.trim().is_empty() => Ok(None),
            Ok(duration) => Ok(Some(duration)),
            Err(_) => Err(format!("{name} is {text:?}; allowed is a duration, such as 100ms or 2s")),
        };
        let (min, max) = (duration("min", &parameters.min)?, duration("max", &parameters.max)?);
        Ok(Self { min, max, search: Search::parse(&parameters.q), parameters })
    }

    fn fits(&self, trace: &StoredTrace) -> bool {
        let duration = Duration::from_nanos(trace.duration());
        let name = self.parameters.name.to_lowercase();
        let of_a_span = |span: &Span| {
            (self.parameters.service.is_empty() || span.service() == self.parameters.service)
                && (name.is_empty() || span.name.to_lowercase().contains(&name))
                && self.search.finds_span(span)
        };
        self.min.is_none_or(|min| duration >= min)
            && self.max.is_none_or(|max| duration <= max)
            && match self.parameters.status.as_str() {
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
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    let page = {
        let store = console.store();
        let before = parameters.before.unwrap_or(u64::MAX);
        let filter = Filter::new(parameters.clone());
        let found: Vec<&StoredTrace> = match &filter {
            Ok(filter) => store.traces(before).filter(|trace| filter.fits(trace)).take(ROWS + 1).collect(),
            Err(_) => Vec::new(),
        };
        let shown = &found[..found.len().min(ROWS)];
        let wrong = filter.as_ref().err().cloned();
        Page {
            part: "/traces",
            title: "Traces".to_owned(),
            fixed: form(&store, &parameters),
            live: html! {
                @if let Some(wrong) = &wrong { p.notice.bad { (wrong) } }
                @else if shown.is_empty() && store.count_traces() == 0 {
                    (page::nothing_yet(&console, "No trace has come so far."))
                }
                @else if shown.is_empty() { p.quiet { "No trace fits. " a href="/traces" { "Show all" } } }
                @else { (table(&store, shown)) }
                @if let (Some(last), true) = (shown.last(), found.len() > ROWS) {
                    p { a href=(format::address("/traces", &[
                        ("service", &parameters.service), ("name", &parameters.name), ("status", &parameters.status),
                        ("min", &parameters.min), ("max", &parameters.max), ("q", &parameters.q),
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

fn form(store: &Store, parameters: &Parameters) -> Markup {
    html! {
        form.filter action="/traces" role="search" {
            (page::choose_service(store, &parameters.service))
            label { "Span name" input name="name" value=(parameters.name) size="14"; }
            label { "Status" select name="status" {
                @for (value, text) in [("", "any"), ("ok", "ok"), ("error", "error")] {
                    option value=(value) selected[value == parameters.status] { (text) }
                }
            } }
            label { "From" input name="min" value=(parameters.min) size="6" placeholder="100ms"; }
            label { "To" input name="max" value=(parameters.max) size="6" placeholder="2s"; }
            label.wide { "Attributes and words" input #search type="search" name="q" value=(parameters.q)
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

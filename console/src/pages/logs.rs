//! Log records: live, and searched.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{format, trace};
use crate::Console;
use crate::page::{self, Page};
use crate::search::Search;
use crate::store::{Line, Store};
use otlp::model::{LogRecord, otlp_json};

/// Rows of a page.
const ROWS: usize = 100;

/// Names of levels, and the least of OTLP's severity numbers for each.
const LEVELS: [(&str, i32); 6] =
    [("trace", 1), ("debug", 5), ("info", 9), ("warn", 13), ("error", 17), ("fatal", 21)];

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    q: String,
    level: String,
    service: String,
    before: Option<u64>,
}

/// `GET /logs?q=&level=&service=`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    let page = {
        let store = console.store();
        let least = LEVELS.iter().find(|(name, _)| *name == parameters.level).map(|(_, least)| *least);
        let wrong = (least.is_none() && !parameters.level.is_empty()).then(|| {
            let known = LEVELS.map(|(name, _)| name).join(", ");
            format!("level is {:?}; allowed is one of {known}", parameters.level)
        });
        let search = Search::parse(&parameters.q);
        let fits = |line: &Line<'_>| {
            wrong.is_none()
                && least.is_none_or(|least| line.record.severity_number >= least)
                && (parameters.service.is_empty() || line.record.service() == parameters.service)
                && search.finds_log_record(line.record)
        };
        let lines = || store.log_records(parameters.before.unwrap_or(u64::MAX));
        let found: Vec<Line<'_>> = lines().filter(fits).take(ROWS + 1).collect();
        let shown = &found[..found.len().min(ROWS)];
        let any = lines().next().is_some();
        Page {
            part: "/logs",
            title: "Logs".to_owned(),
            fixed: form(&store, &parameters),
            live: html! {
                @if let Some(wrong) = &wrong { p.notice.bad { (wrong) } }
                @else if !any { (page::nothing_yet(&console, "No log record has come over OTLP so far.")) }
                @else if shown.is_empty() { p.quiet { "No log record fits. " a href="/logs" { "Show all" } } }
                @else { (table(&store, shown, None)) }
                @if let (Some(last), true) = (shown.last(), found.len() > ROWS) {
                    p { a href=(format::address("/logs", &[
                        ("q", &parameters.q), ("level", &parameters.level), ("service", &parameters.service),
                        ("before", &last.arrival.to_string()),
                    ])) { "Older lines" } }
                }
            },
            json: match &wrong {
                Some(wrong) => json!({ "error": wrong }),
                None => otlp_json::log_records(shown.iter().map(|line| line.record)),
            },
            status: if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK },
        }
    };
    page.answer(&console, &headers)
}

fn form(store: &Store, parameters: &Parameters) -> Markup {
    html! {
        form.filter action="/logs" role="search" {
            (page::choose_service(store, &parameters.service))
            label { "Level" select name="level" {
                option value="" { "all" }
                @for (level, _) in LEVELS {
                    option value=(level) selected[level == parameters.level] { (level) " and above" }
                }
            } }
            label.wide { "Words and key=value" input #search type="search" name="q" value=(parameters.q)
                placeholder="dbQuery user.id=1"; }
            button { "Search" }
        }
    }
}

/// Lines that open into their fields. `of` is the trace to which all belong, where there is one.
pub(super) fn table(store: &Store, lines: &[Line<'_>], of: Option<&str>) -> Markup {
    html! {
        div.lines {
            @for Line { arrival, record } in lines {
                details data-key=(arrival) {
                    summary {
                        time { (format::time(record.when())) }
                        (level(record.severity_number, &record.severity_text))
                        (page::service(store.services(), record.service()))
                        span.body { (format::short(&record.body.unquoted(), 300))
                            span.quiet { (format::short(&fields(record), 160)) } }
                        @match (&record.trace_id, &record.span_id, of) {
                            (Some(trace), Some(span), Some(_)) => a.id href={ "/traces/" (trace) "?span=" (span) "#span" } { "span" },
                            (Some(trace), _, None) => a.id href={ "/traces/" (trace) } { "trace " (format::short(trace, 8)) },
                            _ => {}
                        }
                    }
                    @if !record.event_name.is_empty() { p { "Event " code { (record.event_name) } } }
                    (trace::attributes(&record.attributes))
                    h3 { "Resource" }
                    (trace::attributes(&record.resource))
                    p.quiet {
                        (format::date_and_time(record.when())) ", scope " (record.scope.name)
                        @if let Some(trace) = &record.trace_id { ", trace " a href={ "/traces/" (trace) } { (trace) } }
                        @if let Some(span) = &record.span_id { ", span " (span) }
                    }
                }
            }
        }
    }
}

/// The first fields, to be seen without opening the line.
fn fields(record: &LogRecord) -> String {
    let fields = record.attributes.0.iter().take(8);
    fields.map(|(key, value)| format!("  {key}={}", format::short(&value.unquoted(), 60))).collect()
}

fn level(number: i32, text: &str) -> Markup {
    let name = LEVELS.iter().rev().find(|(_, least)| number >= *least).map_or("", |(name, _)| name);
    let shown = if text.is_empty() { name.to_uppercase() } else { format::short(text, 8) };
    html! { span.level.(format!("level-{name}")) { (shown) } }
}

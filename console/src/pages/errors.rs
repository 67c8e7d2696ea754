//! Failures, in groups.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{chart, format};
use crate::Console;
use crate::page::{self, Page};
use crate::store::{Group, SLOT, Store};
use otlp::model::now;

/// Slots of a sparkline: ten minutes.
const COURSE: u64 = 120;

/// `GET /errors`
pub(super) async fn page(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    let page = {
        let store = console.store();
        let groups = store.errors.groups();
        Page {
            part: "/errors",
            title: "Errors".to_owned(),
            fixed: html! {},
            live: html! {
                @if groups.is_empty() {
                    div.empty {
                        p { strong { "Nothing has failed so far." } }
                        @if let Some(command) = &console.options.extension.failure_command {
                            p { "This makes half of the requests fail at random:" }
                            pre { (command) }
                        }
                        p { "What is shown here are " code { "exception" } " events of spans, and log records with "
                            code { "exception.type" } "; of a request that failed without one, its SERVER span." }
                    }
                } @else {
                    p.quiet { "By service, type and message; # stands for what differs. A failure that a span and a log line tell of counts once." }
                    (table(&store, &groups, now()))
                }
            },
            json: json!({ "error_groups": groups.iter().map(|group| json(group)).collect::<Vec<_>>() }),
            status: StatusCode::OK,
        }
    };
    page.answer(&console, &headers)
}

/// `GET /errors/{id}`
pub(super) async fn group(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = console.store().errors.group(&id).cloned();
    let page = match found {
        Some(group) => one(&console.store(), &group),
        None => Page {
            part: "/errors",
            title: "There is no such group of errors".to_owned(),
            fixed: html! { p { a href="/errors" { "All groups" } } },
            live: html! {},
            json: json!({ "error": "there is no such group of errors" }),
            status: StatusCode::NOT_FOUND,
        },
    };
    page.answer(&console, &headers)
}

fn one(store: &Store, group: &Group) -> Page {
    let now = now();
    Page {
        part: "/errors",
        title: format::short(&group.kind, 100),
        fixed: html! {},
        live: html! {
            p { (page::service(store.services(), &group.service)) " " (group.message) }
            p.facts {
                span { b { (format::count(group.count, "time")) } }
                span { "first " (format::date_and_time(group.first)) }
                span { "last " (format::date_and_time(group.last)) " (" (format::ago(group.last, now)) ")" }
            }
            figure.wide { figcaption { "Failures in the last " (COURSE * SLOT.as_secs() / 60) " minutes" }
                (chart::spark("Failures over time", &group.course(COURSE, now))) }
            h2 { "Stack" }
            @if group.stack.is_empty() {
                p.quiet { "None came: " code { "exception.stacktrace" } " would have it." }
            } @else { pre.stack { (group.stack) } }
            h2 { "The last traces" }
            ul.plain {
                @for id in &group.traces {
                    li {
                        a.row href={ "/traces/" (id) } { code { (format::short(id, 32)) } }
                        @match store.trace(id) {
                            Some(trace) => { " " (format::time(trace.root().map_or(0, |root| root.start))) " " (format::duration(trace.duration() as f64)) }
                            None => span.quiet { " has gone to make room, or has not come" },
                        }
                    }
                }
            }
        },
        json: json(group),
        status: StatusCode::OK,
    }
}

pub(super) fn table(store: &Store, groups: &[&Group], now: u64) -> Markup {
    html! {
        table {
            thead { tr { th { "Error" } th { "Service" } th.number { "Count" } th { "Last 10 minutes" } th { "Last seen" } th { "First seen" } } }
            tbody {
                @for group in groups {
                    tr {
                        td { a.row href={ "/errors/" (group.id) } { strong { (format::short(&group.kind, 60)) } }
                            " " (format::short(&group.message, 120)) }
                        td { (page::service(store.services(), &group.service)) }
                        td.number { (format::number(group.count as f64)) }
                        td { (chart::spark("Failures over time", &group.course(COURSE, now))) }
                        td { (format::ago(group.last, now)) }
                        td { (format::ago(group.first, now)) }
                    }
                }
            }
        }
    }
}

pub(super) fn json(group: &Group) -> Value {
    json!({
        "id": group.id,
        "service": group.service,
        "kind": group.kind,
        "message": group.message,
        "count": group.count,
        "first": format::date_and_time(group.first),
        "last": format::date_and_time(group.last),
        "stack": group.stack,
        "traces": group.traces,
    })
}

//! One trace, as a waterfall.

mod span;
mod waterfall;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{format, logs};
use crate::Console;
use crate::page::{self, Page};
use crate::store::{Store, StoredTrace};
use otlp::model::otlp_json;
pub(super) use span::attributes;
use waterfall::Waterfall;

#[derive(Deserialize)]
pub(super) struct Parameters {
    span: Option<String>,
}

/// `GET /traces/{id}?span=`; as JSON it is OTLP's `resourceSpans`.
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    let id = id.to_ascii_lowercase();
    if page::wants_json(&headers)
        && let Some(trace) = console.store().trace(&id)
    {
        return Json(otlp_json::traces(trace.spans())).into_response();
    }
    let page = {
        let store = console.store();
        match store.trace(&id) {
            Some(trace) => found(&store, trace, parameters.span.as_deref()),
            // A page that waits for a trace is no error; a program that asks for one is told.
            None if is_id(&id) && !page::wants_json(&headers) => {
                Page { status: StatusCode::OK, ..missing(&console, &store, &id) }
            }
            None => missing(&console, &store, &id),
        }
    };
    page.answer(&console, &headers)
}

fn found(store: &Store, stored: &StoredTrace, chosen: Option<&str>) -> Page {
    let trace = stored.trace();
    let waterfall = Waterfall::new(&trace);
    let chosen = chosen.and_then(|id| trace.span(id));
    let lines = store.log_records_of(&stored.id);
    Page {
        part: "/traces",
        title: format::short(stored.root().map_or("", |span| &span.name), 100),
        fixed: html! {},
        live: html! {
            p.facts {
                span { "Trace " code { (stored.id) } }
                span { (format::date_and_time(waterfall.start)) }
                span { b { (format::duration((waterfall.end - waterfall.start) as f64)) } }
                span { b { (format::count(trace.spans.len() as u64, "span")) } }
                span { a href="#logs" { (format::count(lines.len() as u64, "log line")) } }
            }
            (gaps(&waterfall))
            div.split {
                (waterfall.table(store.services(), chosen))
                @if let Some(chosen) = chosen { (span::panel(store.services(), &trace, chosen)) }
            }
            section #logs {
                h2 { "Logs of this trace" }
                @if lines.is_empty() {
                    p.quiet { "None has come over OTLP with this trace's id." }
                } @else {
                    (logs::table(store, &lines, Some(&stored.id)))
                }
            }
        },
        json: json!(null),
        status: StatusCode::OK,
    }
}

/// What says that not all of it is here.
fn gaps(waterfall: &Waterfall<'_>) -> Markup {
    html! {
        @if waterfall.missing_parents > 0 {
            p.notice {
                "This trace is partial: " (waterfall.missing_parents)
                " of its spans name a parent that has not come. It may be on its way, belong to a program that does not "
                "send its spans here, or have gone to make room."
            }
        }
        @if waterfall.circles > 0 {
            p.notice.bad { (waterfall.circles) " spans are their own ancestors: their ids go round in a circle." }
        }
        @if waterfall.reversed == 1 {
            p.notice.bad { "1 span ends before it starts." }
        } @else if waterfall.reversed > 1 {
            p.notice.bad { (waterfall.reversed) " spans end before they start." }
        }
    }
}

fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn missing(console: &Console, store: &Store, id: &str) -> Page {
    let why = if is_id(id) {
        "No span of this trace is here."
    } else {
        "This is no trace id: one has 32 hex digits, as in the traceresponse header."
    };
    Page {
        part: "/traces",
        title: "Trace not found".to_owned(),
        fixed: html! {},
        live: html! {
            p.notice { (why) }
            @if is_id(id) {
                p { "Exporters send every second or every few: this page looks again by itself." }
                p { "Traces leave in the order in which they came, once "
                    (format::bytes(store.fill().1 as f64)) " are full; " (store.gone.traces) " have gone so far." }
                @if store.count_traces() == 0 { (page::nothing_yet(console, "No trace has come so far.")) }
            }
        },
        json: json!({ "error": why }),
        status: StatusCode::NOT_FOUND,
    }
}

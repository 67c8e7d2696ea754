//! How the services fare.

mod calls;
mod charts;
mod monitors;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::errors;
use super::format;
use crate::page::{self, Page};
use crate::store::{SLOT, Store};
use crate::{Console, lock};
use calls::Call;
use otlp::model::now;

/// What the charts reach back.
const SHOWN: Duration = Duration::from_secs(5 * 60);

#[derive(Deserialize)]
pub(super) struct Parameters {
    service: Option<String>,
}

/// `GET /`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    let page = {
        let store = console.store();
        let monitors = lock(&console.monitors);
        let now = now();
        let calls = Call::all(&store, now);
        let service = parameters.service.filter(|service| store.rates.contains_key(service));
        let service = service.or_else(|| calls::entry(&store, &calls));
        let slots = match service.as_ref().and_then(|service| store.rates.get(service)) {
            Some(rates) => rates.last(SHOWN.as_secs() / SLOT.as_secs(), now),
            None => Vec::new(),
        };
        let all = service.as_ref().and_then(|service| store.rates.get(service)).map(|r| r.over(SHOWN, now));
        let errors = store.errors.groups();
        Page {
            part: "/",
            title: "Overview".to_owned(),
            fixed: html! {},
            live: html! {
                (page::trouble(&console))
                @match (&service, all) {
                    (Some(service), Some(all)) => (charts::charts(&store, service, &slots, &all)),
                    _ => (page::nothing_yet(&console, "No request has come so far.")),
                }
                (refused(&store))
                @if !calls.is_empty() { (calls::table(&store, &calls)) }
                div.columns {
                    section {
                        h2 { a href="/errors" { "Newest errors" } }
                        @if errors.is_empty() { p.quiet { "None so far." } }
                        @else { (errors::table(&store, &errors[..errors.len().min(5)], now)) }
                    }
                    section {
                        h2 { "Monitors" }
                        @if monitors.is_empty() { p.quiet { "None is defined: " code { "--monitor monitor.toml" } "." } }
                        @for monitor in monitors.iter() { (monitors::one(monitor, now)) }
                    }
                }
                @if let Some(section) = &console.options.extension.overview { (section()) }
            },
            json: json!({
                "service": service,
                "window_seconds": SHOWN.as_secs(),
                "requests": slots.iter().map(|slot| slot.requests).sum::<u64>(),
                "errors": slots.iter().map(|slot| slot.errors).sum::<u64>(),
                "slots": slots.iter().map(charts::json).collect::<Vec<_>>(),
                "calls": calls,
                "error_groups": errors.iter().map(|group| errors::json(group)).collect::<Vec<_>>(),
                "monitors": monitors.iter().map(monitors::json).collect::<Vec<_>>(),
                "processes": *lock(&console.processes),
                "refused": store.refused,
            }),
            status: StatusCode::OK,
        }
    };
    page.answer(&console, &headers)
}

fn refused(store: &Store) -> Markup {
    html! {
        @if let Some(last) = store.refused.front() {
            p.notice.bad { "Something came that is not shown: " (format::short(last, 300)) }
        }
    }
}

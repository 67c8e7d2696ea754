//! The frame of every page, and the choice between HTML and JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde_json::{Value, json};

use crate::extension::Link;
use crate::pages::format;
use crate::store::Store;
use crate::{Console, lock};

/// A page, for a person and for a program.
pub struct Page {
    /// The link of the navigation to which it belongs, by its path.
    pub part: &'static str,
    /// The heading.
    pub title: String,
    /// What stays while the page is open, such as fields that are typed into.
    pub fixed: Markup,
    /// What is loaded again when something has changed.
    pub live: Markup,
    /// The same as data.
    pub json: Value,
    /// Of the response.
    pub status: StatusCode,
}

const LINKS: [Link; 5] = [
    Link { path: "/", name: "Overview" },
    Link { path: "/traces", name: "Traces" },
    Link { path: "/logs", name: "Logs" },
    Link { path: "/errors", name: "Errors" },
    Link { path: "/metrics", name: "Metrics" },
];

impl Page {
    /// The response: JSON if `headers` ask for it, else HTML.
    pub fn answer(self, console: &Console, headers: &HeaderMap) -> Response {
        if wants_json(headers) {
            return (self.status, Json(self.json)).into_response();
        }
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · handson console" }
                    link rel="icon" href="/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/style.css";
                    script src="/console.js" defer {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header {
                        a.brand href="/" { "handson console" }
                        nav aria-label="Pages" {
                            @for (number, link) in links(console).enumerate() {
                                a href=(link.path) aria-current=[(link.path == self.part).then_some("page")]
                                    aria-keyshortcuts=(number + 1) { (link.name) }
                            }
                        }
                        span #live role="status" title="Whether this page follows what comes" {}
                    }
                    main #main tabindex="-1" {
                        h1 { (self.title) }
                        (self.fixed)
                        div #content { (self.live) }
                    }
                    (footer(console))
                }
            }
        };
        (self.status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string())
            .into_response()
    }
}

fn links(console: &Console) -> impl Iterator<Item = &Link> {
    LINKS.iter().chain(&console.options.extension.links)
}

fn footer(console: &Console) -> Markup {
    let store = console.store();
    let (used, limit) = store.fill();
    let bytes = |bytes: usize| format::bytes(bytes as f64);
    let gone = store.gone;
    html! {
        footer #footer {
            span {
                (bytes(used)) " of " (bytes(limit)) " in memory, "
                (format::count(store.count_traces() as u64, "trace"))
                @if gone.traces > 0 { "; the oldest " (gone.traces) " have gone" }
            }
            span { "Keys: " kbd { "1" } "–" kbd { (links(console).count()) } " pages, " kbd { "/" } " search, " kbd { "j" } " " kbd { "k" } " down and up, " kbd { "p" } " pause" }
            span { "For one person's laptop. In production: Datadog, Grafana, or what your company has." }
        }
    }
}

/// The processes beside the console that are not as they should be.
pub(crate) fn trouble(console: &Console) -> Markup {
    let processes = lock(&console.processes);
    html! {
        @for process in processes.iter().filter(|process| !process.good) {
            p.notice.bad { strong { (process.name) } " " (process.state) }
        }
    }
}

/// What to do where nothing has come yet.
pub(crate) fn nothing_yet(console: &Console, what: &str) -> Markup {
    html! {
        div.empty {
            p { strong { (what) } }
            @if let Some(command) = &console.options.extension.trace_command {
                p { "Send a request to a service that exports here:" }
                pre { (command) }
            }
            p { "A program sends its telemetry here with" }
            pre { "OTEL_EXPORTER_OTLP_ENDPOINT=" (console.options.endpoint) }
        }
    }
}

/// A service's name, in its colour.
pub(crate) fn service(services: &[String], name: &str) -> Markup {
    html! { span.service.(colour(services, name)) { (format::short(name, 60)) } }
}

/// The field of a form in which a service is chosen.
pub(crate) fn choose_service(store: &Store, chosen: &str) -> Markup {
    html! {
        label { "Service" select name="service" {
            option value="" { "all" }
            @for service in store.services() {
                option value=(service) selected[service == chosen] { (service) }
            }
        } }
    }
}

/// The class of a service's colour: by the order in which services were first seen.
pub(crate) fn colour(services: &[String], name: &str) -> String {
    let place = services.iter().position(|service| service == name).unwrap_or(7);
    format!("s{}", place % 8)
}

/// `GET` of a path that there is not.
pub(crate) async fn not_found(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    let page = Page {
        part: "",
        title: "There is no such page".to_owned(),
        fixed: html! { p { a href="/" { "The overview" } " has links to all there is." } },
        live: html! {},
        json: json!({ "error": "there is no such page" }),
        status: StatusCode::NOT_FOUND,
    };
    page.answer(&console, &headers)
}

/// Whether a request asks for JSON, and not for HTML.
pub fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}

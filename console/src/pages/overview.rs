//! The overview of all services.

mod calls;
mod charts;
mod monitors;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::errors::{self, Row};
use super::format;
use crate::extension::Section;
use crate::page::{Content, Context, Preferences, View};
use crate::store::{Refusal, SLOT, Store};
use crate::{Console, Lang, Monitor, Process, lock};
use calls::Call;
use charts::{Latency, SlotView};
use monitors::MonitorView;
use otlp::model::now;

/// The time that the charts show.
const CHART_WINDOW: Duration = Duration::from_secs(5 * 60);
/// Maximum number of error groups to show.
const MAX_GROUPS: usize = 5;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    service: Option<String>,
}

/// Requests, calls, errors, monitors and problems of the last few minutes.
#[derive(Serialize)]
pub(super) struct Overview {
    /// The service whose requests are shown; `None` if there were no requests.
    service: Option<String>,
    window_seconds: u64,
    requests: u64,
    errors: u64,
    #[serde(flatten)]
    latency: Latency,
    slots: Vec<SlotView>,
    calls: Vec<Call>,
    /// The newest groups.
    error_groups: Vec<Row>,
    monitors: Vec<MonitorView>,
    processes: Vec<Process>,
    refused: Vec<Refusal>,
    /// The services with requests.
    #[serde(skip)]
    services: Vec<String>,
    #[serde(skip)]
    section: Option<Section>,
    #[serde(skip)]
    now: u64,
}

/// `GET /?service=`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    let (processes, section) = (console.processes(), console.options.extension.overview.clone());
    let now = now();
    let view = console.read(|store| Overview {
        processes,
        section,
        ..Overview::new(store, &lock(&console.monitors), parameters, now)
    });
    console.respond(preferences, view)
}

impl Overview {
    pub(super) fn new(store: &Store, monitors: &[Monitor], parameters: Parameters, now: u64) -> Self {
        let calls = Call::all(store, now);
        let service = parameters.service.filter(|service| store.rates.contains_key(service));
        let service = service.or_else(|| calls::entry(store, &calls));
        let rates = service.as_ref().and_then(|service| store.rates.get(service));
        let window = rates.map(|rates| rates.over(CHART_WINDOW, now)).unwrap_or_default();
        let slots = rates.map(|rates| rates.last(CHART_WINDOW.as_secs() / SLOT.as_secs(), now));
        let groups = store.errors.groups();
        let has_requests = |service: &&String| store.rates.contains_key(*service);
        Self {
            service,
            window_seconds: CHART_WINDOW.as_secs(),
            requests: window.requests,
            errors: window.errors,
            latency: Latency::new(&window),
            slots: slots.iter().flatten().map(SlotView::new).collect(),
            calls,
            error_groups: groups.into_iter().take(MAX_GROUPS).map(|group| Row::new(group, now)).collect(),
            monitors: monitors.iter().map(MonitorView::new).collect(),
            processes: Vec::new(),
            refused: store.refused.iter().cloned().collect(),
            services: store.services().iter().filter(has_requests).cloned().collect(),
            section: None,
            now,
        }
    }
}

impl View for Overview {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        Content {
            link: "/",
            title: lang.tr("Overview").to_owned(),
            fixed: html! {},
            live: html! {
                @for process in self.processes.iter().filter(|process| !process.good) {
                    p.notice.bad { strong { (process.name) } " " (process.state) }
                }
                @match &self.service {
                    Some(service) => (charts::charts(context, self, service)),
                    None => (context.nothing_yet(lang.tr("No requests yet."))),
                }
                (refused(lang, &self.refused, self.now))
                @if !self.calls.is_empty() { (calls::table(context, &self.calls)) }
                div.columns {
                    section {
                        h2 { a href="/errors" { (lang.tr("Newest errors")) } }
                        @if self.error_groups.is_empty() { p.quiet { (lang.tr("No errors yet.")) } }
                        @else { (errors::table(context, &self.error_groups, self.now)) }
                    }
                    section {
                        h2 { (lang.tr("Monitors")) }
                        @if self.monitors.is_empty() {
                            p.quiet { (lang.tr("No monitor is defined. To define one:")) " " code { "--monitor monitor.toml" } }
                        }
                        @for monitor in &self.monitors { (monitor.html(lang, self.now)) }
                    }
                }
                @if let Some(section) = &self.section { (section(lang)) }
            },
        }
    }
}

fn refused(lang: Lang, refused: &[Refusal], now: u64) -> Markup {
    html! {
        @if let Some(last) = refused.first() {
            p.notice.bad {
                (lang.tr("Telemetry was refused.")) " "
                time datetime=(format::date_and_time(last.at)) { (format::time(last.at)) } " (" (format::ago(lang, last.at, now)) "): "
                (format::short(&last.reason, 300))
            }
        }
    }
}

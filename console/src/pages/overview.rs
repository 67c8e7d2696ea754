//! The overview of all services.

pub(super) mod calls;
mod charts;
mod clocks;
mod monitors;
mod operations;
pub(super) mod recent;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::errors::{self, Row};
use super::format;
use super::window::Window;
use crate::extension::Section;
use crate::page::{Content, Context, Preferences, View};
use crate::store::{MAX_SERVICES, Refusal, Slot, Store};
use crate::{Console, Lang, Monitor, Process, TimeRange, lock};
use calls::{Call, Calls};
use charts::{Latency, SlotView};
use clocks::ClockView;
use monitors::MonitorView;
use operations::{Operation, Operations};
use otlp::model::now;
use recent::Recent;

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
    /// What is wrong with the service of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    window_seconds: u64,
    requests: u64,
    errors: u64,
    #[serde(flatten)]
    latency: Latency,
    slots: Vec<SlotView>,
    calls: Vec<Call>,
    operations: Vec<Operation>,
    /// The newest groups.
    error_groups: Vec<Row>,
    monitors: Vec<MonitorView>,
    processes: Vec<Process>,
    refused: Vec<Refusal>,
    /// Services whose clocks are wrong.
    clocks: Vec<ClockView>,
    /// Requests that are not counted, because there are too many services.
    requests_not_counted: u64,
    /// The services with requests.
    #[serde(skip)]
    services: Vec<String>,
    /// Calls between pairs of services that are not listed.
    #[serde(skip)]
    calls_left_out: u64,
    /// Spans of operations that are not listed.
    #[serde(skip)]
    operations_left_out: u64,
    #[serde(skip)]
    is_unknown: bool,
    #[serde(skip)]
    section: Option<Section>,
    #[serde(skip)]
    window: Window,
    /// When the first slot begins.
    #[serde(skip)]
    slots_from: u64,
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
        ..Overview::new(store, &lock(&console.monitors), parameters, &preferences.range, now)
    });
    console.respond(preferences, view)
}

impl Overview {
    pub(super) fn new(
        store: &Store,
        monitors: &[Monitor],
        parameters: Parameters,
        range: &TimeRange,
        now: u64,
    ) -> Self {
        let window = Window::new(range, now);
        let recent = Recent::new(store, window, range);
        let Calls { all: calls, left_out: calls_left_out } = Calls::new(&recent, now);
        let Operations { all: operations, left_out } = Operations::new(&recent);
        let requested = parameters.service.filter(|service| !service.is_empty());
        let is_known = |service: &String| store.services().contains(service);
        let is_unknown = requested.as_ref().is_some_and(|service| !is_known(service));
        let missing = requested.as_ref().filter(|service| !store.rates.contains_key(*service));
        let error = missing.map(|service| no_requests(Lang::En, service));
        let service = requested.or_else(|| calls::entry(store, &calls));
        let rates = service.as_ref().and_then(|service| store.rates.get(service));
        let (slots_from, slots) =
            rates.map_or((window.from, Vec::new()), |rates| rates.between(window.from, window.to));
        let sum = Slot::sum(&slots);
        let groups = store.errors.groups().into_iter();
        let has_requests = |service: &&String| store.rates.contains_key(*service);
        Self {
            service,
            error,
            window_seconds: window.seconds(),
            requests: sum.requests,
            errors: sum.errors,
            latency: Latency::new(&sum),
            slots: slots.iter().map(SlotView::new).collect(),
            calls,
            operations,
            error_groups: groups
                .filter_map(|group| Row::in_range(group, range, now))
                .take(MAX_GROUPS)
                .collect(),
            monitors: monitors.iter().map(MonitorView::new).collect(),
            processes: Vec::new(),
            refused: store.refused.iter().cloned().collect(),
            clocks: ClockView::all(store, now),
            requests_not_counted: store.gone.requests,
            services: store.services().iter().filter(has_requests).cloned().collect(),
            calls_left_out,
            operations_left_out: left_out,
            is_unknown,
            section: None,
            window,
            slots_from,
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
            fixed: context.choose_range("5m"),
            live: html! {
                @for process in self.processes.iter().filter(|process| !process.good) {
                    p.notice.bad { strong { (process.name) } " " (process.state) }
                }
                (self.window.notice(lang))
                @match &self.service {
                    Some(service) => (charts::charts(context, self, service)),
                    None if self.operations.is_empty() => (context.nothing_yet(lang.tr("No requests yet."))),
                    None => p.quiet { (lang.tr("No requests yet.")) },
                }
                (refused(lang, &self.refused, self.now))
                @for clock in &self.clocks { p.notice { (clock.text(lang)) } }
                @if self.requests_not_counted > 0 {
                    p.notice { (lang.trf("At most {max} services are counted; {n} requests of others are not.",
                        &[("max", &MAX_SERVICES), ("n", &self.requests_not_counted)])) }
                }
                div.columns {
                    section {
                        h2 { a href="/errors" { (lang.tr("Newest errors")) } }
                        @if self.error_groups.is_empty() && context.range.is_chosen() { p.quiet { (lang.tr("No failures in this time.")) } }
                        @else if self.error_groups.is_empty() { p.quiet { (lang.tr("No errors yet.")) } }
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
                @if !self.calls.is_empty() {
                    section {
                        h2 { a href="/services" { (lang.tr("Calls between services")) } }
                        (calls::table(context, &self.calls, self.calls_left_out))
                    }
                }
                @if !self.operations.is_empty() {
                    (operations::table(context, &self.operations, self.operations_left_out))
                }
                @if let Some(section) = &self.section { (section(lang)) }
            },
        }
    }

    fn status(&self) -> StatusCode {
        if self.is_unknown { StatusCode::NOT_FOUND } else { StatusCode::OK }
    }
}

/// Explains why a service has no charts.
fn no_requests(lang: Lang, service: &str) -> String {
    lang.trf("No requests of {service} have been received.", &[("service", &format::short(service, 200))])
}

fn refused(lang: Lang, refused: &[Refusal], now: u64) -> Markup {
    html! {
        @if let Some(last) = refused.first() {
            p.notice.bad {
                (lang.tr("Telemetry was refused.")) " "
                (format::time(last.at)) " (" (format::ago(lang, last.at, now)) "): "
                (format::short(&last.reason, 300))
            }
        }
    }
}

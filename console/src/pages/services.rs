//! All services: their requests, when they were last heard of, and who calls whom.

mod layers;
mod layout;
mod map;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Serialize;

use super::format::{self, address};
use super::overview::calls::{self, Call, Calls};
use super::overview::recent::Recent;
use super::window::Window;
use crate::page::{Content, Context, Preferences, View};
use crate::store::{MAX_SERVICES, Slot, Store};
use crate::{Console, TimeRange};
use map::Map;
use otlp::Signal;
use otlp::model::now;

/// The services, and the calls between them.
#[derive(Serialize)]
pub(super) struct Services {
    window_seconds: u64,
    services: Vec<ServiceView>,
    calls: Vec<Call>,
    /// Calls between pairs of services that are not listed.
    calls_not_listed: u64,
    /// Requests that are not counted, because there are too many services.
    requests_not_counted: u64,
    /// Whether there are more services than are listed.
    has_more_services: bool,
    #[serde(skip)]
    window: Window,
    #[serde(skip)]
    now: u64,
}

/// A service. Its requests are its SERVER spans of the last minutes.
#[derive(Serialize)]
struct ServiceView {
    service: String,
    requests: u64,
    errors: u64,
    per_second: f64,
    error_rate: f64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    /// When telemetry of it arrived last.
    #[serde(serialize_with = "format::rfc_3339")]
    last_received: u64,
    /// The signals of which something has arrived: `traces`, `metrics`, `logs`.
    signals: Vec<&'static str>,
}

/// `GET /services`
pub(super) async fn page(State(console): State<Arc<Console>>, preferences: Preferences) -> Response {
    let now = now();
    let services = console.read(|store| Services::new(store, &preferences.range, now));
    console.respond(preferences, services)
}

impl Services {
    pub(super) fn new(store: &Store, range: &TimeRange, now: u64) -> Self {
        let window = Window::new(range, now);
        let Calls { all: calls, left_out } = Calls::new(&Recent::new(store, window, range), now);
        let services = store.last_received();
        Self {
            window_seconds: window.seconds(),
            services: services
                .map(|(service, received)| ServiceView::new(store, service, received, window))
                .collect(),
            calls,
            calls_not_listed: left_out,
            requests_not_counted: store.gone.requests,
            has_more_services: store.has_more_services,
            window,
            now,
        }
    }
}

impl ServiceView {
    fn new(store: &Store, service: &str, received: [u64; 3], window: Window) -> Self {
        let rates = store.rates.get(service);
        let sum = rates.map(|rates| Slot::sum(&rates.between(window.from, window.to).1)).unwrap_or_default();
        let seconds = rates.map_or(1.0, |rates| rates.seconds(window.from, window.to));
        let ms = |share| sum.percentile(share).map(|nanoseconds| nanoseconds / 1e6);
        let arrived = Signal::ALL.into_iter().filter(|signal| received[*signal as usize] > 0);
        Self {
            service: service.to_owned(),
            requests: sum.requests,
            errors: sum.errors,
            per_second: sum.requests as f64 / seconds,
            error_rate: sum.error_rate(),
            p50_ms: ms(0.5),
            p95_ms: ms(0.95),
            last_received: received.into_iter().max().unwrap_or_default(),
            signals: arrived.map(name).collect(),
        }
    }

    /// The page with the most about the service.
    fn address(&self) -> String {
        let path = match self.signals.first() {
            _ if self.requests > 0 => "/",
            Some(&"metrics") => return "/metrics".to_owned(),
            Some(&"logs") => "/logs",
            _ => "/traces",
        };
        address(path, &[("service", &self.service)])
    }
}

fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "traces",
        Signal::Metrics => "metrics",
        Signal::Logs => "logs",
    }
}

impl View for Services {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        Content {
            link: "/services",
            title: lang.tr("Services").to_owned(),
            fixed: context.choose_range("5m"),
            live: html! {
                @if self.services.is_empty() { (context.nothing_yet(lang.tr("No telemetry yet."))) }
                @else {
                    p.quiet { (self.window.text(lang, self.now)) }
                    (self.window.notice(lang))
                    (table(context, &self.services, self.now))
                    @if self.has_more_services {
                        p.notice { (lang.trf("At most {max} services are listed, and there are more.", &[("max", &MAX_SERVICES)])) }
                    }
                    @if self.requests_not_counted > 0 {
                        p.notice { (lang.trf("At most {max} services are counted; {n} requests of others are not.",
                            &[("max", &MAX_SERVICES), ("n", &self.requests_not_counted)])) }
                    }
                    h2 { (lang.tr("Calls between services")) }
                    @if self.calls.is_empty() { p.quiet { (lang.tr("No calls between services in this time.")) } }
                    @else {
                        (Map::new(&self.calls).html(context, &self.services))
                        (calls::table(context, &self.calls, self.calls_not_listed))
                    }
                }
            },
        }
    }
}

fn table(context: &Context, services: &[ServiceView], now: u64) -> Markup {
    let lang = context.lang;
    let latency = |ms: Option<f64>| ms.map_or("–".to_owned(), |ms| format::duration(ms * 1e6));
    html! {
        div.scroll { table {
            thead { tr {
                th { (lang.tr("Service")) } th.number { (lang.tr("Requests")) } th.number.minor { (lang.tr("Per second")) }
                th.number.minor { (lang.tr("Errors")) } th.number { (lang.tr("Error rate")) } th.number.minor { "p50" }
                th.number { "p95" } th.number { (lang.tr("Last received")) } th.minor { (lang.tr("Signals")) }
            } }
            tbody {
                @for service in services {
                    tr {
                        td { a.row href=(service.address()) { (context.service(&service.service)) } }
                        @if service.requests > 0 {
                            td.number { (format::number(service.requests as f64)) }
                            td.number.minor { (format::number(service.per_second)) }
                            td.number.minor.bad[service.errors > 0] { (format::number(service.errors as f64)) }
                            td.number.bad[service.errors > 0] { (format::percent(service.error_rate)) }
                            td.number.minor { (latency(service.p50_ms)) }
                            td.number { (latency(service.p95_ms)) }
                        } @else {
                            td.number.quiet { "–" } td.number.minor {} td.number.minor {} td.number {} td.number.minor {} td.number {}
                        }
                        td.number { (format::ago(lang, service.last_received, now)) }
                        td.minor {
                            @for signal in &service.signals { (signal_link(context, signal, &service.service)) " " }
                        }
                    }
                }
            }
        } }
    }
}

/// The telemetry of a service. The list of instruments is sorted by service, and has no filter.
fn signal_link(context: &Context, signal: &str, service: &str) -> Markup {
    let lang = context.lang;
    html! {
        @match signal {
            "traces" => a href=(address("/traces", &[("service", service)])) { (lang.tr("traces")) },
            "metrics" => a href="/metrics" { (lang.tr("metrics")) },
            _ => a href=(address("/logs", &[("service", service)])) { (lang.tr("logs")) },
        }
    }
}

//! How the services fare.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::chart::{self, Line};
use super::format;
use super::shell::{self, Page};
use super::{errors, steps};
use crate::console::store::{SLOT, Slot, Store};
use crate::console::{Console, Monitor, lock, monitor};
use crate::telemetry::{Span, SpanKind, StatusCode as Outcome, now};

/// What the charts reach back.
const SHOWN: Duration = Duration::from_secs(5 * 60);
/// Traces that are looked at for who calls whom.
const MOST_TRACES: usize = 2_000;

#[derive(Deserialize)]
pub(super) struct Asked {
    service: Option<String>,
}

/// Who calls whom.
#[derive(Debug, Clone, Serialize)]
struct Call {
    caller: String,
    callee: String,
    per_second: f64,
    error_rate: f64,
    p95_ms: f64,
}

/// `GET /`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let page = {
        let store = console.store();
        let monitors = lock(&console.monitors);
        let now = now();
        let calls = calls(&store, now);
        let service = asked.service.filter(|service| store.rates.contains_key(service));
        let service = service.or_else(|| entry(&store, &calls));
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
                (shell::trouble(&console))
                @match (&service, all) {
                    (Some(service), Some(all)) => (charts(&store, service, &slots, &all)),
                    _ => (shell::nothing_yet(&console, "No request has come so far.")),
                }
                (refused(&store))
                @if !calls.is_empty() { (who_calls_whom(&store, &calls)) }
                div.columns {
                    section {
                        h2 { a href="/errors" { "Newest errors" } }
                        @if errors.is_empty() { p.quiet { "None so far." } }
                        @else { (errors::table(&store, &errors[..errors.len().min(5)], now)) }
                    }
                    section {
                        h2 { "Monitors" }
                        @if monitors.is_empty() { p.quiet { "None is defined: " code { "--monitor monitor.toml" } "." } }
                        @for monitor in monitors.iter() { (one_monitor(monitor, now)) }
                    }
                }
                (steps::strip(&console))
            },
            json: json!({
                "service": service,
                "window_seconds": SHOWN.as_secs(),
                "requests": slots.iter().map(|slot| slot.requests).sum::<u64>(),
                "errors": slots.iter().map(|slot| slot.errors).sum::<u64>(),
                "slots": slots.iter().map(slot_json).collect::<Vec<_>>(),
                "calls": calls,
                "error_groups": errors.iter().map(|group| errors::json(group)).collect::<Vec<_>>(),
                "monitors": monitors.iter().map(monitor_json).collect::<Vec<_>>(),
                "processes": *lock(&console.processes),
                "refused": store.refused,
            }),
            status: StatusCode::OK,
        }
    };
    page.answer(&console, &headers)
}

/// The service that requests enter by: one that others do not call.
fn entry(store: &Store, calls: &[Call]) -> Option<String> {
    let served: Vec<&String> = store.services().iter().filter(|s| store.rates.contains_key(*s)).collect();
    let is_called = |service: &String| {
        calls.iter().any(|call| call.callee == *service && store.rates.contains_key(&call.caller))
    };
    served.iter().find(|service| !is_called(service)).or(served.first()).map(|service| (*service).clone())
}

fn charts(store: &Store, service: &str, slots: &[Slot], all: &Slot) -> Markup {
    let seconds = SLOT.as_secs_f64();
    let percentile = |share: f64| Line {
        class: match share {
            0.5 => "p50",
            0.95 => "p95",
            _ => "p99",
        },
        values: slots.iter().map(|slot| slot.percentile(share)).collect(),
    };
    let shown = |share| all.percentile(share).map_or("–".to_owned(), format::duration);
    // The slot that is running is not full yet.
    let full = &slots[..slots.len().saturating_sub(1)];
    let per_second = |slot: &Slot| Some(slot.requests as f64 / seconds);
    let lately = full.last().and_then(per_second).unwrap_or_default();
    html! {
        section {
            div.tabs {
                @for name in store.services().iter().filter(|name| store.rates.contains_key(*name)) {
                    a href={ "/?service=" (urlencoded(name)) } aria-current=[(name == service).then_some("true")] {
                        (shell::service(store.services(), name))
                    }
                }
                span.quiet { "the last " (SHOWN.as_secs() / 60) " minutes" }
            }
            div.charts {
                figure {
                    figcaption { "Requests" b #requests-per-second { (format::number(lately)) "/s" }
                        span.quiet #requests { (format::number(all.requests as f64)) " in all" } }
                    (chart::lines("Requests a second",
                        &[Line { class: "requests", values: full.iter().map(per_second).collect() }],
                        |value| format!("{}/s", format::number(value))))
                }
                figure {
                    figcaption { "Errors" b { (format::percent(all.error_rate())) }
                        span.quiet { (format::number(all.errors as f64)) " in all" } }
                    (chart::lines("Share of requests that failed",
                        &[Line { class: "errors", values: slots.iter()
                            .map(|slot| (slot.requests > 0).then(|| slot.error_rate())).collect() }],
                        format::percent))
                }
                figure {
                    figcaption { "Latency"
                        span.p50 { "p50 " b { (shown(0.5)) } } span.p95 { "p95 " b { (shown(0.95)) } } span.p99 { "p99 " b { (shown(0.99)) } } }
                    (chart::lines("Latency: p50, p95 and p99", &[percentile(0.99), percentile(0.95), percentile(0.5)],
                        format::duration))
                }
            }
        }
    }
}

fn refused(store: &Store) -> Markup {
    html! {
        @if let Some(last) = store.refused.front() {
            p.notice.bad { "Something came that is not shown: " (format::short(last, 300)) }
        }
    }
}

fn who_calls_whom(store: &Store, calls: &[Call]) -> Markup {
    html! {
        section {
            h2 { "Who calls whom" }
            table {
                thead { tr { th { "Caller" } th {} th { "Called" } th.number { "Calls" } th.number { "Errors" } th.number { "p95" } } }
                tbody {
                    @for call in calls {
                        tr {
                            td { (shell::service(store.services(), &call.caller)) }
                            td.quiet { "→" }
                            td { (shell::service(store.services(), &call.callee)) }
                            td.number { (format::number(call.per_second)) "/s" }
                            td.number.bad[call.error_rate > 0.0] { (format::percent(call.error_rate)) }
                            td.number { (format::duration(call.p95_ms * 1e6)) }
                        }
                    }
                }
            }
        }
    }
}

/// By the CLIENT spans of the newest traces: the service whose SERVER span is the child, else the database or the host.
fn calls(store: &Store, now: u64) -> Vec<Call> {
    let since = now.saturating_sub(SHOWN.as_nanos() as u64);
    let mut found: BTreeMap<(String, String), (u64, u64, Vec<u64>)> = BTreeMap::new();
    let mut earliest = now;
    for trace in store.traces(u64::MAX).take(MOST_TRACES).take_while(|trace| trace.updated >= since) {
        let spans = trace.spans();
        earliest = earliest.min(trace.updated);
        let children: BTreeMap<&str, &Span> = spans
            .iter()
            .filter(|span| matches!(span.kind, SpanKind::Server | SpanKind::Consumer))
            .filter_map(|span| Some((span.parent_span_id.as_deref()?, span)))
            .collect();
        for span in spans.iter().filter(|span| matches!(span.kind, SpanKind::Client | SpanKind::Producer)) {
            let callee = children.get(span.span_id.as_str()).map(|child| child.service());
            let callee = callee.or_else(|| span.attributes.text("db.system.name"));
            let Some(callee) = callee.or_else(|| span.attributes.text("server.address")) else { continue };
            let call = found.entry((span.service().to_owned(), callee.to_owned())).or_default();
            call.0 += 1;
            call.1 += u64::from(span.status == Outcome::Error);
            call.2.push(span.duration());
        }
    }
    let seconds = Duration::from_nanos(now - earliest).as_secs_f64().max(1.0);
    let call = |((caller, callee), (count, failed, mut durations)): (_, (u64, u64, Vec<u64>))| {
        durations.sort_unstable();
        let p95 = durations[(durations.len() * 95).div_ceil(100).saturating_sub(1)];
        Call {
            caller,
            callee,
            per_second: count as f64 / seconds,
            error_rate: failed as f64 / count as f64,
            p95_ms: p95 as f64 / 1e6,
        }
    };
    found.into_iter().map(call).collect()
}

fn one_monitor(monitor: &Monitor, now: u64) -> Markup {
    let definition = match &monitor.definition {
        Ok(definition) => definition,
        Err(why) => return html! { div.monitor { p { code { (monitor.file()) } } p.bad { (why) } } },
    };
    let window = humantime::format_duration(definition.window);
    html! {
        div.monitor {
            p {
                (state(monitor.state)) " " strong { (definition.service) } ": "
                (format::percent(monitor.error_rate)) " of " (monitor.requests) " requests in the last " (window)
                " failed; the threshold is " (format::percent(definition.threshold))
            }
            @if monitor.state == monitor::State::NoData {
                p.quiet { "It judges from " (definition.min_requests) " requests on." }
            }
            @if !monitor.history.is_empty() {
                ol.history {
                    @for change in monitor.history.iter().take(6) {
                        li {
                            (state(change.state)) " " (format::time(change.at)) " "
                            span.quiet { (format::ago(change.at, now)) } " at " (format::percent(change.error_rate))
                            @if let (Some(id), monitor::State::Firing) = (&change.trace_id, change.state) {
                                " " a href={ "/traces/" (id) } { "a trace" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn state(state: monitor::State) -> Markup {
    html! {
        @match state {
            monitor::State::NoData => span.mark.quiet { "no data" },
            monitor::State::Ok => span.mark.good { "ok" },
            monitor::State::Firing => span.mark.bad { "firing" },
        }
    }
}

fn monitor_json(monitor: &Monitor) -> serde_json::Value {
    json!({
        "file": monitor.file(),
        "service": monitor.definition.as_ref().ok().map(|definition| &definition.service),
        "wrong": monitor.definition.as_ref().err(),
        "state": monitor.state,
        "error_rate": monitor.error_rate,
        "requests": monitor.requests,
        "history": monitor.history,
    })
}

fn slot_json(slot: &Slot) -> serde_json::Value {
    let ms = |share| slot.percentile(share).map(|nanoseconds| nanoseconds / 1e6);
    json!({
        "requests": slot.requests, "errors": slot.errors,
        "p50_ms": ms(0.5), "p95_ms": ms(0.95), "p99_ms": ms(0.99),
    })
}

/// For a query or a path.
pub(super) fn urlencoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

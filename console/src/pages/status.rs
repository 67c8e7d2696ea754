//! What the console has received, refused, kept and dropped.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::html;
use serde::Serialize;

use super::format;
use crate::page::{Content, Context, Preferences, View};
use crate::store::{Refusal, SignalState, Store};
use crate::{Console, Lang};
use otlp::Signal;
use otlp::model::now;

/// The state of the console for each signal.
#[derive(Serialize)]
pub(super) struct Status {
    /// Number of bytes that telemetry uses, and the limit.
    memory: usize,
    memory_limit: usize,
    traces: SignalState,
    metrics: SignalState,
    logs: SignalState,
    /// Failed requests that are in no error group, because too many failed at one time.
    failures_not_counted: u64,
    /// The refusals, newest first.
    refused: Vec<Refusal>,
    #[serde(skip)]
    now: u64,
}

/// `GET /self`
pub(super) async fn page(State(console): State<Arc<Console>>, preferences: Preferences) -> Response {
    let now = now();
    console.respond(preferences, console.read(|store| Status::new(store, now)))
}

impl Status {
    pub(super) fn new(store: &Store, now: u64) -> Self {
        let [(_, traces), (_, metrics), (_, logs)] = store.signals();
        Self {
            memory: traces.memory + metrics.memory + logs.memory,
            memory_limit: store.memory_limit(),
            traces,
            metrics,
            logs,
            failures_not_counted: store.gone.failures,
            refused: store.refused.iter().cloned().collect(),
            now,
        }
    }
}

fn name(lang: Lang, signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => lang.tr("Spans"),
        Signal::Metrics => lang.tr("Data points"),
        Signal::Logs => lang.tr("Log records"),
    }
}

impl View for Status {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        let signals =
            [(Signal::Traces, &self.traces), (Signal::Metrics, &self.metrics), (Signal::Logs, &self.logs)];
        let count = |n: u64| format::number(n as f64);
        let bytes = |n: usize| format::bytes(n as f64);
        Content {
            link: "/self",
            title: lang.tr("The console itself").to_owned(),
            fixed: html! {},
            live: html! {
                p { (lang.trf("{used} of {limit} in use", &[("used", &bytes(self.memory)), ("limit", &bytes(self.memory_limit))])) }
                div.scroll tabindex="0" { table {
                    thead { tr {
                        th {} th.number { (lang.tr("Received")) } th.number { (lang.tr("Rejected")) } th.number { (lang.tr("Received twice")) }
                        th.number { (lang.tr("Refused requests")) } th.number { (lang.tr("Kept")) }
                        th.number { (lang.tr("Dropped to make room")) } th.number { (lang.tr("Memory")) }
                    } }
                    tbody {
                        @for (signal, state) in signals {
                            tr {
                                td { (name(lang, signal)) }
                                td.number { (count(state.counts.received)) }
                                td.number { (count(state.counts.rejected)) }
                                td.number { (count(state.counts.duplicates)) }
                                td.number { (count(state.counts.refused_requests)) }
                                td.number { (count(state.kept)) }
                                td.number { (count(state.evicted)) }
                                td.number { (bytes(state.memory)) }
                            }
                        }
                    }
                } }
                p { a href="/save" download="" { (lang.tr("Save all traces and log records")) } }
                @if self.failures_not_counted > 0 {
                    p.notice { (lang.plural(self.failures_not_counted,
                        "{n} failed request is not among the errors: too many failed at one time.",
                        "{n} failed requests are not among the errors: too many failed at one time.")) }
                }
                h2 { (lang.tr("Latest refusals")) }
                @if self.refused.is_empty() { p.quiet { (lang.tr("none")) } }
                ul.plain {
                    @for refusal in &self.refused {
                        li { (format::date(refusal.at)) " (" (format::ago(lang, refusal.at, self.now)) "): " (refusal.reason) }
                    }
                }
            },
        }
    }
}

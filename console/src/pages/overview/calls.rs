//! Which service calls which, from the spans of the newest traces.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use maud::{Markup, html};
use serde::Serialize;

use super::recent::Recent;
use crate::page::Context;
use crate::pages::format;
use crate::store::{Store, cut};
use otlp::model::{Span, SpanKind, StatusCode as Outcome};

/// Exporters send every 5 s by default. A trace to which nothing was added for twice that long is complete.
const SETTLE_WINDOW: Duration = Duration::from_secs(10);
/// Maximum number of service pairs to show.
const MAX_CALLS: usize = 200;
/// Maximum number of bytes of the name of a called service.
const MAX_CALLEE: usize = 255;

/// Calls of one service by another.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Call {
    caller: String,
    callee: String,
    per_second: f64,
    error_rate: f64,
    p95_ms: f64,
}

impl Call {
    /// Computed from the CLIENT spans of the newest traces. The callee is the service whose SERVER span is
    /// the child, otherwise the database, otherwise the host: a child may come later than the span, so that a
    /// host is named only once the trace is complete.
    pub(super) fn all(recent: &Recent<'_>, now: u64) -> Vec<Call> {
        let mut found: BTreeMap<[String; 2], (u64, Vec<u64>)> = BTreeMap::new();
        for trace in &recent.traces {
            let spans = trace.spans();
            let is_settled = trace.updated.saturating_add(SETTLE_WINDOW.as_nanos() as u64) <= now;
            let children: BTreeMap<&str, &Arc<Span>> = spans
                .iter()
                .filter(|span| matches!(span.kind, SpanKind::Server | SpanKind::Consumer))
                .filter_map(|span| Some((span.parent_span_id.as_deref()?, span)))
                .collect();
            for span in spans.iter().filter(|span| matches!(span.kind, SpanKind::Client | SpanKind::Producer))
            {
                let callee = children.get(span.span_id.as_str()).map(|child| child.service());
                let callee = callee.or_else(|| span.attributes.text("db.system.name"));
                let host = || span.attributes.text("server.address").filter(|_| is_settled);
                let Some(callee) = callee.or_else(host) else { continue };
                let key = [span.service(), cut(callee, MAX_CALLEE)].map(str::to_owned);
                if found.len() >= MAX_CALLS && !found.contains_key(&key) {
                    continue;
                }
                let call = found.entry(key).or_default();
                call.0 += u64::from(span.status == Outcome::Error);
                call.1.push(span.duration());
            }
        }
        let call = |([caller, callee], (failed, durations)): ([String; 2], (u64, Vec<u64>))| Call {
            caller,
            callee,
            per_second: durations.len() as f64 / recent.seconds,
            error_rate: failed as f64 / durations.len() as f64,
            p95_ms: super::recent::p95(durations) as f64 / 1e6,
        };
        found.into_iter().map(call).collect()
    }
}

/// The service that requests reach first: one that no other service calls.
pub(super) fn entry(store: &Store, calls: &[Call]) -> Option<String> {
    let served: Vec<&String> = store.services().iter().filter(|s| store.rates.contains_key(*s)).collect();
    let is_called = |service: &String| {
        calls.iter().any(|call| call.callee == *service && store.rates.contains_key(&call.caller))
    };
    served.iter().find(|service| !is_called(service)).or(served.first()).map(|service| (*service).clone())
}

pub(super) fn table(context: &Context, calls: &[Call]) -> Markup {
    let lang = context.lang;
    html! {
        section {
            h2 { (lang.tr("Calls between services")) }
            div.scroll { table {
                thead { tr {
                    th { (lang.tr("Caller")) } th {} th { (lang.tr("Called")) } th.number { (lang.tr("Calls")) }
                    th.number { (lang.tr("Errors")) } th.number { "p95" }
                } }
                tbody {
                    @for call in calls {
                        tr {
                            td { (context.service(&call.caller)) }
                            td.quiet { "→" }
                            td { (context.service(&call.callee)) }
                            td.number { (format::number(call.per_second)) "/s" }
                            td.number.bad[call.error_rate > 0.0] { (format::percent(call.error_rate)) }
                            td.number { (format::duration(call.p95_ms * 1e6)) }
                        }
                    }
                }
            } }
        }
    }
}

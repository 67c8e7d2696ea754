//! Which service calls which, from the spans of the newest traces.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use maud::{Markup, html};
use serde::Serialize;

use super::CHART_WINDOW;
use crate::page::Context;
use crate::pages::format;
use crate::store::{Store, cut};
use otlp::model::{Span, SpanKind, StatusCode as Outcome};

/// Maximum number of traces to search.
const MAX_TRACES: usize = 2_000;

/// Maximum number of spans to search.
const MAX_SPANS: usize = 50_000;
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
    /// the child, otherwise the database or the host.
    pub(super) fn all(store: &Store, now: u64) -> Vec<Call> {
        let since = now.saturating_sub(CHART_WINDOW.as_nanos() as u64);
        let mut found: BTreeMap<[String; 2], (u64, u64, Vec<u64>)> = BTreeMap::new();
        let (mut earliest, mut seen) = (now, 0);
        for trace in store.traces(u64::MAX).take(MAX_TRACES).take_while(|trace| trace.updated >= since) {
            let spans = trace.spans();
            if seen >= MAX_SPANS {
                break;
            }
            seen += spans.len();
            earliest = earliest.min(trace.updated);
            let children: BTreeMap<&str, &Arc<Span>> = spans
                .iter()
                .filter(|span| matches!(span.kind, SpanKind::Server | SpanKind::Consumer))
                .filter_map(|span| Some((span.parent_span_id.as_deref()?, span)))
                .collect();
            for span in spans.iter().filter(|span| matches!(span.kind, SpanKind::Client | SpanKind::Producer))
            {
                let callee = children.get(span.span_id.as_str()).map(|child| child.service());
                let callee = callee.or_else(|| span.attributes.text("db.system.name"));
                let Some(callee) = callee.or_else(|| span.attributes.text("server.address")) else {
                    continue;
                };
                let key = [span.service(), cut(callee, MAX_CALLEE)].map(str::to_owned);
                if found.len() >= MAX_CALLS && !found.contains_key(&key) {
                    continue;
                }
                let call = found.entry(key).or_default();
                call.0 += 1;
                call.1 += u64::from(span.status == Outcome::Error);
                call.2.push(span.duration());
            }
        }
        let seconds = Duration::from_nanos(now - earliest).as_secs_f64().max(1.0);
        let call =
            |([caller, callee], (count, failed, mut durations)): ([String; 2], (u64, u64, Vec<u64>))| {
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
            table {
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
            }
        }
    }
}

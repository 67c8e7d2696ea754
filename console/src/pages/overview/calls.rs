//! Which service calls which, from the spans of the newest traces.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use maud::{Markup, html};
use serde::Serialize;

use super::recent::Recent;
use crate::page::Context;
use crate::pages::format::{self, address};
use crate::store::{Store, StoredTrace, cut};
use otlp::model::{Span, SpanKind, StatusCode as Outcome};

/// Exporters send every 5 s by default. A trace to which nothing was added for twice that long is complete.
const SETTLE_WINDOW: Duration = Duration::from_secs(10);
/// Maximum number of service pairs to show.
const MAX_CALLS: usize = 200;
/// Maximum number of bytes of the name of a called service.
const MAX_CALLEE: usize = 255;

/// Calls of one service by another.
#[derive(Debug, Clone, Serialize)]
pub(in crate::pages) struct Call {
    pub(in crate::pages) caller: String,
    pub(in crate::pages) callee: String,
    pub(in crate::pages) count: u64,
    pub(in crate::pages) errors: u64,
    pub(in crate::pages) per_second: f64,
    pub(in crate::pages) error_rate: f64,
    pub(in crate::pages) p95_ms: f64,
}

/// The calls between all services.
pub(in crate::pages) struct Calls {
    pub(in crate::pages) all: Vec<Call>,
    /// The number of calls between pairs of services that are not among them.
    pub(in crate::pages) left_out: u64,
}

/// One call.
pub(in crate::pages) struct CallSpan<'a> {
    pub(in crate::pages) caller: &'a str,
    pub(in crate::pages) callee: &'a str,
    /// The span that says how long it took, and whether it failed.
    span: &'a Span,
}

impl Calls {
    /// Computed from the newest traces.
    pub(in crate::pages) fn new(recent: &Recent<'_>, now: u64) -> Self {
        let mut found: BTreeMap<[&str; 2], (u64, Vec<u64>)> = BTreeMap::new();
        let mut left_out = 0;
        for call in recent.traces.iter().flat_map(|trace| in_trace(trace, now)) {
            let key = [call.caller, call.callee];
            if found.len() >= MAX_CALLS && !found.contains_key(&key) {
                left_out += 1;
                continue;
            }
            let (failed, durations) = found.entry(key).or_default();
            *failed += u64::from(call.span.status == Outcome::Error);
            durations.push(call.span.duration());
        }
        let all = found.into_iter().map(|([caller, callee], (errors, durations))| Call {
            caller: caller.to_owned(),
            callee: callee.to_owned(),
            count: durations.len() as u64,
            errors,
            per_second: durations.len() as f64 / recent.seconds,
            error_rate: errors as f64 / durations.len() as f64,
            p95_ms: super::recent::p95(durations) as f64 / 1e6,
        });
        Self { all: all.collect(), left_out }
    }
}

impl Call {
    /// The address of the traces with such a call.
    pub(in crate::pages) fn traces(&self) -> String {
        address("/traces", &[("service", &self.caller), ("callee", &self.callee)])
    }
}

/// The calls of a trace, from its CLIENT and PRODUCER spans. The callee is the service whose SERVER or
/// CONSUMER span is the child, otherwise the database, otherwise the host: a child may come later than the
/// span, so that a host is named only once the trace is complete. A caller without CLIENT spans, such as a
/// proxy, calls the services whose SERVER spans are children of its other spans.
pub(in crate::pages) fn in_trace(trace: &StoredTrace, now: u64) -> Vec<CallSpan<'_>> {
    let is_settled = trace.updated.saturating_add(SETTLE_WINDOW.as_nanos() as u64) <= now;
    let is_call = |span: &Span| matches!(span.kind, SpanKind::Client | SpanKind::Producer);
    let served = || {
        let spans = trace.spans().iter().map(|span| &**span);
        let spans = spans.filter(|span| matches!(span.kind, SpanKind::Server | SpanKind::Consumer));
        spans.filter_map(|span| Some((span.parent_span_id.as_deref()?, span)))
    };
    let children: HashMap<&str, &Span> = served().collect();
    let spans: HashMap<&str, &Span> =
        trace.spans().iter().map(|span| (span.span_id.as_str(), &**span)).collect();
    let calls = trace.spans().iter().filter(|span| is_call(span)).filter_map(|span| {
        let callee = children.get(span.span_id.as_str()).map(|child| child.service());
        let callee = callee.or_else(|| span.attributes.text("db.system.name"));
        let host = || span.attributes.text("server.address").filter(|_| is_settled);
        let callee = cut(callee.or_else(host)?, MAX_CALLEE);
        Some(CallSpan { caller: span.service(), callee, span })
    });
    let direct = served().filter_map(|(parent, span)| {
        let parent = spans.get(parent).filter(|parent| !is_call(parent))?;
        let is_other = parent.service() != span.service();
        is_other.then(|| CallSpan { caller: parent.service(), callee: span.service(), span })
    });
    calls.chain(direct).collect()
}

/// The service that requests reach first: one that no other service calls.
pub(super) fn entry(store: &Store, calls: &[Call]) -> Option<String> {
    let served: Vec<&String> = store.services().iter().filter(|s| store.rates.contains_key(*s)).collect();
    let is_called = |service: &String| {
        calls.iter().any(|call| call.callee == *service && store.rates.contains_key(&call.caller))
    };
    served.iter().find(|service| !is_called(service)).or(served.first()).map(|service| (*service).clone())
}

pub(in crate::pages) fn table(context: &Context, calls: &[Call], left_out: u64) -> Markup {
    let lang = context.lang;
    html! {
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
                        td.number { a href=(call.traces()) { (format::number(call.per_second)) "/s" } }
                        td.number.bad[call.errors > 0] { (format::percent(call.error_rate)) }
                        td.number { (format::duration(call.p95_ms * 1e6)) }
                    }
                }
            }
        } }
        @if left_out > 0 {
            p.quiet { (lang.trf("{n} calls between further services are not listed.", &[("n", &left_out)])) }
        }
    }
}

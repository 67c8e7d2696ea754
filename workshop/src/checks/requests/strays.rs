//! Requests that reached the program, but that the check did not send: of a browser, a port scanner, a load
//! balancer, or of the program to itself.
//!
//! The port of the program is open to every process of the machine, so their telemetry is right, and must not
//! make a step fail. But nothing shows who sent a request, and telemetry that is made up must be noticed. So
//! only what cannot be a request of the run is left out:
//!
//! - Its trace is not that of a request of the run, and its path is none that the run requests. A SERVER span
//!   of `/handson` or `/healthz` in another trace is still reported: a span that got the wrong ids, one that
//!   was made twice, or one that no request has caused looks like that.
//! - Its user agent, if it has one, is not that of the check.
//! - It has the form of a SERVER span: method, path, status, and the name that follows from them. A span that
//!   is only given the kind SERVER has none of these.
//! - A series of a metric is left out only if as many of these spans explain its values.
//!
//! A report always names them, as advice.

use std::collections::BTreeSet;

use super::trace_id_of;
use crate::evidence::Run;
use crate::messages::Message;
use crate::text;
use otlp::model::{Attributes, Span, SpanKind, Value};

/// `user_agent.original` of the requests of the check.
const USER_AGENT: &str = "workshop";
/// The paths that the check requests; another one may be in [`Run::exchanges`].
const PATHS: [&str; 2] = ["/handson", "/healthz"];

/// The SERVER spans of requests that the check did not send.
pub(in crate::checks) fn strays(run: &Run) -> Vec<&Span> {
    let servers = run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Server);
    let traces: BTreeSet<&str> = run.exchanges.iter().filter_map(trace_id_of).collect();
    servers.filter(|span| !traces.contains(span.trace_id.as_str()) && is_stray(run, span)).collect()
}

fn is_stray(run: &Run, span: &Span) -> bool {
    let text = |key: &str| span.attributes.text(key);
    let (Some(method), Some(path)) = (text("http.request.method"), text("url.path")) else { return false };
    let route = text("http.route");
    let is_of_the_run =
        |path: &str| PATHS.contains(&path) || run.exchanges.iter().any(|exchange| exchange.path == path);
    let is_named = match route {
        Some(route) => span.name == format!("{method} {route}"),
        // The conventions replace a method that is not known.
        None => span.name == method || (method == "_OTHER" && span.name == "HTTP"),
    };
    let status = span.attributes.int("http.response.status_code");
    is_named
        && !is_of_the_run(path)
        && !route.is_some_and(is_of_the_run)
        && text("user_agent.original") != Some(USER_AGENT)
        && status.is_some_and(|status| (100..600).contains(&status))
        && run.started <= span.start
        && span.start <= span.end
        && span.end <= run.ended
        // A caller of the run is the parent of its own request only.
        && !run.exchanges.iter().any(|exchange| {
            exchange.parent.as_ref().map(|parent| &parent.span_id) == span.parent_span_id.as_ref()
                && exchange.parent.is_some()
        })
}

/// Whether the values of a series are those of strays: the same method, route and status, as often.
pub(in crate::checks) fn are_values_of_strays(strays: &[&Span], attributes: &Attributes, count: u64) -> bool {
    let keys = ["http.request.method", "http.route", "http.response.status_code"];
    let is_same = |span: &&&Span| keys.iter().all(|key| span.attributes.get(key) == attributes.get(key));
    count > 0 && u64::try_from(strays.iter().filter(is_same).count()) == Ok(count)
}

/// The methods of the requests that the check did not send.
pub(in crate::checks) fn methods_of_strays(run: &Run) -> Vec<Value> {
    strays(run).iter().filter_map(|span| span.attributes.get("http.request.method").cloned()).collect()
}

/// Names the requests that the check did not send.
pub(in crate::checks) fn advice_about_strays(runs: [&Run; 2]) -> Option<Message> {
    let all: Vec<&Span> = runs.into_iter().flat_map(strays).collect();
    let first = all.first()?;
    Some(text!(
        "{count} SERVER spans are not of requests of this check, such as {name} for the path {path}: they are left out. Does a browser, a \
         scanner or the program itself send requests to its port?",
        count = all.len(),
        name = &first.name,
        path = first.attributes.text("url.path").unwrap_or_default()
    ))
}

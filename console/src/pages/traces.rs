//! The list of traces.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::format;
use super::overview::calls;
use super::parameter::InvalidParameter;
use crate::lang::tr_noop;
use crate::page::{Content, Context, Preferences, View};
use crate::search::Search;
use crate::store::{StoredTrace, root};
use crate::{Console, Lang};
use otlp::model::{Span, StatusCode as Outcome, now};

/// Number of rows on a page.
const ROWS: usize = 50;
/// Maximum number of services that a row names.
const MAX_SERVICES_IN_ROW: usize = 8;

/// The filters of the list. A trace is shown if one of its spans matches.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    service: String,
    /// A service, a database or a host that the service calls.
    callee: String,
    name: String,
    status: String,
    min: String,
    max: String,
    q: String,
    before: Option<u64>,
}

struct Filter {
    now: u64,
    parameters: Parameters,
    min: Option<Duration>,
    max: Option<Duration>,
    search: Search,
}

impl Filter {
    fn new(parameters: Parameters, now: u64) -> Result<Self, InvalidParameter> {
        if !["", "ok", "error"].contains(&parameters.status.as_str()) {
            return Err(InvalidParameter::new("status", &parameters.status, tr_noop("ok or error")));
        }
        let duration = |name, text: &str| match humantime::parse_duration(text.trim()) {
            _ if text.trim().is_empty() => Ok(None),
            Ok(duration) => Ok(Some(duration)),
            Err(_) => Err(InvalidParameter::new(name, text, tr_noop("a duration, such as 100ms or 2s"))),
        };
        let (min, max) = (duration("min", &parameters.min)?, duration("max", &parameters.max)?);
        Ok(Self { now, min, max, search: Search::parse(&parameters.q), parameters })
    }

    fn matches(&self, trace: &StoredTrace) -> bool {
        let duration = Duration::from_nanos(trace.duration());
        let name = self.parameters.name.to_lowercase();
        let matches_span = |span: &Arc<Span>| {
            (self.parameters.service.is_empty() || span.service() == self.parameters.service)
                && (name.is_empty() || span.name.to_lowercase().contains(&name))
                && self.search.finds_span(span)
        };
        self.min.is_none_or(|min| duration >= min)
            && self.max.is_none_or(|max| duration <= max)
            && match self.parameters.status.as_str() {
                "error" => trace.failed(),
                "ok" => !trace.failed(),
                _ => true,
            }
            && trace.spans().iter().any(matches_span)
            && (self.parameters.callee.is_empty() || self.has_call(trace))
    }

    /// Whether the trace has a call of `callee`, by the service if one is chosen.
    fn has_call(&self, trace: &StoredTrace) -> bool {
        let Parameters { service, callee, .. } = &self.parameters;
        calls::in_trace(trace, self.now)
            .iter()
            .any(|call| call.callee == callee && (service.is_empty() || call.caller == service))
    }
}

/// The newest traces that match.
#[derive(Serialize)]
pub(super) struct Traces {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<InvalidParameter>,
    traces: Vec<Row>,
    #[serde(skip)]
    parameters: Parameters,
    /// Whether there are traces, matching or not.
    #[serde(skip)]
    any: bool,
    /// If there are older traces that match: the arrival before which they are found.
    #[serde(skip)]
    older: Option<u64>,
    #[serde(skip)]
    now: u64,
}

#[derive(Serialize)]
struct Row {
    trace_id: String,
    name: String,
    services: Vec<String>,
    spans: usize,
    errors: usize,
    /// A string, because OTLP/JSON writes 64-bit integers as strings.
    #[serde(serialize_with = "text")]
    start_unix_nano: u64,
    duration_ms: f64,
    #[serde(skip)]
    arrival: u64,
}

fn text<S: serde::Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// `GET /traces?service=&callee=&name=&status=ok|error&min=&max=&q=`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    console.respond(preferences, Traces::new(&console, parameters, now()))
}

impl Traces {
    pub(super) fn new(console: &Console, parameters: Parameters, now: u64) -> Self {
        let filter = Filter::new(parameters.clone(), now);
        let before = parameters.before.unwrap_or(u64::MAX);
        let mut traces = match &filter {
            Ok(filter) => {
                console.find_traces(before, ROWS + 1, |trace| filter.matches(trace).then(|| Row::new(trace)))
            }
            Err(_) => Vec::new(),
        };
        let is_more = traces.len() > ROWS;
        traces.truncate(ROWS);
        Self {
            error: filter.err(),
            older: traces.last().filter(|_| is_more).map(|last| last.arrival),
            any: console.read(|store| store.count_traces() > 0),
            traces,
            parameters,
            now,
        }
    }
}

impl Row {
    fn new(trace: &StoredTrace) -> Self {
        let root = root(trace.spans());
        let mut services: Vec<String> = Vec::new();
        for span in trace.spans() {
            let service = span.service();
            if services.len() < MAX_SERVICES_IN_ROW && !services.iter().any(|known| known == service) {
                services.push(service.to_owned());
            }
        }
        Self {
            trace_id: trace.id.clone(),
            name: root.map_or(String::new(), |span| span.name.clone()),
            services,
            spans: trace.spans().len(),
            errors: trace.spans().iter().filter(|span| span.status == Outcome::Error).count(),
            start_unix_nano: root.map_or(0, |span| span.start),
            duration_ms: trace.duration() as f64 / 1e6,
            arrival: trace.arrival,
        }
    }
}

impl View for Traces {
    fn html(&self, context: &Context) -> Content {
        let (lang, parameters) = (context.lang, &self.parameters);
        Content {
            link: "/traces",
            title: lang.tr("Traces").to_owned(),
            fixed: form(context, parameters),
            live: html! {
                @if let Some(error) = &self.error { p.notice.bad { (error.text(lang)) } }
                @else if !self.traces.is_empty() { (table(context, &self.traces, self.now)) }
                @else if self.any { p.quiet { (lang.tr("No trace matches.")) " " a href="/traces" { (lang.tr("Show all")) } } }
                @else { (context.nothing_yet(lang.tr("No traces yet."))) }
                @if let Some(older) = self.older {
                    p { a href=(format::address("/traces", &[
                        ("service", &parameters.service), ("callee", &parameters.callee), ("name", &parameters.name), ("status", &parameters.status),
                        ("min", &parameters.min), ("max", &parameters.max), ("q", &parameters.q),
                        ("before", &older.to_string()),
                    ])) { (lang.tr("Older traces")) } }
                }
            },
        }
    }

    fn status(&self) -> StatusCode {
        if self.error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }
}

fn form(context: &Context, parameters: &Parameters) -> Markup {
    let lang = context.lang;
    html! {
        form.filter action="/traces" role="search" {
            (context.choose_service(&parameters.service))
            @if !parameters.callee.is_empty() {
                label { (lang.tr("Called")) input name="callee" value=(parameters.callee) size="14"; }
            }
            label { (lang.tr("Span name")) input name="name" value=(parameters.name) size="14"; }
            label { (lang.tr("Status")) select name="status" {
                @for (value, text) in [("", lang.tr("any")), ("ok", "ok"), ("error", lang.tr("error"))] {
                    option value=(value) selected[value == parameters.status] { (text) }
                }
            } }
            label { (lang.tr("Min. duration")) input name="min" value=(parameters.min) size="6" placeholder="100ms"; }
            label { (lang.tr("Max. duration")) input name="max" value=(parameters.max) size="6" placeholder="2s"; }
            label.wide { (lang.tr("Words and key=value")) input #search type="search" name="q" value=(parameters.q)
                placeholder="http.response.status_code=500"; }
            button { (lang.tr("Filter")) }
        }
    }
}

fn table(context: &Context, traces: &[Row], now: u64) -> Markup {
    let lang: Lang = context.lang;
    html! {
        div.scroll { table {
            thead { tr {
                th { (lang.tr("Time (UTC)")) } th { (lang.tr("Trace")) } th.minor { (lang.tr("Services")) }
                th.number.minor { (lang.tr("Spans")) } th.number { (lang.tr("Duration")) } th { (lang.tr("Status")) }
            } }
            tbody {
                @for trace in traces {
                    tr {
                        td title=(format::ago(lang, trace.start_unix_nano, now)) { (format::time(trace.start_unix_nano)) }
                        td { a.row href={ "/traces/" (trace.trace_id) } {
                            (format::short(&trace.name, 80)) " " code.quiet { (format::short(&trace.trace_id, 8)) }
                        } }
                        td.minor { @for name in &trace.services { (context.service(name)) " " } }
                        td.number.minor { (trace.spans) }
                        td.number { (format::duration(trace.duration_ms * 1e6)) }
                        td { @if trace.errors > 0 { span.mark.bad { (lang.tr("error")) } } @else { span.quiet { "ok" } } }
                    }
                }
            }
        } }
    }
}

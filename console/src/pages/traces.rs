//! The list of traces.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::format;
use super::overview::calls;
use super::parameter::InvalidParameter;
use crate::page::{Content, Context, Preferences, View};
use crate::search::{Search, Target, with_terms};
use crate::store::{Store, StoredTrace, root};
use crate::{Console, Lang, TimeRange};
use otlp::model::{StatusCode as Outcome, now};

/// Number of rows on a page.
const ROWS: usize = 50;
/// Maximum number of services that a row names.
const MAX_SERVICES_IN_ROW: usize = 8;

/// What is shown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    service: String,
    /// A service, a database or a host that the service calls.
    callee: String,
    /// A search. The next four are shorter forms of some of its terms, for links.
    q: String,
    name: String,
    status: String,
    min: String,
    max: String,
    before: Option<u64>,
}

impl Parameters {
    /// The same with the shorter forms as terms of the search.
    fn with_terms(mut self) -> Self {
        let status =
            if self.status == "ok" { ("-status=", "error") } else { ("status=", self.status.as_str()) };
        let (min, max) = (("trace.duration>=", self.min.as_str()), ("trace.duration<=", self.max.as_str()));
        self.q = with_terms(&self.q, &[("name~", &self.name), status, min, max]);
        self
    }

    /// Whether no callee is chosen, or the trace has a call of it, by the service if one is chosen.
    fn has_call(&self, trace: &StoredTrace, now: u64) -> bool {
        let Self { service, callee, .. } = self;
        callee.is_empty()
            || calls::in_trace(trace, now)
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
    /// The number of traces that are not in the list, because only log records of them have arrived.
    #[serde(skip)]
    without_spans: usize,
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

/// `GET /traces?service=&callee=&q=`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    let traces = Traces::new(&console, parameters, &preferences.range, now());
    console.respond(preferences, traces)
}

impl Traces {
    pub(super) fn new(console: &Console, parameters: Parameters, range: &TimeRange, now: u64) -> Self {
        let parameters = parameters.with_terms();
        let search = Search::parse(&parameters.q, Target::Traces);
        let search = search.map(|search| search.of_service(&parameters.service));
        let before = parameters.before.unwrap_or(u64::MAX);
        let is_in_range = |trace: &StoredTrace| range.is_all() || range.overlaps(trace.start(), trace.end());
        let mut traces = match &search {
            Ok(search) => console.find_traces(before, ROWS + 1, |trace| {
                (is_in_range(trace) && search.finds_trace(trace.spans()) && parameters.has_call(trace, now))
                    .then(|| Row::new(trace))
            }),
            Err(_) => Vec::new(),
        };
        let is_more = traces.len() > ROWS;
        traces.truncate(ROWS);
        Self {
            error: search.err().map(|error| InvalidParameter::in_search(&error)),
            older: traces.last().filter(|_| is_more).map(|last| last.arrival),
            any: console.read(|store| store.count_traces() > 0),
            without_spans: console.read(Store::count_traces_without_spans),
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
            fixed: html! { (context.choose_range("all")) (form(context, parameters)) },
            live: html! {
                @if let Some(error) = &self.error { p.notice.bad { (error.text(lang)) } }
                @else if !self.traces.is_empty() { (table(context, &self.traces, self.now)) }
                @else if self.any { p.quiet { (lang.tr("No trace matches.")) " " a href="/traces?last=all" { (lang.tr("Show all")) } } }
                @else { (context.nothing_yet(lang.tr("No traces yet."))) }
                @if let Some(older) = self.older {
                    p { a href=(format::address("/traces", &[
                        ("service", &parameters.service), ("callee", &parameters.callee), ("q", &parameters.q),
                        ("before", &older.to_string()),
                    ])) { (lang.tr("Older traces")) } }
                }
                @if self.without_spans > 0 {
                    p { a href="/traces/without-spans" {
                        (lang.plural(self.without_spans as u64, "{n} trace with log records only", "{n} traces with log records only"))
                    } }
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
            (context.search_field("q", &parameters.q, Target::Traces))
            button { (lang.tr("Search")) }
            (context.search_syntax())
        }
    }
}

fn table(context: &Context, traces: &[Row], now: u64) -> Markup {
    let lang: Lang = context.lang;
    html! {
        div.scroll { table {
            thead { tr {
                th { (lang.tr("Time")) " (" span.zone { "UTC" } ")" } th { (lang.tr("Trace")) } th.minor { (lang.tr("Services")) }
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

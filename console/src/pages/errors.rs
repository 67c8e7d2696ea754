//! Failures, in groups.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::chart::{self, Axis};
use super::format;
use super::parameter::InvalidParameter;
use crate::lang::tr_noop;
use crate::page::{Content, Context, NotFound, Preferences, View};
use crate::search::{Search, Target};
use crate::store::{Group, SLOT, Store};
use crate::{Console, Lang, TimeRange};
use otlp::model::now;

/// Number of slots of a sparkline, for ten minutes.
const HISTORY_SLOTS: u64 = 120;

/// A row of the table of groups.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    id: String,
    service: String,
    kind: String,
    message: String,
    count: u64,
    /// The number of failures in the chosen time.
    #[serde(skip_serializing_if = "Option::is_none")]
    count_in_range: Option<u64>,
    /// Whether there may have been more failures in that time.
    #[serde(skip)]
    is_least: bool,
    #[serde(serialize_with = "format::rfc_3339")]
    first: u64,
    #[serde(serialize_with = "format::rfc_3339")]
    last: u64,
    stack: String,
    traces: Vec<String>,
    /// Failures in each slot of 5 s.
    #[serde(skip)]
    history: Vec<u64>,
}

impl Row {
    pub(super) fn new(group: &Group, now: u64) -> Self {
        Self {
            id: group.id.clone(),
            service: group.service.clone(),
            kind: group.kind.clone(),
            message: group.message.clone(),
            count: group.count,
            count_in_range: None,
            is_least: false,
            first: group.first,
            last: group.last,
            stack: group.stack.to_string(),
            traces: group.traces().map(str::to_owned).collect(),
            history: group.history(HISTORY_SLOTS, now),
        }
    }

    /// `None` if the group has no failure in the range.
    pub(super) fn in_range(group: &Group, range: &TimeRange, now: u64) -> Option<Self> {
        let row = Self::new(group, now);
        if !range.is_chosen() {
            return Some(row);
        }
        let (count, is_exact) = group.count_between(range.from, range.to, now);
        let row = Self { count_in_range: Some(count), is_least: !is_exact, ..row };
        (count > 0 || !is_exact).then_some(row)
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    q: String,
    service: String,
}

/// The groups that match.
#[derive(Serialize)]
pub(super) struct Errors {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<InvalidParameter>,
    error_groups: Vec<Row>,
    #[serde(skip)]
    parameters: Parameters,
    /// Whether there are groups, matching or not.
    #[serde(skip)]
    any: bool,
    #[serde(skip)]
    now: u64,
}

/// `GET /errors?q=&service=`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    let now = now();
    let errors = console.read(|store| Errors::new(store, parameters, &preferences.range, now));
    console.respond(preferences, errors)
}

impl Errors {
    pub(super) fn new(store: &Store, parameters: Parameters, range: &TimeRange, now: u64) -> Self {
        let search = Search::parse(&parameters.q, Target::Errors);
        let search = search.map(|search| search.of_service(&parameters.service));
        let groups = store.errors.groups();
        let any = !groups.is_empty();
        let error_groups = match &search {
            Ok(search) => {
                let found = groups.into_iter().filter(|group| search.finds_error(group));
                found.filter_map(|group| Row::in_range(group, range, now)).collect()
            }
            Err(_) => Vec::new(),
        };
        let error = search.err().map(|error| InvalidParameter::in_search(&error));
        Self { error, error_groups, parameters, any, now }
    }
}

impl View for Errors {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        Content {
            link: "/errors",
            title: lang.tr("Errors").to_owned(),
            fixed: html! {
                (context.choose_range("all"))
                form.filter action="/errors" role="search" {
                    (context.choose_service(&self.parameters.service))
                    (context.search_field("q", &self.parameters.q, Target::Errors))
                    button { (lang.tr("Search")) }
                    (context.search_syntax())
                }
            },
            live: html! {
                @if let Some(error) = &self.error { p.notice.bad { (error.text(lang)) } }
                @else if self.error_groups.is_empty() && self.any {
                    p.quiet { (lang.tr("No error matches.")) " " a href="/errors?last=all" { (lang.tr("Show all")) } }
                } @else if self.error_groups.is_empty() {
                    div.empty {
                        p { strong { (lang.tr("No errors yet.")) } }
                        @if let Some(command) = &context.failure_command {
                            p { (lang.tr("This makes half of the requests fail at random:")) }
                            pre { (command) }
                        }
                        p { (lang.tr("Errors are span events named exception, log records with exception.type, and spans of requests, messages and jobs with the status Error that have neither.")) }
                    }
                } @else {
                    p.quiet { (lang.tr("Grouped by service, type and message; # replaces what differs. If a span and a log record report the same failure, it counts once.")) }
                    @if self.error_groups.iter().any(|group| group.is_least) {
                        p.quiet { (lang.tr("Failures are counted by time for 15 minutes: ≥ means that there may have been more in this time.")) }
                    }
                    (table(context, &self.error_groups, self.now))
                }
            },
        }
    }

    fn status(&self) -> StatusCode {
        if self.error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }
}

/// One group.
#[derive(Serialize)]
pub(super) struct ErrorGroup {
    #[serde(flatten)]
    group: Row,
    #[serde(skip)]
    samples: Vec<Sample>,
    #[serde(skip)]
    now: u64,
}

/// A trace in which the failure happened.
struct Sample {
    trace_id: String,
    /// Start and duration in nanoseconds; `None` if the trace is no longer stored.
    times: Option<(u64, u64)>,
}

/// `GET /errors/{id}`
pub(super) async fn group(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    preferences: Preferences,
) -> Response {
    let now = now();
    match console.read(|store| Some(ErrorGroup::new(store, store.errors.group(&id)?, now))) {
        Some(group) => console.respond(preferences, group),
        None => {
            let view = NotFound {
                error: "error group not found".to_owned(),
                link: "/errors",
                title: tr_noop("Error group not found"),
                all: tr_noop("All errors"),
            };
            console.respond(preferences, view)
        }
    }
}

impl ErrorGroup {
    pub(super) fn new(store: &Store, group: &Group, now: u64) -> Self {
        let sample = |id: &str| Sample {
            trace_id: id.to_owned(),
            times: store.trace(id).map(|trace| (trace.root().map_or(0, |root| root.start), trace.duration())),
        };
        Self { group: Row::new(group, now), samples: group.traces().map(sample).collect(), now }
    }
}

impl View for ErrorGroup {
    fn html(&self, context: &Context) -> Content {
        let (lang, group) = (context.lang, &self.group);
        let minutes = HISTORY_SLOTS * SLOT.as_secs() / 60;
        Content {
            link: "/errors",
            title: format::short(&group.kind, 100),
            fixed: html! {},
            live: html! {
                p { (context.service(&group.service)) " " (group.message) }
                p.facts {
                    span { b { (lang.plural(group.count, "{n} time", "{n} times")) } }
                    span { (lang.tr("first")) " " (format::date(group.first)) }
                    span { (lang.tr("last")) " " (format::date(group.last)) " (" (format::ago(lang, group.last, self.now)) ")" }
                }
                figure.wide {
                    figcaption { (lang.trf("Failures in the last {n} minutes", &[("n", &minutes)])) }
                    div.linked.whole {
                        (chart::spark(lang.tr("Failures over time"), &group.history))
                        (chart::links(&history_axis(self.now), lang.tr("Traces of this time"), &[("service", &group.service), ("status", "error")]))
                    }
                }
                h2 { (lang.tr("Stack trace")) }
                @if group.stack.is_empty() {
                    p.quiet { (lang.tr("None was recorded: exception.stacktrace is missing.")) }
                } @else { pre.stack { (group.stack) } }
                h2 { (lang.tr("Latest traces")) }
                ul.plain {
                    @for sample in &self.samples {
                        li {
                            a.row href={ "/traces/" (sample.trace_id) } { code { (format::short(&sample.trace_id, 32)) } }
                            @match sample.times {
                                Some((start, duration)) => { " " (format::time(start)) " " (format::duration(duration as f64)) }
                                None => span.quiet { " " (lang.tr("dropped to make room, or not received")) },
                            }
                        }
                    }
                }
            },
        }
    }
}

/// The time of a sparkline.
fn history_axis(now: u64) -> Axis {
    let slot = SLOT.as_nanos() as u64;
    let to = (now / slot + 1) * slot;
    Axis { from: to.saturating_sub(HISTORY_SLOTS * slot), to, max_gap: 0, from_zero: true }
}

pub(super) fn table(context: &Context, groups: &[Row], now: u64) -> Markup {
    let lang: Lang = context.lang;
    html! {
        div.scroll { table {
            thead { tr {
                th { (lang.tr("Error")) } th { (lang.tr("Service")) } th.number { (lang.tr("Count")) }
                th.minor { (lang.tr("Last 10 minutes")) } th { (lang.tr("Last seen")) } th.minor { (lang.tr("First seen")) }
            } }
            tbody {
                @for group in groups {
                    tr {
                        td { a.row href={ "/errors/" (group.id) } { strong { (format::short(&group.kind, 60)) } }
                            " " (format::short(&group.message, 120)) }
                        td { (context.service(&group.service)) }
                        td.number { @if group.is_least { "≥ " } (format::number(group.count_in_range.unwrap_or(group.count) as f64)) }
                        td.minor { (chart::spark(lang.tr("Failures over time"), &group.history)) }
                        td { (format::ago(lang, group.last, now)) }
                        td.minor { (format::ago(lang, group.first, now)) }
                    }
                }
            }
        } }
    }
}

//! The page of log records, with live updates and search.

mod around;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize, Serializer};

use super::parameter::InvalidParameter;
use super::{format, trace};
use crate::lang::{Lang, tr_noop};
use crate::page::{Content, Context, NotFound, Preferences, View};
use crate::search::{LEVELS, Search, Target, with_terms};
use crate::store::{Line, Position};
use crate::{Console, LINES_SCOPE, TimeRange};
use around::Around;
use otlp::model::{LogRecord, otlp_json};

/// Number of rows on a page.
const ROWS: usize = 100;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    q: String,
    /// A shorter form of `level>=…` in the search, for links.
    level: String,
    service: String,
    /// A position, as `TIME-ARRIVAL`.
    before: String,
    /// The position of a record: the page shows what its service logged before and after it.
    around: String,
}

impl Parameters {
    /// The same with the level as a term of the search.
    fn with_terms(mut self) -> Self {
        self.q = with_terms(&self.q, &[("level>=", &self.level)]);
        self
    }
}

/// The newest log records that match.
pub(super) struct Logs {
    error: Option<InvalidParameter>,
    lines: Vec<Line>,
    parameters: Parameters,
    /// Whether there are log records, matching or not.
    any: bool,
    /// If there are older records that match: the position before which they are found.
    older: Option<Position>,
}

/// `GET /logs?q=&service=`, `/logs?around=`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    if let Some(position) = position(&parameters.around).filter(|_| !parameters.around.is_empty()) {
        return match Around::new(&console, position) {
            Some(around) => console.respond(preferences, around),
            None => {
                let view = NotFound {
                    error: "the log record is not stored".to_owned(),
                    link: "/logs",
                    title: tr_noop("Log record not found"),
                    all: tr_noop("All log records"),
                };
                console.respond(preferences, view)
            }
        };
    }
    let logs = Logs::new(&console, parameters, &preferences.range);
    console.respond(preferences, logs)
}

impl Logs {
    pub(super) fn new(console: &Console, parameters: Parameters, range: &TimeRange) -> Self {
        let parameters = parameters.with_terms();
        let before = position(&parameters.before);
        let search = Search::parse(&parameters.q, Target::Logs);
        let search = search.map(|search| search.of_service(&parameters.service));
        let error = match &search {
            Err(error) => Some(InvalidParameter::in_search(error)),
            Ok(_) if before.is_none() => {
                let expected = tr_noop("the value of a link to older log records");
                Some(InvalidParameter::new("before", &parameters.before, expected))
            }
            Ok(_) if position(&parameters.around).is_none() => {
                let expected = tr_noop("the value of a link of a log record");
                Some(InvalidParameter::new("around", &parameters.around, expected))
            }
            Ok(_) => None,
        };
        let mut lines = match (&search, &error, before) {
            (Ok(search), None, Some(before)) => {
                let end = if range.to == u64::MAX { Position::END } else { Position::from_time(range.to) };
                let matches = |record: &LogRecord| search.finds_log_record(record);
                console.find_log_records(before.min(end), range.from, ROWS + 1, matches)
            }
            _ => Vec::new(),
        };
        let is_more = lines.len() > ROWS;
        lines.truncate(ROWS);
        Self {
            error,
            older: lines.last().filter(|_| is_more).map(|last| last.position),
            any: console.read(|store| store.log_records(Position::END).next().is_some()),
            lines,
            parameters,
        }
    }
}

impl Serialize for Logs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.error {
            Some(error) => trace::ErrorJson { error }.serialize(serializer),
            None => serialize(&self.lines, serializer),
        }
    }
}

/// The records as OTLP/JSON.
fn serialize<S: Serializer>(lines: &[Line], serializer: S) -> Result<S::Ok, S::Error> {
    let records: Vec<&Arc<LogRecord>> = lines.iter().map(|line| &line.record).collect();
    otlp_json::log_records(&records).serialize(serializer)
}

impl View for Logs {
    fn html(&self, context: &Context) -> Content {
        let (lang, parameters) = (context.lang, &self.parameters);
        Content {
            link: "/logs",
            title: lang.tr("Logs").to_owned(),
            fixed: html! { (context.choose_range("all")) (form(context, parameters)) },
            live: html! {
                @if let Some(error) = &self.error { p.notice.bad { (error.text(lang)) } }
                @else if !self.lines.is_empty() {
                    @if self.lines.iter().any(is_of_output) { (about_output(lang)) }
                    div data-still="" { (table(context, &self.lines, false, None)) }
                }
                @else if self.any { p.quiet { (lang.tr("No log record matches.")) " " a href="/logs?last=all" { (lang.tr("Show all")) } } }
                @else { (context.nothing_yet(lang.tr("No log records yet."))) }
                @if let Some(older) = self.older {
                    p { a href=(format::address("/logs", &[
                        ("q", &parameters.q), ("service", &parameters.service), ("before", &text(older)),
                    ])) { (lang.tr("Older log records")) } }
                }
            },
        }
    }

    fn status(&self) -> StatusCode {
        if self.error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }
}

/// Whether it is a line of a program's output, and did not arrive over OTLP.
fn is_of_output(line: &Line) -> bool {
    line.record.scope.name == LINES_SCOPE
}

fn about_output(lang: Lang) -> Markup {
    html! {
        p.quiet {
            (lang.tr("Records with log.iostream are lines that a service wrote to stdout or stderr, read by cargo workshop up. Once the service sends log records over OTLP, its lines are no longer added."))
        }
    }
}

/// A position in an address.
fn text(position: Position) -> String {
    format!("{}-{}", position.time, position.arrival)
}

/// The position that a link names; the end without one.
fn position(text: &str) -> Option<Position> {
    if text.is_empty() {
        return Some(Position::END);
    }
    let (time, arrival) = text.split_once('-')?;
    Some(Position { time: time.parse().ok()?, arrival: arrival.parse().ok()? })
}

fn form(context: &Context, parameters: &Parameters) -> Markup {
    let lang = context.lang;
    html! {
        form.filter action="/logs" role="search" {
            (context.choose_service(&parameters.service))
            (context.search_field("q", &parameters.q, Target::Logs))
            button { (lang.tr("Search")) }
            (context.search_syntax())
        }
    }
}

/// Rows that open to show their fields. `in_trace`: the page shows the trace to which all of them belong.
/// `chosen`: the one that is marked.
pub(super) fn table(context: &Context, lines: &[Line], in_trace: bool, chosen: Option<Position>) -> Markup {
    let lang = context.lang;
    html! {
        div.lines {
            @for Line { position, record } in lines {
                @let is_chosen = chosen == Some(*position);
                div.line.chosen[is_chosen] id=[is_chosen.then_some("chosen")] aria-current=[is_chosen.then_some("true")] {
                    details data-key=(position.arrival) {
                        summary {
                            (format::time(record.when()))
                            (level(record.severity_number, &record.severity_text))
                            (context.service(record.service()))
                            span.body { (record.body.shortened(300)) span.quiet { (format::short(&fields(record), 160)) } }
                        }
                        @if !record.event_name.is_empty() { p { (lang.tr("Event")) " " code { (format::short(&record.event_name, 200)) } } }
                        (trace::attributes(lang, &record.attributes))
                        h3 { (lang.tr("Resource")) }
                        (trace::attributes(lang, &record.resource))
                        p { a href={ "/logs?around=" (text(*position)) "#chosen" } { (lang.tr("Log records around this one")) } }
                        dl {
                            dt { (lang.tr("time")) } dd { (format::date(record.when())) }
                            dt { (lang.tr("scope")) } dd { (format::short(&record.scope.name, 200)) }
                            @if let Some(trace) = &record.trace_id { dt { (lang.tr("trace")) } dd { a href={ "/traces/" (trace) } { (trace) } } }
                            @if let Some(span) = &record.span_id { dt { (lang.tr("span")) } dd { (span) } }
                        }
                    }
                    // Not in the summary, because a click on that opens the line.
                    @match (&record.trace_id, &record.span_id) {
                        (Some(trace), Some(span)) if in_trace => a.id href={ "/traces/" (trace) "?span=" (span) "#s-" (span) } { (lang.tr("span")) },
                        (Some(trace), _) if !in_trace => a.id href={ "/traces/" (trace) } { (lang.tr("trace")) span.minor { " " (format::short(trace, 8)) } },
                        _ => {}
                    }
                }
            }
        }
    }
}

/// The first fields, which are visible without opening the row.
fn fields(record: &LogRecord) -> String {
    let fields = record.attributes.iter().take(8);
    fields.map(|(key, value)| format!("  {}={}", format::short(key, 60), value.shortened(60))).collect()
}

fn level(number: i32, text: &str) -> Markup {
    let name = LEVELS.iter().rev().find(|(_, least)| number >= *least).map_or("", |(name, _)| name);
    let shown = if text.is_empty() { name.to_uppercase() } else { format::short(text, 8) };
    html! { span.level.(format!("level-{name}")) { (shown) } }
}

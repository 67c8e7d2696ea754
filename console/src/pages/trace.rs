//! The page of one trace, with its waterfall.

mod errors;
mod skew;
mod span;
mod waterfall;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize, Serializer};

use super::parameter::InvalidParameter;
use super::{format, logs};
use crate::page::{Content, Context, Preferences, View};
use crate::search::{Search, Target, TraceSpans};
use crate::store::{Gone, Line, StoredTrace, root};
use crate::{Console, Lang, Store};
use errors::Errors;
use otlp::model::{Span, Trace, otlp_json};
pub(super) use span::attributes;
use waterfall::Waterfall;

/// Maximum number of log records of a trace to show.
const MAX_LINES: usize = 300;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    pub(super) span: Option<String>,
    /// A search: only the spans that match are shown, with their ancestors.
    pub(super) find: String,
}

/// `GET /traces/{id}?span=&find=`; as JSON it is OTLP's `resourceSpans`.
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    let id = id.to_ascii_lowercase();
    let found = console.read(|store| {
        let trace = store.trace(&id)?;
        // OTLP has a separate message for log records, so this JSON does not contain those of a trace.
        let lines = if preferences.json { Vec::new() } else { store.log_records_of(&id) };
        Some(TracePage::new(trace, lines, parameters))
    });
    match found {
        Some(trace) => console.respond(preferences, trace),
        // A browser can wait for the trace, so this is not an error; a program needs a status.
        None => {
            let waits = is_id(&id) && !preferences.json;
            console.respond(preferences, console.read(|store| MissingTrace::new(store, &id, waits)))
        }
    }
}

/// Everything that has arrived of a trace.
pub(super) struct TracePage {
    id: String,
    spans: Vec<Arc<Span>>,
    lines: Vec<Line>,
    /// The id of the selected span.
    chosen: Option<String>,
    find: String,
    search: Result<Search, InvalidParameter>,
}

impl TracePage {
    pub(super) fn new(trace: &StoredTrace, lines: Vec<Line>, parameters: Parameters) -> Self {
        let search = Search::parse(&parameters.find, Target::Traces);
        Self {
            id: trace.id.clone(),
            spans: trace.spans().to_vec(),
            lines,
            chosen: parameters.span,
            find: parameters.find,
            search: search.map_err(|error| InvalidParameter::in_search(&error)),
        }
    }
}

impl TracePage {
    /// The search field, and the buttons that need a script.
    fn tools(&self, context: &Context) -> Markup {
        let lang = context.lang;
        html! {
            form.filter action={ "/traces/" (self.id) } role="search" {
                (context.search_field("find", &self.find, Target::Traces))
                button { (lang.tr("Find")) }
                div.tools {
                    button #fold-all type="button" { (lang.tr("Fold all")) }
                    button #unfold-all type="button" { (lang.tr("Unfold all")) }
                }
                (context.search_syntax())
            }
        }
    }
}

impl Serialize for TracePage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.search {
            Ok(_) => otlp_json::traces(&self.spans).serialize(serializer),
            Err(error) => ErrorJson { error }.serialize(serializer),
        }
    }
}

impl View for TracePage {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        let trace = Trace::new(&self.id, self.spans.iter().map(|span| &**span));
        let mut waterfall = Waterfall::new(&trace);
        let chosen = self.chosen.as_deref().and_then(|id| trace.span(id));
        let errors = Errors::new(&waterfall, chosen, &self.find);
        let all = TraceSpans::new(&self.spans);
        let found = match &self.search {
            Ok(search) if !self.find.trim().is_empty() => {
                Some(waterfall.retain(|span| search.finds_span(&all, span)))
            }
            _ => None,
        };
        let log_records = |n: usize| lang.plural(n as u64, "{n} log record", "{n} log records");
        Content {
            link: "/traces",
            title: format::short(root(&self.spans).map_or("", |span| &span.name), 100),
            fixed: self.tools(context),
            live: html! {
                p.facts {
                    span { (lang.tr("Trace")) " " code { (self.id) } }
                    span { (format::date(waterfall.start)) }
                    span { b { (format::duration(waterfall.duration() as f64)) } }
                    span { b { (lang.plural(trace.spans.len() as u64, "{n} span", "{n} spans")) } }
                    span { a href="#logs" { (log_records(self.lines.len())) } }
                    (errors.links(lang))
                    span { a href={ "/save?trace=" (self.id) } download="" { (lang.tr("Save")) } }
                }
                @if let Err(error) = &self.search { p.notice.bad { (error.text(lang)) } }
                @if let Some(found) = found {
                    p.notice {
                        (lang.trf("{n} of {all} spans match; they are shown with their ancestors.", &[("n", &found), ("all", &trace.spans.len())]))
                        " " a href={ "/traces/" (self.id) } { (lang.tr("Show all")) }
                    }
                }
                (problems(lang, &waterfall))
                (skew::notices(lang, &trace))
                div.split {
                    (waterfall.table(context, chosen, &self.find))
                    @if let Some(chosen) = chosen { (span::panel(context, &trace, chosen, &errors)) }
                }
                (lines(context, &self.id, &self.lines))
            },
        }
    }

    fn status(&self) -> StatusCode {
        if self.search.is_err() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }
}

fn lines(context: &Context, id: &str, lines: &[Line]) -> Markup {
    let lang = context.lang;
    html! {
        section #logs {
            h2 { (lang.tr("Logs of this trace")) }
            @if lines.is_empty() {
                p.quiet { (lang.tr("No log record with this trace id has arrived over OTLP.")) }
            } @else {
                (logs::table(context, &lines[..lines.len().min(MAX_LINES)], true, None))
                @if lines.len() > MAX_LINES {
                    p { a href={ "/logs?q=trace_id%3D" (id) } {
                        (lang.trf("{n} more log records", &[("n", &(lines.len() - MAX_LINES))]))
                    } }
                }
            }
        }
    }
}

/// Reasons why the tree may be incomplete or wrong.
fn problems(lang: Lang, waterfall: &Waterfall<'_>) -> Markup {
    let n = |count: usize| count as u64;
    html! {
        @if waterfall.missing_parents > 0 {
            p.notice {
                (lang.plural(n(waterfall.missing_parents),
                    "This trace is partial: the parent of {n} span is missing.",
                    "This trace is partial: the parents of {n} spans are missing."))
                " " (lang.tr("They may still arrive, belong to a program that does not export here, or have been dropped to make room."))
            }
        }
        @if waterfall.circles > 0 {
            p.notice.bad {
                (lang.plural(n(waterfall.circles),
                    "{n} span is its own ancestor: the parent ids form a circle.",
                    "{n} spans are their own ancestors: the parent ids form a circle."))
            }
        }
        @if waterfall.reversed > 0 {
            p.notice.bad {
                (lang.plural(n(waterfall.reversed), "{n} span ends before it starts.", "{n} spans end before they start."))
            }
        }
    }
}

fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// A trace that is not stored.
#[derive(Serialize)]
pub(super) struct MissingTrace {
    error: &'static str,
    #[serde(skip)]
    is_id: bool,
    /// Whether the page waits for the trace.
    #[serde(skip)]
    waits: bool,
    #[serde(skip)]
    limit: usize,
    #[serde(skip)]
    gone: Gone,
    #[serde(skip)]
    is_empty: bool,
    /// The log records of the trace.
    #[serde(skip)]
    lines: Vec<Line>,
    #[serde(skip)]
    id: String,
}

const NOT_RECEIVED: &str = crate::lang::tr_noop("No span of this trace is stored.");
const NO_ID: &str = crate::lang::tr_noop(
    "This is not a trace id. A trace id has 32 hex digits, as in the response header traceresponse.",
);

impl MissingTrace {
    pub(super) fn new(store: &Store, id: &str, waits: bool) -> Self {
        Self {
            error: if is_id(id) { NOT_RECEIVED } else { NO_ID },
            is_id: is_id(id),
            waits,
            limit: store.fill().1,
            gone: store.gone,
            is_empty: store.count_traces() == 0,
            lines: store.log_records_of(id),
            id: id.to_owned(),
        }
    }
}

impl View for MissingTrace {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        Content {
            link: "/traces",
            title: (if self.lines.is_empty() { lang.tr("Trace not found") } else { lang.tr("Trace") })
                .to_owned(),
            fixed: html! {},
            live: html! {
                p.notice { (lang.tr(self.error)) }
                @if !self.lines.is_empty() { (lines(context, &self.id, &self.lines)) }
                @if self.is_id {
                    p { (lang.tr("Exporters send in batches, usually every few seconds. This page updates itself when the trace arrives.")) }
                    p {
                        (lang.trf("The oldest traces are dropped when {limit} are in use.", &[("limit", &format::bytes(self.limit as f64))]))
                        " " (lang.plural(self.gone.traces, "So far, {n} trace has been dropped.", "So far, {n} traces have been dropped."))
                    }
                    @if self.is_empty { (context.nothing_yet(lang.tr("No traces yet."))) }
                }
            },
        }
    }

    fn status(&self) -> StatusCode {
        if self.waits { StatusCode::OK } else { StatusCode::NOT_FOUND }
    }
}

/// The error message for a program.
#[derive(Serialize)]
pub(super) struct ErrorJson<T> {
    pub(super) error: T,
}

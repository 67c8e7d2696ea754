//! The panel with all data of one span.

use maud::{Markup, html};

use super::errors::Errors;
use crate::Lang;
use crate::page::Context;
use crate::pages::format;
use crate::pages::format::urlencoded;
use otlp::model::{Attributes, Span, StatusCode, Trace, Value};

/// Maximum number of attributes of an item to show; the JSON has all.
const MAX_ATTRIBUTES: usize = 500;
/// Maximum number of events, and of links, of a span to show.
const MAX_EVENTS: usize = 200;
/// Maximum number of characters of a value to show.
const MAX_VALUE: usize = 10_000;

pub(super) fn panel(context: &Context, trace: &Trace<'_>, span: &Span, errors: &Errors) -> Markup {
    let lang = context.lang;
    let start = trace.spans.first().map_or(span.start, |first| first.start);
    let dropped = [
        (
            span.dropped.attributes,
            lang.plural(span.dropped.attributes.into(), "{n} attribute", "{n} attributes"),
        ),
        (span.dropped.events, lang.plural(span.dropped.events.into(), "{n} event", "{n} events")),
        (span.dropped.links, lang.plural(span.dropped.links.into(), "{n} link", "{n} links")),
    ];
    let dropped: Vec<&str> =
        dropped.iter().filter(|(count, _)| *count > 0).map(|(_, text)| text.as_str()).collect();
    html! {
        aside #span aria-label=(lang.tr("Selected span")) {
            p.close { a href={ "/traces/" (trace.id) } aria-keyshortcuts="Escape" { (lang.tr("close")) } }
            h2 { (format::short(&span.name, 200)) }
            p { (context.service(span.service())) " " (format!("{:?}", span.kind).to_uppercase())
                " " b { (format::duration(span.duration() as f64)) } ", "
                (lang.trf("starts at {time}", &[("time", &format::duration(span.start.saturating_sub(start) as f64))])) }
            p {
                @match span.status {
                    StatusCode::Error => { span.mark.bad { (lang.tr("error")) } " " (format::short(&span.status_message, MAX_VALUE)) }
                    StatusCode::Ok => span.mark.good { "ok" },
                    StatusCode::Unset => span.quiet { (lang.tr("status not set: no error was recorded")) },
                }
            }
            p.facts { (errors.links(lang)) }
            p { a href={ "/logs?q=" (urlencoded(&format!("span_id={}", span.span_id))) } { (lang.tr("Logs of this span")) } }
            h3 { (lang.tr("Attributes")) }
            (attributes(lang, &span.attributes))
            @for event in span.events.iter().take(MAX_EVENTS) {
                h3 { (lang.tr("Event")) " " code { (format::short(&event.name, 100)) } " "
                    (lang.trf("at {time}", &[("time", &format::duration(event.time.saturating_sub(start) as f64))])) }
                (attributes(lang, &event.attributes))
            }
            (more(lang, span.events.len(), MAX_EVENTS))
            @for link in span.links.iter().take(MAX_EVENTS) {
                h3 { (lang.tr("Link to")) " " a href={ "/traces/" (link.trace_id) } { code { (format::short(&link.trace_id, 32)) } } }
                (attributes(lang, &link.attributes))
            }
            (more(lang, span.links.len(), MAX_EVENTS))
            h3 { (lang.tr("Resource")) }
            (attributes(lang, &span.resource))
            h3 { (lang.tr("Identity")) }
            dl {
                dt { (lang.tr("span id")) } dd { (span.span_id) }
                dt { (lang.tr("parent span id")) } dd { (span.parent_span_id.as_deref().unwrap_or(lang.tr("none: it is a root"))) }
                dt { (lang.tr("scope")) } dd { (format::short(&span.scope.name, 200)) " " (format::short(&span.scope.version, 200)) }
                @if !span.trace_state.is_empty() { dt { "tracestate" } dd { (format::short(&span.trace_state, 1_000)) } }
                @if !dropped.is_empty() { dt { (lang.tr("dropped by the SDK")) } dd { (dropped.join(", ")) } }
            }
        }
    }
}

fn more(lang: Lang, count: usize, shown: usize) -> Markup {
    html! {
        @if count > shown {
            p.quiet { (lang.trf("{n} more are in the JSON of this page.", &[("n", &(count - shown))])) }
        }
    }
}

/// Keys and values. A text with several lines, such as a stack trace, keeps its line breaks.
pub(in crate::pages) fn attributes(lang: Lang, attributes: &Attributes) -> Markup {
    html! {
        @if attributes.is_empty() { p.quiet { (lang.tr("none")) } }
        @else {
            dl {
                @for (key, value) in attributes.iter().take(MAX_ATTRIBUTES) {
                    dt { (format::short(key, 200)) }
                    dd { (one(value)) }
                }
            }
            (more(lang, attributes.len(), MAX_ATTRIBUTES))
        }
    }
}

fn one(value: &Value) -> Markup {
    let shown = value.shortened(MAX_VALUE);
    html! { @if shown.contains('\n') { pre { (shown) } } @else { (shown) } }
}

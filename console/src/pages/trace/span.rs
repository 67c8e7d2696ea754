//! One span in full.

use maud::{Markup, html};

use crate::page;
use crate::pages::format;
use crate::pages::format::urlencoded;
use otlp::model::{Attributes, Span, StatusCode, Trace, Value};

pub(super) fn panel(services: &[String], trace: &Trace<'_>, span: &Span) -> Markup {
    let start = trace.spans.first().map_or(span.start, |first| first.start);
    html! {
        aside #span aria-label="The chosen span" {
            p.close { a href={ "/traces/" (trace.id) } aria-keyshortcuts="Escape" { "close" } }
            h2 { (format::short(&span.name, 200)) }
            p { (page::service(services, span.service())) " " (format!("{:?}", span.kind).to_uppercase())
                " " b { (format::duration(span.duration() as f64)) } ", begins at " (format::duration((span.start - start) as f64)) }
            p {
                @match span.status {
                    StatusCode::Error => { span.mark.bad { "error" } " " (span.status_message) }
                    StatusCode::Ok => span.mark.good { "ok" },
                    StatusCode::Unset => span.quiet { "status unset: no error was recorded" },
                }
            }
            p { a href={ "/logs?q=" (urlencoded(&format!("span_id={}", span.span_id))) } { "Logs of this span" } }
            h3 { "Attributes" }
            (attributes(&span.attributes))
            @for event in &span.events {
                h3 { "Event " code { (format::short(&event.name, 100)) } " at " (format::duration(event.time.saturating_sub(start) as f64)) }
                (attributes(&event.attributes))
            }
            @for link in &span.links {
                h3 { "Link to " a href={ "/traces/" (link.trace_id) } { code { (format::short(&link.trace_id, 32)) } } }
                (attributes(&link.attributes))
            }
            h3 { "Resource" }
            (attributes(&span.resource))
            h3 { "Where it comes from" }
            dl {
                dt { "span id" } dd { (span.span_id) }
                dt { "parent span id" } dd { (span.parent_span_id.as_deref().unwrap_or("none: it is a root")) }
                dt { "scope" } dd { (span.scope.name) " " (span.scope.version) }
                @if !span.trace_state.is_empty() { dt { "tracestate" } dd { (span.trace_state) } }
                @if span.dropped.attributes + span.dropped.events + span.dropped.links > 0 {
                    dt { "left out by the SDK" }
                    dd { (format::count(span.dropped.attributes.into(), "attribute")) ", " (format::count(span.dropped.events.into(), "event")) ", " (format::count(span.dropped.links.into(), "link")) }
                }
            }
        }
    }
}

/// Keys and values; a text of several lines, such as a stack, keeps them.
pub(in crate::pages) fn attributes(attributes: &Attributes) -> Markup {
    html! {
        @if attributes.0.is_empty() { p.quiet { "none" } }
        @else {
            dl {
                @for (key, value) in attributes.0.iter().take(500) {
                    dt { (format::short(key, 200)) }
                    dd { (one(value)) }
                }
                @if attributes.0.len() > 500 { dt { "…" } dd { (attributes.0.len() - 500) " more are in the JSON" } }
            }
        }
    }
}

fn one(value: &Value) -> Markup {
    let shown = format::short(&value.unquoted(), 10_000);
    html! { @if shown.contains('\n') { pre { (shown) } } @else { (shown) } }
}

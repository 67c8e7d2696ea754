//! The attendee's steps, and what the last check said of each.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Value, json};

use console::Console;
use console::page::{self, Page};

use super::{Attendee, Workshop};
use crate::report;
use crate::steps::Step;

/// `GET /steps`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Extension(workshop): Extension<Arc<Workshop>>,
    headers: HeaderMap,
) -> Response {
    let page = match &workshop.attendee {
        Some(attendee) => steps_of(attendee),
        None => nobody(),
    };
    page.answer(&console, &headers)
}

/// `POST /steps/check`: begins a check, and sends back to the page.
pub(super) async fn check(
    State(console): State<Arc<Console>>,
    Extension(workshop): Extension<Arc<Workshop>>,
    headers: HeaderMap,
) -> Response {
    let Some(attendee) = &workshop.attendee else { return nobody().answer(&console, &headers) };
    if attendee.progress.begin() {
        let (console, attendee) = (Arc::clone(&console), Arc::clone(attendee));
        tokio::spawn(async move {
            let judged = (attendee.check)().await;
            attendee.progress.end(judged.err());
            console.changed();
        });
    }
    console.changed();
    if page::wants_json(&headers) {
        return (StatusCode::ACCEPTED, axum::Json(json!({ "checking": true }))).into_response();
    }
    Redirect::to(&from(&headers)).into_response()
}

/// The page with the button: the chapter, or the steps.
fn from(headers: &HeaderMap) -> String {
    let page = headers.get(header::REFERER).and_then(|page| page.to_str().ok()?.parse::<Uri>().ok());
    let chapter = page.filter(|page| page.path().starts_with("/guide/"));
    chapter.map_or("/steps".to_owned(), |chapter| chapter.path().to_owned())
}

fn nobody() -> Page {
    Page {
        part: "/steps",
        title: "Steps".to_owned(),
        fixed: html! {
            div.empty {
                p { strong { "This console watches no attendee's backend." } }
                p { "Make one, and start it with the console:" }
                pre { "cargo workshop new sakura\ncargo workshop up sakura" }
            }
        },
        live: html! {},
        json: json!({ "steps": [] }),
        status: StatusCode::OK,
    }
}

/// What the last check said of one step, and the button for the next: beside its chapter.
pub(super) fn result(attendee: &Attendee, step: &Step, verdict: Option<&Value>) -> Markup {
    let (checking, trouble) = attendee.progress.now();
    html! {
        h2 { (attendee.backend) }
        (button(checking))
        (build_error(attendee))
        @if let Some(trouble) = &trouble { pre.notice.bad { (trouble) } }
        ol.steps { (one(attendee, step, verdict, verdict.is_some())) }
    }
}

fn button(checking: bool) -> Markup {
    html! {
        form method="post" action="/steps/check" {
            button disabled[checking] { @if checking { "Checking …" } @else { "Check now" } }
            " " span.quiet role="status" {
                @if checking { "It is built and run on ports of its own; this takes some seconds." }
                @else { "or " code { "cargo workshop check" } ", or " code { "cargo workshop watch" } " at every save" }
            }
        }
    }
}

/// Says that what is shown is of an older program, if the newest does not build.
fn build_error(attendee: &Attendee) -> Markup {
    html! {
        @if let Some(error) = attendee.build_error.get() {
            div.notice.bad #build-error {
                p { strong { (attendee.backend) " does not build" }
                    ": the program that runs, and the results below, are those of an older version. The first error:" }
                pre { (error) }
            }
        }
    }
}

fn steps_of(attendee: &Attendee) -> Page {
    let verdicts = attendee.verdicts();
    let (checking, trouble) = attendee.progress.now();
    let first_failed =
        verdicts.iter().find(|(_, verdict)| verdict["state"] == "failed").map(|(id, _)| id.clone());
    Page {
        part: "/steps",
        title: format!("Steps of {}", attendee.backend),
        fixed: html! {},
        live: html! {
            (button(checking))
            (build_error(attendee))
            @if let Some(trouble) = &trouble { pre.notice.bad { (trouble) } }
            ol.steps {
                @for step in &attendee.steps {
                    @let verdict = verdicts.iter().find(|(id, _)| *id == step.id).map(|(_, verdict)| verdict);
                    (one(attendee, step, verdict, first_failed.as_deref() == Some(&step.id)))
                }
            }
        },
        json: json!({
            "backend": attendee.backend,
            "checking": checking,
            "trouble": trouble,
            "build_error": attendee.build_error.get(),
            "steps": verdicts.iter().map(|(_, verdict)| verdict).collect::<Vec<_>>(),
        }),
        status: StatusCode::OK,
    }
}

fn one(attendee: &Attendee, step: &Step, verdict: Option<&Value>, is_open: bool) -> Markup {
    let expectations = verdict.and_then(|verdict| verdict["expectations"].as_array());
    html! {
        li.step id={ "step-" (step.id) } {
            details data-key=(step.id) open[is_open] {
                summary { (mark(verdict)) " " b { (step.number) " " (step.id) } " " (step.title.in_(attendee.lang)) }
                @for expectation in expectations.into_iter().flatten() {
                    @let expected = expectation["expected"].as_str().unwrap_or_default();
                    @match expectation["failure"].as_object() {
                        None => p { span.mark.good { "✓" } " " (with_code(expected)) },
                        Some(failure) => div.failure {
                            p { span.mark.bad { "✗" } " " strong { (with_code(expected)) } }
                            pre { (failure.get("seen").and_then(Value::as_str).unwrap_or_default()) }
                            p { (with_code(failure.get("cause").and_then(Value::as_str).unwrap_or_default())) }
                        }
                    }
                }
                p.quiet { (with_code(step.hint.in_(attendee.lang))) }
            }
        }
    }
}

/// A text of ours, with its code as such.
fn with_code(text: &str) -> Markup {
    html! {
        @for (is_code, part) in report::parts(text) {
            @if is_code { code { (part) } } @else { (part) }
        }
    }
}

fn mark(verdict: Option<&Value>) -> Markup {
    html! {
        @match verdict.and_then(|verdict| verdict["state"].as_str()) {
            Some("passed") => span.mark.good { "passed" },
            Some("failed") => span.mark.bad { "failed" },
            _ => span.mark.quiet { "not checked" },
        }
    }
}

/// All marks in a row, for the overview.
pub(super) fn strip(attendee: &Attendee) -> Markup {
    let verdicts = attendee.verdicts();
    html! {
        section {
            h2 { a href="/steps" { "Steps of " (attendee.backend) } }
            ol.strip {
                @for step in &attendee.steps {
                    @let verdict = verdicts.iter().find(|(id, _)| *id == step.id).map(|(_, verdict)| verdict);
                    li { a href={ "/steps#step-" (step.id) } title=(step.title.in_(attendee.lang)) {
                        (step.number) " " (step.id) " " (mark(verdict))
                    } }
                }
            }
        }
    }
}

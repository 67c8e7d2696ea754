//! The attendee's steps, and the result of the last check of each.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Serialize;
use serde_json::{Value, json};

use console::lang::fill;
use console::page::{Content, Context, Preferences, View};
use console::{Console, Lang};

use super::lang::tr;
use super::{Attendee, Workshop};
use crate::report;
use crate::steps::{Lang as StepsLang, Step};

/// `GET /steps`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Extension(workshop): Extension<Arc<Workshop>>,
    preferences: Preferences,
) -> Response {
    console.respond(preferences, Steps::new(workshop.attendee.as_deref()))
}

/// `POST /steps/check`: starts a check, and redirects back to the page.
pub(super) async fn check(
    State(console): State<Arc<Console>>,
    Extension(workshop): Extension<Arc<Workshop>>,
    preferences: Preferences,
    headers: HeaderMap,
) -> Response {
    let Some(attendee) = &workshop.attendee else { return console.respond(preferences, Steps::new(None)) };
    if attendee.progress.begin() {
        let (console, attendee) = (Arc::clone(&console), Arc::clone(attendee));
        tokio::spawn(async move {
            let judged = (attendee.check)().await;
            attendee.progress.end(judged.err());
            console.changed();
        });
    }
    console.changed();
    if preferences.json {
        return (StatusCode::ACCEPTED, axum::Json(json!({ "checking": true }))).into_response();
    }
    Redirect::to(&from(&headers)).into_response()
}

/// The page that the button is on: the chapter, or the steps.
fn from(headers: &HeaderMap) -> String {
    let page = headers.get(header::REFERER).and_then(|page| page.to_str().ok()?.parse::<Uri>().ok());
    let page = page.filter(|page| page.path().starts_with("/guide/") || page.path() == "/steps");
    let address = page.as_ref().and_then(|page| page.path_and_query());
    address.map_or("/steps".to_owned(), ToString::to_string)
}

/// The steps of an attendee; if there is no attendee, how to create a backend.
#[derive(Serialize)]
struct Steps {
    #[serde(flatten)]
    check: Option<CheckState>,
    /// The results, as in the report of the last check.
    #[serde(rename = "steps")]
    verdicts: Vec<Value>,
    #[serde(skip)]
    steps: Vec<Step>,
}

/// How the checks of a backend are doing.
#[derive(Serialize)]
pub(super) struct CheckState {
    backend: String,
    #[serde(skip)]
    arguments: String,
    #[serde(skip)]
    lang: StepsLang,
    checking: bool,
    /// Why the last check has no result.
    error: Option<String>,
    /// The compiler's first error, if the newest version does not build.
    build_error: Option<String>,
}

impl CheckState {
    pub(super) fn new(attendee: &Attendee) -> Self {
        let (checking, error) = attendee.progress.now();
        Self {
            backend: attendee.backend.clone(),
            arguments: attendee.arguments.clone(),
            lang: attendee.lang,
            checking,
            error: error.map(|error| error.in_lang(attendee.lang)),
            build_error: attendee.build_error.get(),
        }
    }

    /// The result of one step, next to its chapter.
    pub(super) fn with_step(&self, lang: Lang, step: &Step, verdict: Option<&Value>) -> Markup {
        html! {
            h2 { (self.backend) }
            (self.html(lang))
            ol.steps { (one(lang, self.lang, step, verdict, verdict.is_some())) }
        }
    }

    /// The button, and what went wrong.
    fn html(&self, lang: Lang) -> Markup {
        html! {
            form method="post" action="/steps/check" {
                button disabled[self.checking] {
                    @if self.checking { (tr(lang, "Checking …")) } @else { (tr(lang, "Check now")) }
                }
                " " span.quiet role="status" {
                    @if self.checking { (tr(lang, "It runs on other ports while it is checked; this takes some seconds.")) }
                    @else { (tr(lang, "or in a terminal:")) " " code { "cargo workshop check" (self.arguments) } ", " code { "cargo workshop watch" (self.arguments) } }
                }
            }
            @if let Some(error) = &self.build_error {
                div.notice.bad #build-error {
                    p { strong { (fill(tr(lang, "{backend} does not build"), &[("backend", &self.backend)])) } }
                    p { (tr(lang, "The program that runs and the results below are those of an older version. The first error:")) }
                    pre { (error) }
                }
            }
            @if let Some(error) = &self.error { pre.notice.bad { (error) } }
        }
    }
}

impl Steps {
    fn new(attendee: Option<&Attendee>) -> Self {
        Self {
            check: attendee.map(CheckState::new),
            verdicts: attendee.map(Attendee::verdicts).unwrap_or_default(),
            steps: attendee.map(|attendee| attendee.steps.clone()).unwrap_or_default(),
        }
    }
}

impl View for Steps {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        let Some(check) = &self.check else {
            return Content {
                link: "/steps",
                title: tr(lang, "Steps").to_owned(),
                fixed: html! {
                    div.empty {
                        p { strong { (tr(lang, "This console was started without a backend.")) } }
                        p { (tr(lang, "Create one, and start it with the console:")) }
                        pre { "cargo workshop new sakura\ncargo workshop up sakura" }
                    }
                },
                live: html! {},
            };
        };
        let first_failed = self.verdicts.iter().find(|verdict| verdict["state"] == "failed");
        Content {
            link: "/steps",
            title: fill(tr(lang, "Steps of {backend}"), &[("backend", &check.backend)]),
            fixed: html! {},
            live: html! {
                (check.html(lang))
                ol.steps {
                    @for step in &self.steps {
                        @let is_open = first_failed.is_some_and(|verdict| verdict["id"] == step.id);
                        (one(lang, check.lang, step, of_step(&self.verdicts, step), is_open))
                    }
                }
            },
        }
    }
}

/// The result of the last check of `step`.
pub(super) fn of_step<'a>(verdicts: &'a [Value], step: &Step) -> Option<&'a Value> {
    verdicts.iter().find(|verdict| verdict["id"] == step.id)
}

/// A step that can be opened to show its expectations. These are in the attendee's language, like its title
/// and hint.
fn one(lang: Lang, steps_lang: StepsLang, step: &Step, verdict: Option<&Value>, is_open: bool) -> Markup {
    let is_begun = verdict.is_some_and(|verdict| verdict["state"] != "not_begun");
    let expectations = verdict.and_then(|verdict| verdict["expectations"].as_array());
    html! {
        li.step id={ "step-" (step.id) } {
            details data-key=(step.id) open[is_open] {
                summary { (mark(lang, verdict)) " " b { (step.number) " " (step.id) } " " (step.title.in_(steps_lang)) }
                @for expectation in expectations.into_iter().flatten() {
                    @let expected = expectation["expected"].as_str().unwrap_or_default();
                    @match expectation["failure"].as_object() {
                        None => {
                            p { span.mark.good { "✓" } " " (with_code(expected)) }
                            @if let Some(advice) = expectation["advice"].as_str() { p.quiet { (with_code(advice)) } }
                        }
                        Some(_) if !is_begun => p.quiet { (with_code(expected)) },
                        Some(failure) => div.failure {
                            p { span.mark.bad { "✗" } " " strong { (with_code(expected)) } }
                            pre { (failure.get("seen").and_then(Value::as_str).unwrap_or_default()) }
                            p { (with_code(failure.get("cause").and_then(Value::as_str).unwrap_or_default())) }
                        }
                    }
                }
                p.quiet { (with_code(step.hint.in_(steps_lang))) }
            }
        }
    }
}

/// A text of the checks; what is between backticks is marked as code.
fn with_code(text: &str) -> Markup {
    html! {
        @for (is_code, part) in report::parts(text) {
            @if is_code { code { (part) } } @else { (part) }
        }
    }
}

fn mark(lang: Lang, verdict: Option<&Value>) -> Markup {
    html! {
        @match verdict.and_then(|verdict| verdict["state"].as_str()) {
            Some("passed") => span.mark.good { (tr(lang, "passed")) },
            Some("not_begun") => span.mark.quiet { (tr(lang, "not begun")) },
            Some("failed") => span.mark.bad { (tr(lang, "failed")) },
            _ => span.mark.quiet { (tr(lang, "not checked")) },
        }
    }
}

/// The results of all steps in a row, for the overview.
pub(super) fn strip(lang: Lang, attendee: &Attendee) -> Markup {
    let verdicts = attendee.verdicts();
    html! {
        section {
            h2 { a href="/steps" { (fill(tr(lang, "Steps of {backend}"), &[("backend", &attendee.backend)])) } }
            ol.strip {
                @for step in &attendee.steps {
                    li { a href={ "/steps#step-" (step.id) } title=(step.title.in_(attendee.lang)) {
                        (step.number) " " (step.id) " " (mark(lang, of_step(&verdicts, step)))
                    } }
                }
            }
        }
    }
}

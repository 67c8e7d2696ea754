//! The guide: a chapter beside what the last check said of its step, in either language, with search.

mod markdown;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path as Segments, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use serde_json::json;

use console::Console;
use console::page::Page;

use super::{Attendee, Workshop, steps};
use crate::steps::Lang;

/// The contents of a language, which says the order of the chapters too.
const CONTENTS: &str = "README.md";

/// What is searched for.
#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

/// `GET /guide`: to the contents, in the attendee's language or the browser's.
pub(super) async fn start(
    State(console): State<Arc<Console>>,
    Extension(workshop): Extension<Arc<Workshop>>,
    headers: HeaderMap,
) -> Response {
    if workshop.guide.is_none() {
        return missing("This console has no guide.").answer(&console, &headers);
    }
    let browser =
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let lang = match &workshop.attendee {
        Some(attendee) => attendee.lang,
        None if browser.starts_with("ja") => Lang::Ja,
        None => Lang::En,
    };
    Redirect::to(&format!("/guide/{}/{CONTENTS}", lang.code())).into_response()
}

/// `GET /guide/en/02-first-span.md`, `/guide/en/pictures/context.svg`, `/guide/pictures/03-after.png`.
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Extension(workshop): Extension<Arc<Workshop>>,
    Segments(path): Segments<String>,
    Query(search): Query<Search>,
    headers: HeaderMap,
) -> Response {
    let Some(file) = workshop.guide.as_deref().and_then(|folder| inside(folder, &path)) else {
        return missing(&format!("The guide has no {path:?}.")).answer(&console, &headers);
    };
    let content_type = match file.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => Some("image/svg+xml"),
        Some("png") => Some("image/png"),
        Some("md") => None,
        _ => return missing(&format!("The guide has no {path:?}.")).answer(&console, &headers),
    };
    let (Ok(content), Some((code, name))) = (std::fs::read(&file), path.rsplit_once('/')) else {
        return missing(&format!("The guide has no {path:?}.")).answer(&console, &headers);
    };
    if let Some(content_type) = content_type {
        return ([(header::CONTENT_TYPE, content_type)], content).into_response();
    }
    let lang = if code == Lang::Ja.code() { Lang::Ja } else { Lang::En };
    let text = String::from_utf8_lossy(&content);
    chapter(workshop.attendee.as_deref(), &file, lang, name, &text, search.q.trim())
        .answer(&console, &headers)
}

/// The file, where `path` is made of plain names and cannot lead out of `folder`.
fn inside(folder: &Path, path: &str) -> Option<PathBuf> {
    let is_plain = |name: &str| {
        !name.starts_with('.')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
    };
    path.split('/').all(is_plain).then(|| folder.join(path)).filter(|file| file.is_file())
}

fn missing(what: &str) -> Page {
    Page {
        part: "/guide",
        title: "Guide".to_owned(),
        fixed: html! {
            div.empty {
                p { strong { (what) } }
                p { "It is a part of the repository: " code { "cargo workshop up" } " shows it, from a folder inside." }
            }
        },
        live: html! {},
        json: json!({ "error": what }),
        status: StatusCode::NOT_FOUND,
    }
}

fn chapter(
    attendee: Option<&Attendee>,
    file: &Path,
    lang: Lang,
    name: &str,
    text: &str,
    wanted: &str,
) -> Page {
    let folder = file.parent().unwrap_or(file);
    let contents = std::fs::read_to_string(folder.join(CONTENTS)).unwrap_or_default();
    let (title, body) = markdown::title(text);
    let step = attendee.and_then(|attendee| attendee.steps.iter().find(|step| step.chapter == name));
    let verdict = attendee.zip(step).and_then(|(attendee, step)| {
        attendee.verdicts().into_iter().find(|(id, _)| *id == step.id).map(|(_, verdict)| verdict)
    });
    Page {
        part: "/guide",
        title: title.to_owned(),
        fixed: html! {
            (head(lang, name, wanted))
            @if wanted.is_empty() {
                div.guide {
                    ol.chapters lang=(lang.code()) {
                        @for (to, title) in markdown::chapters(&contents) {
                            li { a href=(to) aria-current=[(to == name).then_some("page")] { (title) } }
                        }
                    }
                    article lang=(lang.code()) { (PreEscaped(markdown::html(body))) }
                }
            } @else { (found(folder, &contents, lang, wanted)) }
        },
        live: html! {
            @if let (true, Some((attendee, step))) = (wanted.is_empty(), attendee.zip(step)) {
                aside.result { (steps::result(attendee, step, verdict.as_ref())) }
            }
        },
        json: json!({ "lang": lang.code(), "chapter": name, "title": title, "markdown": text, "step": verdict }),
        status: StatusCode::OK,
    }
}

/// The other language, and the search.
fn head(lang: Lang, name: &str, wanted: &str) -> Markup {
    html! {
        form.filter method="get" action={ "/guide/" (lang.code()) "/" (CONTENTS) } {
            span.tabs {
                @for (code, called) in [("en", "English"), ("ja", "日本語")] {
                    a href={ "/guide/" (code) "/" (name) } lang=(code) aria-current=[(code == lang.code()).then_some("true")] { (called) }
                }
            }
            label.wide { "Search the guide" input #search type="search" name="q" value=(wanted); }
            button { "Search" }
        }
    }
}

/// The sections in which all words occur.
fn found(folder: &Path, contents: &str, lang: Lang, wanted: &str) -> Markup {
    let words: Vec<String> = wanted.split_whitespace().map(str::to_lowercase).collect();
    let mut hits = Vec::new();
    for (to, title) in markdown::chapters(contents) {
        let text = std::fs::read_to_string(folder.join(&to)).unwrap_or_default();
        for section in markdown::sections(&text) {
            if let Some(excerpt) = section.excerpt(&words) {
                hits.push((to.clone(), title.clone(), section, excerpt));
            }
        }
    }
    html! {
        div #found lang=(lang.code()) {
            p.quiet { (hits.len()) " found: " (wanted) }
            @for (to, title, section, excerpt) in &hits {
                div.hit {
                    p { a href={ (to) "#" (section.anchor) } { (title) @if section.heading != *title { " · " (section.heading) } } }
                    p.quiet { (excerpt) }
                }
            }
        }
    }
}

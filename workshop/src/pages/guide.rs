//! The guide: a chapter next to the result of the last check of its step, in both languages, with search.

mod markdown;
mod tabs;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path as Segments, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, PreEscaped, html};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use console::lang::fill;
use console::page::{Content, Context, Preferences, View};
use console::{Console, Lang};

use super::lang::tr;
use super::steps::CheckState;
use super::{Attendee, Workshop, steps};
use crate::steps::{Lang as GuideLang, Step};

/// The contents of a language, which also define the order of the chapters.
const CONTENTS: &str = "README.md";

/// What is searched for.
#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

/// `GET /guide`: redirects to the contents, in the attendee's language or the browser's.
pub(super) async fn start(
    State(console): State<Arc<Console>>,
    Extension(workshop): Extension<Arc<Workshop>>,
    preferences: Preferences,
) -> Response {
    if workshop.guide.is_none() {
        return console.respond(preferences, Missing { error: Problem::NoGuide });
    }
    let code = match &workshop.attendee {
        Some(attendee) => attendee.lang.code(),
        None => preferences.lang.code(),
    };
    let chapter = format!("/guide/{code}/{CONTENTS}");
    // What follows the guide shows the same time.
    let to = match preferences.range.query() {
        "" => chapter,
        range => format!("{chapter}?{range}"),
    };
    Redirect::to(&to).into_response()
}

/// `GET /guide/en/02-first-span.md`, `/guide/en/pictures/context.svg`, `/guide/pictures/03-after.png`.
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Extension(workshop): Extension<Arc<Workshop>>,
    Segments(path): Segments<String>,
    Query(search): Query<Search>,
    preferences: Preferences,
) -> Response {
    let missing = || console.respond(preferences.clone(), Missing { error: Problem::NoPage });
    let Some(file) = workshop.guide.as_deref().and_then(|folder| inside(folder, &path)) else {
        return missing();
    };
    let content_type = match file.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => Some("image/svg+xml"),
        Some("png") => Some("image/png"),
        Some("md") => None,
        _ => return missing(),
    };
    let (Ok(content), Some((code, name))) = (std::fs::read(&file), path.rsplit_once('/')) else {
        return missing();
    };
    if let Some(content_type) = content_type {
        return ([(header::CONTENT_TYPE, content_type)], content).into_response();
    }
    let lang = Lang::from_code(code).unwrap_or_default();
    let text = String::from_utf8_lossy(&content).into_owned();
    let attendee = workshop.attendee.as_deref();
    console.respond(preferences, Chapter::new(attendee, &file, lang, name, text, search.q.trim()))
}

/// The path of the file, if `path` consists of plain names and so cannot lead out of `folder`.
fn inside(folder: &Path, path: &str) -> Option<PathBuf> {
    let is_plain = |name: &str| {
        !name.starts_with('.')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
    };
    path.split('/').all(is_plain).then(|| folder.join(path)).filter(|file| file.is_file())
}

/// Why there is no page.
#[derive(Debug, Clone, Copy)]
enum Problem {
    NoGuide,
    NoPage,
}

impl Problem {
    fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::NoGuide => tr(lang, "This console has no guide."),
            Self::NoPage => tr(lang, "The guide has no such page."),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text(Lang::En))
    }
}

#[derive(Serialize)]
struct Missing {
    error: Problem,
}

impl View for Missing {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        Content {
            link: "/guide",
            title: tr(lang, "Guide").to_owned(),
            fixed: html! {
                div.empty {
                    p { strong { (self.error.text(lang)) } }
                    p { (tr(lang, "The guide is a part of the repository. This shows it, in a folder of the repository:")) }
                    pre { "cargo workshop up" }
                }
            },
            live: html! {},
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::NOT_FOUND
    }
}

/// A chapter, or what a search finds in all chapters of its language.
#[derive(Serialize)]
struct Chapter {
    lang: &'static str,
    chapter: String,
    title: String,
    markdown: String,
    /// The result of the last check of the chapter's step.
    step: Option<Value>,
    #[serde(skip)]
    contents: Vec<(String, String)>,
    /// The words that are searched for, and what was found.
    #[serde(skip)]
    found: Option<(String, Vec<Hit>)>,
    #[serde(skip)]
    check: Option<(CheckState, Step)>,
}

impl Chapter {
    fn new(
        attendee: Option<&Attendee>,
        file: &Path,
        lang: Lang,
        name: &str,
        markdown: String,
        words: &str,
    ) -> Self {
        let folder = file.parent().unwrap_or(file);
        let contents = std::fs::read_to_string(folder.join(CONTENTS)).unwrap_or_default();
        let contents = markdown::chapters(&contents);
        let step = attendee.and_then(|attendee| {
            let step = attendee.steps.iter().find(|step| step.chapter == name)?;
            Some((attendee, step))
        });
        Self {
            lang: lang.code(),
            chapter: name.to_owned(),
            title: markdown::title(&markdown).0.to_owned(),
            step: step.and_then(|(attendee, step)| steps::of_step(&attendee.verdicts(), step).cloned()),
            found: (!words.is_empty()).then(|| (words.to_owned(), Hit::all(folder, &contents, words))),
            check: step.map(|(attendee, step)| (CheckState::new(attendee), step.clone())),
            contents,
            markdown,
        }
    }
}

impl View for Chapter {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        let words = self.found.as_ref().map_or("", |(words, _)| words);
        Content {
            link: "/guide",
            title: self.title.clone(),
            fixed: html! {
                (self.head(lang, words))
                @match &self.found {
                    Some((words, hits)) => (found(lang, self.lang, words, hits)),
                    None => div.guide {
                        ol.chapters lang=(self.lang) {
                            @for (to, title) in &self.contents {
                                li { a href=(to) aria-current=[(*to == self.chapter).then_some("page")] { (title) } }
                            }
                        }
                        article lang=(self.lang) { (PreEscaped(self.article())) }
                    }
                }
            },
            live: html! {
                @if let (None, Some((check, step))) = (&self.found, &self.check) {
                    aside.result { (check.with_step(lang, step, self.step.as_ref())) }
                }
            },
        }
    }
}

impl Chapter {
    /// The text without its title, as HTML.
    fn article(&self) -> String {
        let lang = Lang::from_code(self.lang).unwrap_or_default();
        markdown::html(markdown::title(&self.markdown).1, tr(lang, "Programming language"))
    }

    /// The link to the other language, and the search form.
    fn head(&self, lang: Lang, words: &str) -> Markup {
        html! {
            form.filter method="get" action={ "/guide/" (self.lang) "/" (CONTENTS) } {
                span.tabs {
                    @for (code, name) in [(GuideLang::En.code(), "English"), (GuideLang::Ja.code(), "日本語")] {
                        a href={ "/guide/" (code) "/" (self.chapter) } lang=(code) aria-current=[(code == self.lang).then_some("true")] { (name) }
                    }
                }
                label.wide { (tr(lang, "Search the guide")) input #search type="search" name="q" value=(words); }
                button { (tr(lang, "Search")) }
            }
        }
    }
}

/// A section that contains all words.
struct Hit {
    file: String,
    title: String,
    section: markdown::Section,
    excerpt: String,
}

impl Hit {
    fn all(folder: &Path, contents: &[(String, String)], words: &str) -> Vec<Self> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let mut hits = Vec::new();
        for (file, title) in contents {
            let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
            for section in markdown::sections(&text) {
                if let Some(excerpt) = section.excerpt(&words) {
                    hits.push(Self { file: file.clone(), title: title.clone(), section, excerpt });
                }
            }
        }
        hits
    }
}

fn found(lang: Lang, guide_lang: &str, words: &str, hits: &[Hit]) -> Markup {
    html! {
        div #found lang=(guide_lang) {
            p.quiet { (fill(tr(lang, "{n} found: {words}"), &[("n", &hits.len()), ("words", &words)])) }
            @for Hit { file, title, section, excerpt } in hits {
                div.hit {
                    p { a href={ (file) "#" (section.anchor) } { (title) @if section.heading != *title { " · " (section.heading) } } }
                    p.quiet { (excerpt) }
                }
            }
        }
    }
}

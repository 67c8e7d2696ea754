//! What all pages have in common: a view is sent as JSON or as HTML in the frame of the console.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use crate::extension::Link;
use crate::pages::format;
use crate::search::Target;
use crate::time_range::InvalidRange;
use crate::{Console, Lang, TimeRange, json, lock};
use otlp::model::now;

/// The data of a page. Its JSON is the serde representation. It owns its data, so that no lock is held while
/// text is rendered.
pub trait View: Serialize {
    /// The same data as HTML.
    fn html(&self, context: &Context) -> Content;

    /// The status of the response.
    fn status(&self) -> StatusCode {
        StatusCode::OK
    }
}

/// The HTML of a view.
pub struct Content {
    /// The path of the navigation link to which the page belongs.
    pub link: &'static str,
    /// The heading.
    pub title: String,
    /// The part that is not reloaded while the page is open, such as input fields.
    pub fixed: Markup,
    /// The part that is reloaded when something has changed.
    pub live: Markup,
}

/// What the HTML of every view depends on.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The language of the page.
    pub lang: Lang,
    /// The address of the page.
    pub uri: Uri,
    /// The time that the page shows.
    pub range: TimeRange,
    /// The services in the order in which they were first seen, which gives them their colours.
    pub services: Vec<String>,
    /// Whether there were more services than these.
    pub has_more_services: bool,
    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT` that sends telemetry to this console.
    pub endpoint: String,
    /// A command that creates a trace.
    pub trace_command: Option<String>,
    /// A command that makes requests fail.
    pub failure_command: Option<String>,
}

/// The preferences of a request: from its address, from `Accept`, and from `Accept-Language`, over which
/// `?lang=` takes precedence.
#[derive(Debug, Clone)]
pub struct Preferences {
    /// The language of HTML.
    pub lang: Lang,
    /// Whether the response is JSON instead of HTML.
    pub json: bool,
    /// The address.
    pub uri: Uri,
    /// The time to which the page is restricted.
    pub range: TimeRange,
}

impl FromRequestParts<Arc<Console>> for Preferences {
    /// A page that explains what is wrong with the time range.
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Response> {
        let pairs = parts.uri.query().unwrap_or_default().split('&');
        let chosen = pairs.filter_map(|pair| pair.strip_prefix("lang=")).find_map(Lang::from_code);
        let preferences = |range| Self {
            lang: chosen.unwrap_or_else(|| Lang::from_headers(&parts.headers)),
            json: prefers_json(&parts.headers),
            uri: parts.uri.clone(),
            range,
        };
        match TimeRange::from_uri(&parts.uri, now()) {
            Ok(range) => Ok(preferences(range)),
            Err(error) => {
                let is_its_page = |link: &&Link| link.path != "/" && parts.uri.path().starts_with(link.path);
                let link = LINKS.iter().find(is_its_page).map_or("/", |link| link.path);
                Err(console.respond(preferences(TimeRange::default()), InvalidRange { error, link }))
            }
        }
    }
}

fn prefers_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}

const LINKS: &[Link] = &[
    Link { path: "/", name: |lang| lang.tr("Overview") },
    Link { path: "/traces", name: |lang| lang.tr("Traces") },
    Link { path: "/logs", name: |lang| lang.tr("Logs") },
    Link { path: "/errors", name: |lang| lang.tr("Errors") },
    Link { path: "/metrics", name: |lang| lang.tr("Metrics") },
    Link { path: "/services", name: |lang| lang.tr("Services") },
];

impl Console {
    /// The response of a page, in the format and the language that the request prefers.
    pub fn respond(&self, preferences: Preferences, view: impl View + Send + 'static) -> Response {
        if preferences.json {
            let status = view.status();
            return (status, [(header::CONTENT_TYPE, "application/json")], json::body(view)).into_response();
        }
        let context = self.context(preferences);
        let page = self.frame(&context, view.html(&context)).into_string();
        let page = context.range.keep_in(page);
        (view.status(), [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
    }

    fn context(&self, preferences: Preferences) -> Context {
        let (services, has_more_services) =
            self.read(|store| (store.services().to_vec(), store.has_more_services));
        Context {
            lang: preferences.lang,
            uri: preferences.uri,
            range: preferences.range,
            services,
            has_more_services,
            endpoint: self.options.endpoint.clone(),
            trace_command: self.options.extension.trace_command.clone(),
            failure_command: self.options.extension.failure_command.clone(),
        }
    }

    fn frame(&self, context: &Context, content: Content) -> Markup {
        let lang = context.lang;
        let links = || LINKS.iter().chain(&self.options.extension.links);
        html! {
            (DOCTYPE)
            html lang=(lang.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (content.title) " · handson console" }
                    link rel="icon" href="/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/style.css";
                    script src="/console.js" defer {}
                    script src="/search.js" defer {}
                }
                body data-live=(lang.tr("live")) data-paused=(lang.tr("paused (p resumes)"))
                    data-disconnected=(lang.tr("not connected: is the console running?")) data-news=(lang.tr("{n} new"))
                    data-zone=(lang.tr("Times: {zone}")) {
                    a.skip href="#main" { (lang.tr("Skip to content")) }
                    header {
                        a.brand href="/" { "handson console" }
                        nav aria-label=(lang.tr("Pages")) {
                            @for (number, link) in links().enumerate() {
                                a href=(link.path) aria-current=[(link.path == content.link).then_some("page")]
                                    aria-keyshortcuts=(number + 1) { ((link.name)(lang)) }
                            }
                        }
                        // The script shows it, because times are those of UTC without it.
                        button #zone type="button" hidden title=(lang.tr("UTC or local time")) aria-keyshortcuts="u" {}
                        span #live role="status" title=(lang.tr("Whether this page updates itself")) {}
                    }
                    main #main tabindex="-1" {
                        h1 { (content.title) }
                        (content.fixed)
                        div #content { (content.live) }
                    }
                    (self.footer(lang, links().count()))
                    (help(lang, &links().map(|link| (link.name)(lang)).collect::<Vec<_>>()))
                }
            }
        }
    }

    fn footer(&self, lang: Lang, pages: usize) -> Markup {
        let (used, limit, traces, gone) = self.read(|store| {
            let (used, limit) = store.fill();
            (used, limit, store.count_traces() as u64, store.gone.traces)
        });
        let bytes = |bytes: usize| format::bytes(bytes as f64);
        html! {
            footer #footer {
                span {
                    a href="/self" { (lang.trf("{used} of {limit} in use", &[("used", &bytes(used)), ("limit", &bytes(limit))])) } ", "
                    (lang.plural(traces, "{n} trace", "{n} traces"))
                    @if gone > 0 { "; " (lang.plural(gone, "{n} oldest trace dropped", "{n} oldest traces dropped")) }
                }
                span {
                    (lang.tr("Keys:")) " " kbd { "1" } "–" kbd { (pages) } " " (lang.tr("pages")) ", " kbd { "/" } " " (lang.tr("search")) ", "
                    kbd { "j" } " " kbd { "k" } " " (lang.tr("down and up")) ", " kbd { "p" } " " (lang.tr("pause")) " "
                    button.show-help type="button" aria-keyshortcuts="?" { (lang.tr("All keys")) " " kbd { "?" } }
                }
                span { (lang.tr("For one person's laptop. In production, use Datadog, Grafana or what your company has.")) }
            }
        }
    }

    /// The programs next to the console that need action.
    pub(crate) fn processes(&self) -> Vec<crate::Process> {
        lock(&self.processes).clone()
    }
}

/// The keys, as a dialog. The script opens it, because without it there are no keys.
fn help(lang: Lang, pages: &[&str]) -> Markup {
    let keys: [(&[&str], &str); 8] = [
        (&["/"], lang.tr("go to the search field")),
        (&["j", "k"], lang.tr("move down and up in a list")),
        (&["Enter"], lang.tr("open the selected item")),
        (&["n", "N"], lang.tr("go to the next and the previous failed span of a trace")),
        (&["p"], lang.tr("pause and resume the updates of the page")),
        (&["u"], lang.tr("show times in UTC or in local time")),
        (&["Esc"], lang.tr("leave a field, close the selected span")),
        (&["?"], lang.tr("show these keys")),
    ];
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { (lang.tr("Keys")) }
            dl {
                dt { kbd { "1" } "–" kbd { (pages.len()) } } dd { (pages.join(", ")) }
                @for (keys, text) in keys {
                    dt { @for key in keys { kbd { (key) } " " } } dd { (text) }
                }
            }
            form method="dialog" { button { (lang.tr("Close")) } }
        }
    }
}

impl Context {
    /// An explanation of what to do if nothing has arrived yet.
    pub(crate) fn nothing_yet(&self, what: &str) -> Markup {
        html! {
            div.empty {
                p { strong { (what) } }
                @if let Some(command) = &self.trace_command {
                    p { (self.lang.tr("Send a request to a service that exports to this console:")) }
                    pre { (command) }
                }
                p { (self.lang.tr("To send telemetry of your own program, set:")) }
                pre { "OTEL_EXPORTER_OTLP_ENDPOINT=" (self.endpoint) }
            }
        }
    }

    /// A service's name, in its colour.
    pub(crate) fn service(&self, name: &str) -> Markup {
        // The style sheet cuts it, too, as far as the place needs.
        html! { span.service.(self.colour(name)) title=(name) { (format::short(name, 60)) } }
    }

    /// The form field that selects a service.
    pub(crate) fn choose_service(&self, chosen: &str) -> Markup {
        html! {
            label { (self.lang.tr("Service")) select name="service" {
                option value="" { (self.lang.tr("all")) }
                @for service in &self.services {
                    option value=(service) selected[service == chosen] { (format::short(service, 60)) }
                }
                @if !chosen.is_empty() && !self.services.iter().any(|service| service == chosen) {
                    option value=(chosen) selected { (format::short(chosen, 60)) }
                }
                @if self.has_more_services { option disabled { (self.lang.tr("more services: search for service.name=…")) } }
            } }
        }
    }

    /// The form field of a search. A script completes it.
    pub(crate) fn search_field(&self, name: &str, value: &str, target: Target) -> Markup {
        html! {
            div.wide {
                label { (self.lang.tr("Search")) input #search type="search" name=(name) value=(value)
                    placeholder=(target.example()) data-complete=(target.name()) aria-describedby="syntax"; }
            }
        }
    }

    /// A summary of the search language, at the end of the form.
    pub(crate) fn search_syntax(&self) -> Markup {
        let terms = [
            ("key=value", ""),
            ("!= > >= < <=", ""),
            ("~", self.lang.tr("contains")),
            ("-", self.lang.tr("not")),
            ("OR ( )", ""),
            ("\"…\"", self.lang.tr("quotes")),
        ];
        html! {
            small #syntax.quiet {
                @for (code, meaning) in terms { span { code { (code) } @if !meaning.is_empty() { " " (meaning) } } }
            }
        }
    }

    /// The CSS class of a service's colour.
    pub(crate) fn colour(&self, name: &str) -> String {
        let place = self.services.iter().position(|service| service == name).unwrap_or(7);
        format!("s{}", place % 8)
    }
}

/// A page that explains what is wrong with an address.
#[derive(Debug, Serialize)]
pub(crate) struct NotFound {
    pub(crate) error: String,
    #[serde(skip)]
    pub(crate) link: &'static str,
    #[serde(skip)]
    pub(crate) title: &'static str,
    /// Text of the link to the list of all items.
    #[serde(skip)]
    pub(crate) all: &'static str,
}

impl View for NotFound {
    fn html(&self, context: &Context) -> Content {
        let to = if self.link.is_empty() { "/" } else { self.link };
        Content {
            link: self.link,
            title: context.lang.tr(self.title).to_owned(),
            fixed: html! { p { a href=(to) { (context.lang.tr(self.all)) } } },
            live: PreEscaped(String::new()),
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::NOT_FOUND
    }
}

/// `GET` of an unknown path.
pub(crate) async fn not_found(State(console): State<Arc<Console>>, preferences: Preferences) -> Response {
    let view = NotFound {
        error: "page not found".to_owned(),
        link: "",
        title: crate::lang::tr_noop("Page not found"),
        all: crate::lang::tr_noop("To the overview"),
    };
    console.respond(preferences, view)
}

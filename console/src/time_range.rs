//! The time that a page shows, from its address: `?last=5m`, or `?from=…&to=…`. Every link of the page keeps
//! it.

use std::borrow::Cow;
use std::time::UNIX_EPOCH;

use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use maud::{Markup, html};
use serde::Serialize;

use crate::lang::tr_noop;
use crate::page::{Content, Context, View};
use crate::pages::format;
use crate::pages::parameter::InvalidParameter;

/// The parameters of an address that select a time.
const NAMES: [&str; 3] = ["last", "from", "to"];
/// Parameters that continue a list. Another time begins a new list.
const PAGING: [&str; 2] = ["before", "skip"];
/// The choices, and their texts.
const CHOICES: [(&str, &str); 5] = [
    ("1m", tr_noop("last 1 min")),
    ("5m", tr_noop("last 5 min")),
    ("15m", tr_noop("last 15 min")),
    ("1h", tr_noop("last 1 h")),
    (ALL, tr_noop("all")),
];
const ALL: &str = "all";
/// Maximum number of bytes of a parameter.
const MAX_VALUE: usize = 64;

/// A range of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeRange {
    /// The first nanosecond since 1970 that belongs to it.
    pub from: u64,
    /// The first one after it; `u64::MAX` if it has no end. The range of `?last=` has none, so that it
    /// includes telemetry of a sender whose clock is ahead.
    pub to: u64,
    query: String,
}

impl Default for TimeRange {
    /// All times.
    fn default() -> Self {
        Self { from: 0, to: u64::MAX, query: String::new() }
    }
}

impl TimeRange {
    /// The range that the query of an address selects at `now`; without one, all times.
    pub(crate) fn from_uri(uri: &Uri, now: u64) -> Result<Self, InvalidParameter> {
        let [last, from, to] = NAMES.map(|name| value(uri.query().unwrap_or_default(), name));
        // Each link of a page will contain them.
        for (name, value) in NAMES.into_iter().zip([&last, &from, &to]) {
            if value.len() > MAX_VALUE {
                return Err(InvalidParameter::new(name, value, tr_noop("at most 64 bytes")));
            }
        }
        let (first, end) = (time("from", &from)?, time("to", &to)?);
        if !last.is_empty() && (first.is_some() || end.is_some()) {
            return Err(InvalidParameter::new("last", &last, tr_noop("either last, or from and to")));
        }
        if first.zip(end).is_some_and(|(from, to)| from >= to) {
            return Err(InvalidParameter::new("to", &to, tr_noop("a time after the one of from")));
        }
        let first = match last.as_str() {
            "" => first,
            ALL => None,
            last => match humantime::parse_duration(last) {
                Ok(duration) => {
                    Some(now.saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
                }
                Err(_) => {
                    let expected = tr_noop("a duration, such as 5m or 1h, or all");
                    return Err(InvalidParameter::new("last", last, expected));
                }
            },
        };
        Ok(Self {
            from: first.unwrap_or(0),
            to: end.unwrap_or(u64::MAX),
            query: format::query(&[("last", &last), ("from", &from), ("to", &to)]),
        })
    }

    /// The part of an address that selects it, such as `last=5m`; empty if the address selected no time.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Whether the address selected a time, or explicitly all times.
    pub(crate) fn is_chosen(&self) -> bool {
        !self.query.is_empty()
    }

    /// Whether nothing is left out.
    pub(crate) fn is_all(&self) -> bool {
        self.from == 0 && self.to == u64::MAX
    }

    /// Whether something that lasted from `start` to `end` happened in it, at least in part.
    pub(crate) fn overlaps(&self, start: u64, end: u64) -> bool {
        start < self.to && end >= self.from
    }

    /// Adds it to all links and search forms of a page that select no time, except downloads and links to
    /// other sites. It is done here for all pages, so that no link is forgotten.
    pub(crate) fn keep_in(&self, page: String) -> String {
        if self.query.is_empty() {
            return page;
        }
        let mut kept = String::with_capacity(page.len() + page.len() / 8);
        let mut rest = page.as_str();
        // In an attribute, `<` and `>` are escaped.
        while let Some(at) = rest.find('<') {
            let end = rest[at..].find('>').map_or(rest.len(), |end| at + end + 1);
            kept.push_str(&rest[..at]);
            let tag = &rest[at..end];
            if tag.starts_with("<a ") {
                kept.push_str(&self.link(tag));
            } else {
                kept.push_str(tag);
                if tag.starts_with("<form ") && !tag.contains(" method=\"") && !tag.contains("time-range") {
                    kept.push_str(&self.fields().into_string());
                }
            }
            rest = &rest[end..];
        }
        kept.push_str(rest);
        kept
    }

    /// A link, with the range in its address.
    fn link<'a>(&self, tag: &'a str) -> Cow<'a, str> {
        let Some(start) = tag.find("href=\"").map(|at| at + 6) else { return tag.into() };
        let end = tag[start..].find(['"', '#']).map_or(tag.len(), |end| start + end);
        let (path, query) =
            tag[start..end].split_once('?').map_or((&tag[start..end], None), |(p, q)| (p, Some(q)));
        let selects =
            |pair: &str| NAMES.iter().any(|name| pair.split_once('=').is_some_and(|(key, _)| key == *name));
        let is_foreign = path.contains(':') || path.starts_with("//");
        let is_target = path.is_empty() && query.is_none();
        if is_foreign
            || is_target
            || tag.contains(" download")
            || query.is_some_and(|q| q.split("&amp;").any(selects))
        {
            return tag.into();
        }
        let separator = if query.is_some() { "&amp;" } else { "?" };
        format!("{}{separator}{}{}", &tag[..end], self.query.replace('&', "&amp;"), &tag[end..]).into()
    }

    /// Fields of a form that keep it.
    fn fields(&self) -> Markup {
        html! {
            @for (name, value) in pairs(&self.query) { input type="hidden" name=(name) value=(value); }
        }
    }
}

/// The names and values of a query.
fn pairs(query: &str) -> Vec<(String, String)> {
    let uri = Uri::builder().path_and_query(format!("/?{query}")).build();
    uri.ok().and_then(|uri| Query::try_from_uri(&uri).ok()).map_or_else(Vec::new, |Query(pairs)| pairs)
}

/// The value of a parameter; empty if it is not there.
fn value(query: &str, name: &str) -> String {
    pairs(query).into_iter().find(|(key, _)| key == name).map_or_else(String::new, |(_, value)| value)
}

/// Nanoseconds since 1970, of a time in UTC. Seconds and `Z` may be left out.
fn time(name: &'static str, text: &str) -> Result<Option<u64>, InvalidParameter> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(None);
    }
    let parse = |text: &str| humantime::parse_rfc3339_weak(text).ok()?.duration_since(UNIX_EPOCH).ok();
    let since_1970 = parse(trimmed).or_else(|| parse(&format!("{trimmed}:00")));
    match since_1970.and_then(|time| u64::try_from(time.as_nanos()).ok()) {
        Some(time) => Ok(Some(time)),
        None => {
            Err(InvalidParameter::new(name, text, tr_noop("a time in UTC, such as 2026-01-02T03:04:05Z")))
        }
    }
}

/// The part of an address that selects the time from `from` to `to`, in whole seconds.
pub(crate) fn between(from: u64, to: u64) -> [(&'static str, String); 2] {
    let second = 1_000_000_000;
    let text = |seconds: u64| format::date_and_time(seconds.saturating_mul(second)).replace(".000", "");
    [("from", text(from / second)), ("to", text(to.div_ceil(second)))]
}

impl Context {
    /// The choice of the time, as links and as a form. `default`: what the page shows if none was chosen.
    pub(crate) fn choose_range(&self, default: &str) -> Markup {
        let lang = self.lang;
        let last = value(&self.range.query, "last");
        // They are kept in the form if they are wrong, too.
        let [from, to] = ["from", "to"].map(|name| value(self.uri.query().unwrap_or_default(), name));
        let is_absolute = !from.is_empty() || !to.is_empty();
        // Empty if the time is absolute.
        let current = if self.range.query.is_empty() { default } else { &last };
        let is_other = |name: &str| !NAMES.contains(&name) && !PAGING.contains(&name);
        let fields: Vec<_> = pairs(self.uri.query().unwrap_or_default())
            .into_iter()
            .filter(|(name, _)| is_other(name))
            .collect();
        let address = |last: &str| {
            let others = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            format::address(self.uri.path(), &others.chain([("last", last)]).collect::<Vec<_>>())
        };
        html! {
            div.tabs.time-ranges role="group" aria-label=(lang.tr("Time range")) {
                @for (last, text) in CHOICES {
                    a href=(address(last)) aria-current=[(last == current).then_some("true")] { (lang.tr(text)) }
                }
                @if !current.is_empty() && CHOICES.iter().all(|(choice, _)| *choice != current) {
                    a href=(address(current)) aria-current="true" { (lang.trf("last {time}", &[("time", &current)])) }
                }
                details open[is_absolute] {
                    summary { (lang.tr("from … to …")) }
                    form.filter.time-range action=(self.uri.path()) {
                        @for (name, value) in &fields { input type="hidden" name=(name) value=(value); }
                        label { (lang.tr("From (UTC)")) input name="from" value=(from) size="20" placeholder="2026-01-02T03:04:05Z"; }
                        label { (lang.tr("To (UTC)")) input name="to" value=(to) size="20" placeholder="2026-01-02T03:05:05Z"; }
                        button { (lang.tr("Show")) }
                    }
                }
            }
        }
    }
}

/// A page that explains what is wrong with the range of its address.
#[derive(Serialize)]
pub(crate) struct InvalidRange {
    pub(crate) error: InvalidParameter,
    #[serde(skip)]
    pub(crate) link: &'static str,
}

impl View for InvalidRange {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        Content {
            link: self.link,
            title: lang.tr("Invalid time range").to_owned(),
            fixed: context.choose_range(""),
            live: html! { p.notice.bad { (self.error.text(lang)) } },
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot continue should panic")]

    use super::{TimeRange, between};

    const NOW: u64 = 1_767_323_045_000_000_000;

    fn range(query: &str) -> TimeRange {
        TimeRange::from_uri(&format!("/traces?{query}").parse().unwrap(), NOW).unwrap()
    }

    #[test]
    fn a_link_keeps_the_range_unless_it_selects_one_or_leads_elsewhere() {
        let range = range("from=2026-01-02T03:04:05Z&to=2026-01-02%2003:05");
        let kept = "from=2026-01-02T03%3A04%3A05Z&amp;to=2026-01-02%2003%3A05";
        for (link, expected) in [
            (r#"<a href="/traces">"#, format!(r#"<a href="/traces?{kept}">"#)),
            (
                r##"<a class="x" href="?span=1#s-1">"##,
                format!(r##"<a class="x" href="?span=1&amp;{kept}#s-1">"##),
            ),
            (
                r#"<a href="README.md">&lt;a href="x"</a>"#,
                format!(r#"<a href="README.md?{kept}">&lt;a href="x"</a>"#),
            ),
            (r##"<a href="#logs">"##, r##"<a href="#logs">"##.to_owned()),
            (r#"<a href="/?a=1&amp;last=5m">"#, r#"<a href="/?a=1&amp;last=5m">"#.to_owned()),
            (r#"<a href="https://example.org/a">"#, r#"<a href="https://example.org/a">"#.to_owned()),
            (r#"<a href="/save" download="">"#, r#"<a href="/save" download="">"#.to_owned()),
            (r#"<form method="post" action="/x">"#, r#"<form method="post" action="/x">"#.to_owned()),
        ] {
            assert_eq!(range.keep_in(link.to_owned()), expected);
        }
        let form = range.keep_in(r#"<form action="/logs"></form>"#.to_owned());
        assert!(form.contains(r#"<input type="hidden" name="from" value="2026-01-02T03:04:05Z">"#), "{form}");
    }

    #[test]
    fn a_range_is_relative_absolute_or_all_times() {
        let minute = 60_000_000_000;
        assert_eq!((range("last=5m").from, range("last=5m").to), (NOW - 5 * minute, u64::MAX));
        assert!(range("").is_all() && range("last=all").is_all() && range("from=&to=").is_all());
        let [(_, from), (_, to)] = between(NOW + 1, NOW + minute + 1);
        assert_eq!([from.as_str(), &to], ["2026-01-02T03:04:05Z", "2026-01-02T03:05:06Z"]);
        let absolute = range(&format!("from={from}&to={to}"));
        assert_eq!((absolute.from, absolute.to), (NOW, NOW + 61_000_000_000));
    }
}

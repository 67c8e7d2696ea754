//! Parsers for the values of options; each error says what is expected.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use url::Url;

pub(super) fn positive(text: &str) -> Result<u32, &'static str> {
    text.parse().ok().filter(|number| *number > 0).ok_or("expected a whole number from 1 to 4294967295")
}

pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "expected a duration, for example 500ms, 30s, 1h30m or 0")
}

pub(super) fn longer_than_zero(text: &str) -> Result<Duration, &'static str> {
    let parsed = duration(text).ok().filter(|duration| !duration.is_zero());
    parsed.ok_or("expected a duration longer than zero, for example 500ms, 30s or 1m")
}

pub(super) fn url(text: &str) -> Result<Url, &'static str> {
    match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err("expected a URL without user and password; --header 'Authorization: …' sends them")
        }
        Ok(mut url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            url.set_fragment(None);
            Ok(url)
        }
        _ => Err("expected an http:// or https:// URL, for example http://localhost:8080/handson"),
    }
}

pub(super) fn method(text: &str) -> Result<Method, &'static str> {
    // Methods are case-sensitive: `get` would be a different method, which no server supports.
    text.to_ascii_uppercase().parse().map_err(|_| "expected an HTTP method, for example GET or POST")
}

pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let parsed = text.split_once(':').and_then(|(name, value)| {
        Some((name.trim().parse().ok()?, HeaderValue::from_str(value.trim()).ok()?))
    });
    parsed.ok_or("expected 'Name: value', for example 'Authorization: Bearer abc'")
}

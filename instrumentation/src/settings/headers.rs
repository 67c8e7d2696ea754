//! `OTEL_EXPORTER_OTLP_HEADERS`: `api-key=secret,tenant=shop`, in the form of W3C Baggage with values
//! percent-encoded:
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables>.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use super::variables::{InvalidVariable, Variables};

/// The headers in variable `name`. The SDK silently ignores a malformed one, and the collector then rejects
/// everything.
pub(super) fn parse(variables: &Variables<'_>, name: &str) -> Result<Option<HeaderMap>, InvalidVariable> {
    let expected = "a list of NAME=VALUE separated by commas, with values percent-encoded";
    variables
        .parsed(name, expected, |text| text.split(',').map(|pair| header(pair.trim())).collect())
        // A header may contain a key, so only the names are shown.
        .map_err(|error| InvalidVariable { value: names(&error.value), ..error })
}

fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    let name = name.trim().parse().ok()?;
    let value = value.trim();
    // `a=b;c=d` is one header with properties in Baggage, but that is never intended for a collector.
    if value.contains(';') {
        return None;
    }
    Some((name, HeaderValue::from_str(&percent_decoded(value)?).ok()?))
}

/// `None` if a `%` is not followed by two hex digits: `percent_decode_str` would leave it as it is.
fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    let is_encoded =
        |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    let is_valid = text.split('%').skip(1).all(is_encoded);
    is_valid.then(|| percent_decode_str(text).decode_utf8().ok()).flatten()
}

fn names(text: &str) -> String {
    let pairs = text.split(',').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{name}=***"),
        None if pair.is_empty() => String::new(),
        // This may be the rest of a key that contains a comma.
        None => "***".to_owned(),
    });
    pairs.collect::<Vec<_>>().join(",")
}

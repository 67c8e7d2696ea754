//! The parts of the semantic conventions for HTTP that servers and clients have in common:
//! <https://opentelemetry.io/docs/specs/semconv/http/>.

use std::borrow::Cow;

use http::{Method, Version};
use opentelemetry::metrics::{Histogram, Meter};

/// Bucket boundaries in seconds that the conventions recommend for `http.*.request.duration`.
const DURATION_BOUNDARIES: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Query parameters whose values the conventions redact by default.
const SECRET_PARAMETERS: [&str; 4] = ["AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"];

/// The value of `http.request.method`: one of the known methods, so that a caller cannot create new values.
pub(crate) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => OTHER_METHOD,
    }
}

/// The value of `http.request.method` for every method that the conventions do not know.
pub(crate) const OTHER_METHOD: &str = "_OTHER";

/// The name of a span without a route: the method, or `HTTP` for an unknown one.
pub(crate) fn span_name(method: &'static str) -> &'static str {
    if method == OTHER_METHOD { "HTTP" } else { method }
}

/// `network.protocol.version`.
pub(crate) fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// A query string without the values of secret parameters.
pub(crate) fn redacted_query(query: &str) -> Cow<'_, str> {
    let is_secret = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, _)| SECRET_PARAMETERS.contains(&name))
    };
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(query);
    }
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if is_secret(parameter) => format!("{name}=REDACTED"),
        _ => parameter.to_owned(),
    });
    Cow::Owned(parameters.collect::<Vec<_>>().join("&"))
}

/// A histogram of request durations in seconds.
pub(crate) fn duration(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(DURATION_BOUNDARIES.to_vec())
        .build()
}

// ANCHOR: server-spans
//! What HTTP servers and clients say alike, by the semantic conventions for HTTP.

use http::{Method, Version};
use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute;
// ANCHOR: client-spans
use url::Url;
// ANCHOR_END: client-spans

/// Values of these query parameters are secrets; the list is the conventions'.
const SECRETS: [&str; 4] = ["AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"];

/// `http.request.method`: one of the known methods, so that its number stays small whatever callers send.
pub(super) fn method(method: &Method) -> &'static str {
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
        _ => "_OTHER",
    }
}

/// The name of a span whose route is not known.
pub(super) fn span_name(method: &'static str) -> &'static str {
    if method == "_OTHER" { "HTTP" } else { method }
}

/// `network.protocol.version`.
pub(super) fn protocol_version(version: Version) -> KeyValue {
    let version = match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    };
    KeyValue::new(attribute::NETWORK_PROTOCOL_VERSION, version)
}

// ANCHOR: client-spans
/// `url.full`: without user and password, and without secrets in the query.
pub(super) fn url_full(url: &Url) -> String {
    if url.username().is_empty() && url.password().is_none() && url.query().is_none() {
        return url.as_str().to_owned();
    }
    let mut public = url.clone();
    // Fails only for URLs without a host, which no HTTP client can call.
    let _ = public.set_username("");
    let _ = public.set_password(None);
    let query = url.query().map(url_query);
    public.set_query(query.as_deref());
    public.into()
}
// ANCHOR_END: client-spans

/// `url.query`: with the secrets redacted.
pub(super) fn url_query(query: &str) -> String {
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if SECRETS.contains(&name) => format!("{name}=REDACTED"),
        _ => parameter.to_owned(),
    });
    parameters.collect::<Vec<_>>().join("&")
}
// ANCHOR_END: server-spans

//! The attributes of a server span that are known when the request arrives.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::uri::Authority;
use axum::http::{HeaderName, Request, header};
use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute;

use crate::http_semconv::{self, OTHER_METHOD};

/// `url.scheme`. A request in origin form (`GET /path`) has none; then TLS, if any, ended before this server,
/// which itself uses HTTP.
pub(super) fn scheme<B>(request: &Request<B>) -> &'static str {
    match request.uri().scheme_str() {
        Some("https") => "https",
        _ => "http",
    }
}

/// The attributes except method, scheme, protocol version and route, with capacity for these.
pub(super) fn attributes<B>(request: &Request<B>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(14);
    if http_semconv::method(request.method()) == OTHER_METHOD {
        let method = request.method().as_str().to_owned();
        attributes.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD_ORIGINAL, method));
    }
    attributes.push(KeyValue::new(attribute::URL_PATH, request.uri().path().to_owned()));
    if let Some(query) = request.uri().query().filter(|query| !query.is_empty()) {
        let query = http_semconv::redacted_query(query).into_owned();
        attributes.push(KeyValue::new(attribute::URL_QUERY, query));
    }
    server(request, &mut attributes);
    if let Some(ConnectInfo(client)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        attributes.push(KeyValue::new(attribute::CLIENT_ADDRESS, client.ip().to_string()));
    }
    if let Some(user_agent) = text(request, header::USER_AGENT) {
        attributes.push(KeyValue::new(attribute::USER_AGENT_ORIGINAL, user_agent.to_owned()));
    }
    attributes
}

/// `server.address` and `server.port`: the host that the caller addressed. In HTTP/2 it is in the URI, in
/// HTTP/1.1 in `Host`.
fn server<B>(request: &Request<B>, attributes: &mut Vec<KeyValue>) {
    let host: Option<Authority> = text(request, header::HOST).and_then(|host| host.parse().ok());
    let Some(authority) = request.uri().authority().or(host.as_ref()) else { return };
    let default_port = if scheme(request) == "https" { 443 } else { 80 };
    let port = authority.port_u16().unwrap_or(default_port);
    // An IPv6 address has brackets in a URI, but not as an attribute.
    let address = authority.host().trim_matches(['[', ']']).to_owned();
    attributes.push(KeyValue::new(attribute::SERVER_ADDRESS, address));
    attributes.push(KeyValue::new(attribute::SERVER_PORT, i64::from(port)));
}

fn text<B>(request: &Request<B>, name: HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok().filter(|value| !value.is_empty())
}

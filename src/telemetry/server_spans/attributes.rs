// ANCHOR: server-spans
//! What a SERVER span says of its request.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, header};
use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute;

use crate::telemetry::http_attributes;

/// The attributes that are known before the request is served. This server speaks plain HTTP: TLS ends before it.
pub(super) fn of_request(
    request: &Request,
    method: &'static str,
    route: Option<&String>,
    version: &KeyValue,
) -> Vec<KeyValue> {
    let mut about = Vec::with_capacity(14);
    about.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD, method));
    if method == "_OTHER" {
        about.push(KeyValue::new(
            attribute::HTTP_REQUEST_METHOD_ORIGINAL,
            request.method().as_str().to_owned(),
        ));
    }
    about.extend(route.map(|route| KeyValue::new(attribute::HTTP_ROUTE, route.clone())));
    about.push(KeyValue::new(attribute::URL_SCHEME, "http"));
    about.push(KeyValue::new(attribute::URL_PATH, request.uri().path().to_owned()));
    if let Some(query) = request.uri().query().filter(|query| !query.is_empty()) {
        about.push(KeyValue::new(attribute::URL_QUERY, http_attributes::url_query(query)));
    }
    about.push(version.clone());
    if let Some(host) = text(request.headers(), header::HOST) {
        let (address, port) = match host.rsplit_once(':') {
            Some((address, port)) if !port.ends_with(']') => (address, port.parse().unwrap_or(80)),
            _ => (host, 80),
        };
        about.push(KeyValue::new(attribute::SERVER_ADDRESS, address.to_owned()));
        about.push(KeyValue::new(attribute::SERVER_PORT, port));
    }
    if let Some(ConnectInfo(client)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        about.push(KeyValue::new(attribute::CLIENT_ADDRESS, client.ip().to_string()));
    }
    if let Some(agent) = text(request.headers(), header::USER_AGENT) {
        about.push(KeyValue::new(attribute::USER_AGENT_ORIGINAL, agent.to_owned()));
    }
    about
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().filter(|value| !value.is_empty())
}
// ANCHOR_END: server-spans

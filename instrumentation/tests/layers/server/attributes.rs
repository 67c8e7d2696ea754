//! The name, the kind and every attribute of a server span, by value.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Version};
use axum::routing::get;
use axum::{Router, extract::ConnectInfo};
use instrumentation::server::ServerLayer;
use opentelemetry::trace::{SpanKind, Status};
use tokio::sync::Notify;
use tower::ServiceExt;

use super::start;
use crate::http::{client, send_lines};
use crate::support::{Telemetry, attribute, attributes};

/// The span of one request, which is sent unchanged.
async fn span(head: &[&str]) -> opentelemetry_sdk::trace::SpanData {
    let telemetry = Telemetry::new();
    let address = start(&telemetry.instrumentation(), &Arc::new(Notify::new())).await;
    send_lines(address, head).await;
    telemetry.span(SpanKind::Server)
}

#[tokio::test]
async fn a_span_has_every_attribute_with_the_value_of_the_request() {
    let telemetry = Telemetry::new();
    let address = start(&telemetry.instrumentation(), &Arc::new(Notify::new())).await;
    let request = client()
        .post(format!("http://{address}/items/4%202?color=red&sig=s3cr3t&AWSAccessKeyId=AKIA&x=%C3%A9"))
        .header("user-agent", "tests/1.0 (桜)")
        .header("authorization", "Bearer s3cr3t");
    request.send().await.expect("the server answers");

    let span = telemetry.span(SpanKind::Server);
    assert_eq!(span.name, "POST /items/{id}");
    assert_eq!(span.status, Status::Unset);
    assert!(span.events.events.is_empty(), "{:?}", span.events);
    let port = format!("server.port={}", address.port());
    // A user agent that is not ASCII cannot be read as text, so it is left out.
    assert_eq!(
        attributes(&span.attributes),
        [
            r#"client.address="127.0.0.1""#,
            r#"http.request.method="POST""#,
            "http.response.status_code=200",
            r#"http.route="/items/{id}""#,
            r#"network.protocol.version="1.1""#,
            r#"server.address="127.0.0.1""#,
            port.as_str(),
            r#"url.path="/items/4%202""#,
            r#"url.query="color=red&sig=REDACTED&AWSAccessKeyId=REDACTED&x=%C3%A9""#,
            r#"url.scheme="http""#,
        ]
    );
}

#[tokio::test]
async fn the_scope_names_the_crate_its_version_and_the_conventions() {
    let span = span(&["GET /items/1 HTTP/1.1", "host: shop"]).await;
    let scope = &span.instrumentation_scope;
    assert_eq!(scope.name(), "handson-instrumentation");
    assert_eq!(scope.version(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(scope.schema_url(), Some(instrumentation::SCHEMA_URL));
}

#[tokio::test]
async fn the_user_agent_is_recorded_as_it_was_sent() {
    let sent = span(&["GET /items/1 HTTP/1.1", "host: shop", "user-agent: curl/8.9 (x; y)"]).await;
    assert_eq!(attribute(&sent, "user_agent.original").as_deref(), Some(r#""curl/8.9 (x; y)""#));
    let empty = span(&["GET /items/1 HTTP/1.1", "host: shop", "user-agent:"]).await;
    assert_eq!(attribute(&empty, "user_agent.original"), None);
}

#[tokio::test]
async fn the_address_of_the_server_is_the_host_that_the_caller_addressed() {
    let cases = [
        ("shop.example:8080", Some(("shop.example", 8080))),
        ("shop.example", Some(("shop.example", 80))),
        ("[::1]:8080", Some(("::1", 8080))),
        ("[2001:db8::7]", Some(("2001:db8::7", 80))),
        ("127.0.0.1:80", Some(("127.0.0.1", 80))),
        ("not a host", None),
        ("", None),
    ];
    for (host, expected) in cases {
        let span = span(&["GET /items/1 HTTP/1.1", &format!("host: {host}")]).await;
        let found = (attribute(&span, "server.address"), attribute(&span, "server.port"));
        let expected = expected.map(|(address, port)| (format!("{address:?}"), port.to_string()));
        assert_eq!(found.0.zip(found.1), expected, "host: {host}");
    }
}

#[tokio::test]
async fn the_version_of_the_protocol_is_that_of_the_request() {
    let span = span(&["GET /items/1 HTTP/1.0"]).await;
    assert_eq!(attribute(&span, "network.protocol.version").as_deref(), Some(r#""1.0""#));
    // HTTP/1.0 does not require Host, and the conventions have no other source for the address.
    assert_eq!(attribute(&span, "server.address"), None);
    assert_eq!(attribute(&span, "server.port"), None);
}

#[tokio::test]
async fn an_unknown_method_is_recorded_as_other_and_in_its_original_form() {
    let known = span(&["PATCH /items/1 HTTP/1.1", "host: shop"]).await;
    assert_eq!(known.name, "PATCH /items/{id}");
    assert_eq!(attribute(&known, "http.request.method_original"), None);

    let unknown = span(&["PURGE /items/1 HTTP/1.1", "host: shop"]).await;
    assert_eq!(unknown.name, "HTTP /items/{id}");
    assert_eq!(attribute(&unknown, "http.request.method").as_deref(), Some(r#""_OTHER""#));
    assert_eq!(attribute(&unknown, "http.request.method_original").as_deref(), Some(r#""PURGE""#));
}

#[tokio::test]
async fn an_unknown_path_has_no_route_and_is_named_by_its_method_only() {
    let span = span(&["GET /nothing/here HTTP/1.1", "host: shop"]).await;
    assert_eq!(span.name, "GET");
    assert_eq!(attribute(&span, "http.route"), None);
    assert_eq!(attribute(&span, "url.path").as_deref(), Some(r#""/nothing/here""#));
    assert_eq!(attribute(&span, "url.query"), None);
    assert_eq!(attribute(&span, "http.response.status_code").as_deref(), Some("404"));
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn a_status_of_500_and_above_is_an_error_and_one_below_is_not() {
    for code in [200, 302, 400, 404, 429, 499] {
        let span = span(&[&format!("GET /status/{code} HTTP/1.1"), "host: shop"]).await;
        assert_eq!((span.status.clone(), attribute(&span, "error.type")), (Status::Unset, None), "{code}");
    }
    for code in [500, 503, 599] {
        let span = span(&[&format!("GET /status/{code} HTTP/1.1"), "host: shop"]).await;
        assert_eq!(span.status, Status::error(""), "{code}");
        assert_eq!(attribute(&span, "error.type"), Some(format!("\"{code}\"")));
        assert_eq!(attribute(&span, "http.response.status_code"), Some(code.to_string()));
    }
}

/// A request as hyper passes it to the router for HTTP/2 over TLS: the scheme and the host are in the URI.
#[tokio::test]
async fn scheme_and_host_come_from_the_uri_if_it_has_them() {
    let telemetry = Telemetry::new();
    let router: Router = Router::new()
        .route("/items", get(|| async { "items" }))
        .layer(ServerLayer::new(&telemetry.instrumentation()));
    let mut request = Request::get("https://shop.example/items?")
        .version(Version::HTTP_2)
        .header("host", "other.example:1")
        .body(Body::empty())
        .expect("the request is valid");
    let client: std::net::SocketAddr = "[2001:db8::9]:50000".parse().expect("the address is valid");
    request.extensions_mut().insert(ConnectInfo(client));
    router.oneshot(request).await.expect("a router always answers");

    assert_eq!(
        attributes(&telemetry.span(SpanKind::Server).attributes),
        [
            r#"client.address="2001:db8::9""#,
            r#"http.request.method="GET""#,
            "http.response.status_code=200",
            r#"http.route="/items""#,
            r#"network.protocol.version="2""#,
            r#"server.address="shop.example""#,
            "server.port=443",
            r#"url.path="/items""#,
            r#"url.scheme="https""#,
        ]
    );
}

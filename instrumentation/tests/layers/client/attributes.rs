//! The name, the kind and every attribute of a client span, by value.

use opentelemetry::trace::{SpanKind, Status};
use reqwest::{Method, Request, Url};

use super::{Callee, call, recorded};
use crate::support::{Telemetry, attribute, attributes};

#[tokio::test]
async fn a_span_has_every_attribute_with_the_value_of_the_call() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let request = recorded(&telemetry.instrumentation()).put(callee.url("/echo?page=2&q=%C3%A9"));
    let response = request.header("authorization", "Bearer s3cr3t").send().await;
    response.expect("the server answers").bytes().await.expect("the body arrives");

    let span = telemetry.span(SpanKind::Client);
    assert_eq!(span.name, "PUT");
    assert_eq!(span.status, Status::Unset);
    assert!(span.events.events.is_empty(), "{:?}", span.events);
    let scope = &span.instrumentation_scope;
    assert_eq!((scope.name(), scope.version()), ("handson-instrumentation", Some(env!("CARGO_PKG_VERSION"))));
    assert_eq!(scope.schema_url(), Some(instrumentation::SCHEMA_URL));
    let port = format!("server.port={}", callee.address.port());
    let url = format!("url.full={:?}", callee.url("/echo?page=2&q=%C3%A9"));
    assert_eq!(
        attributes(&span.attributes),
        [
            r#"http.request.method="PUT""#,
            "http.response.status_code=200",
            r#"network.protocol.version="1.1""#,
            r#"server.address="127.0.0.1""#,
            port.as_str(),
            url.as_str(),
        ]
    );
}

#[tokio::test]
async fn the_full_url_has_no_credentials_and_no_secrets() {
    let callee = Callee::start().await;
    let address = callee.address;
    let cases = [
        (format!("http://user:s3cr3t@{address}/echo"), callee.url("/echo")),
        (format!("http://user@{address}/echo?a=b"), callee.url("/echo?a=b")),
        (callee.url("/echo?sig=s3cr3t"), callee.url("/echo?sig=REDACTED")),
        (
            callee.url("/echo?a=b&Signature=x&AWSAccessKeyId=y&X-Goog-Signature=z&sig"),
            callee.url("/echo?a=b&Signature=REDACTED&AWSAccessKeyId=REDACTED&X-Goog-Signature=REDACTED&sig"),
        ),
        (callee.url("/echo?signal=x"), callee.url("/echo?signal=x")),
        (callee.url("/echo?"), callee.url("/echo?")),
    ];
    for (url, expected) in cases {
        let telemetry = Telemetry::new();
        // Not with `get`, which converts user and password to a header before a middleware sees them.
        let request = Request::new(Method::GET, Url::parse(&url).expect("the URL is valid"));
        recorded(&telemetry.instrumentation()).execute(request).await.expect("the server answers");
        let span = telemetry.span(SpanKind::Client);
        assert_eq!(attribute(&span, "url.full"), Some(format!("{expected:?}")), "{url}");
    }
}

#[tokio::test]
async fn an_unknown_method_is_recorded_as_other() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let method = Method::from_bytes(b"PURGE").expect("a valid method");
    let request = recorded(&telemetry.instrumentation()).request(method, callee.url("/echo"));
    request.send().await.expect("the server answers");
    let span = telemetry.span(SpanKind::Client);
    assert_eq!(span.name, "HTTP");
    assert_eq!(attribute(&span, "http.request.method").as_deref(), Some(r#""_OTHER""#));
    assert_eq!(attribute(&span, "http.request.method_original").as_deref(), Some(r#""PURGE""#));
}

#[tokio::test]
async fn a_url_without_port_gets_the_default_port_and_an_ipv6_address_has_no_brackets() {
    let cases = [
        ("http://shop.invalid/", "shop.invalid", 80),
        ("https://shop.invalid/", "shop.invalid", 443),
        ("http://[::1]:9/", "::1", 9),
    ];
    // Port 9, on which no proxy listens, is used so that no name is resolved.
    let proxy = reqwest::Proxy::all("http://127.0.0.1:9").expect("a valid URL");
    let client = crate::http::client_builder().proxy(proxy).build().expect("the options are valid");
    for (url, address, port) in cases {
        let telemetry = Telemetry::new();
        let client = super::with_middleware(client.clone(), &telemetry.instrumentation());
        client.get(url).send().await.expect_err("nothing listens there");
        let span = telemetry.span(SpanKind::Client);
        assert_eq!(attribute(&span, "server.address"), Some(format!("{address:?}")), "{url}");
        assert_eq!(attribute(&span, "server.port"), Some(format!("{port}")), "{url}");
    }
}

#[tokio::test]
async fn without_a_tracer_provider_calls_pass_through_unchanged() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    for off in [
        instrumentation::Instrumentation::new(),
        instrumentation::Instrumentation::new().with_meter_provider(&telemetry.meters),
    ] {
        assert_eq!(call(&recorded(&off), callee.url("/echo")).await, "", "no traceparent is sent");
    }
    assert!(telemetry.metric_names().is_empty());
}

#[tokio::test]
async fn without_a_meter_provider_there_are_spans_and_no_metrics() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    call(&recorded(&telemetry.without_metrics()), callee.url("/echo")).await;
    telemetry.span(SpanKind::Client);
    assert!(telemetry.metric_names().is_empty());
}

//! axum-tracing-opentelemetry: the server span as a `tracing` span.

use ::axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use axum::http::Method;
use opentelemetry::trace::SpanKind;

use crate::faults::{Faults, modules};
use crate::server::{client, request, routes, serve};
use crate::telemetry::Telemetry;

#[tokio::test]
async fn axum_tracing_opentelemetry_creates_a_span_with_these_faults() {
    let telemetry = Telemetry::new();
    let _guard = telemetry.subscribe();
    let layer = OtelAxumLayer::default().try_extract_client_ip(true);
    let address = serve(routes(Default::default()).fallback(|| async { "no route" }).layer(layer)).await;
    request(Method::GET, &format!("http://{address}/items/42?sig=secret")).await;
    request(Method::GET, &format!("http://{address}/fail")).await;
    request(
        Method::from_bytes(b"PURGE").expect("a token is a method"),
        &format!("http://{address}/items/42"),
    )
    .await;
    client().get(format!("http://{address}/no/route")).send().await.expect("the server answers");

    let spans = telemetry.spans(SpanKind::Server);
    let [item, failure, unknown, no_route] = spans.as_slice() else {
        panic!("expected four server spans, got {spans:?}")
    };
    assert_eq!(item.0.name, "GET /items/{id}");
    assert!(item.has("http.response.status_code", 200) && item.has_int("server.port"), "{item:?}");
    assert!(
        item.has("server.address", "127.0.0.1") && item.has("network.protocol.version", "1.1"),
        "{item:?}"
    );

    Faults::found_in("axum-tracing-opentelemetry 0.42", modules::SERVER)
        .gone_if("sets `url.scheme`", item.has("url.scheme", "http"))
        .gone_if("leaves the port out of `client.address`", item.has("client.address", "127.0.0.1"))
        .gone_if("redacts secrets in `url.query`", item.has("url.query", "sig=REDACTED"))
        .gone_if("leaves the unregistered `span.type` out", item.get("span.type").is_none())
        .gone_if("sets `error.type`", failure.get("error.type").is_some())
        .gone_if("records an unknown method as `_OTHER`", unknown.has("http.request.method", "_OTHER"))
        .gone_if("leaves `http.route` out if no route matches", no_route.get("http.route").is_none())
        .gone_if(
            "leaves `user_agent.original` out if there is none",
            no_route.get("user_agent.original").is_none(),
        )
        .assert_all_remain();
}

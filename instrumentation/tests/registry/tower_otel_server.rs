//! tower-otel, the layers for a server: span and metrics.

use std::sync::Arc;

use axum::http::Method;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::SpanKind;
use tokio::sync::Notify;
use tower_otel::{metrics, trace};
use tracing::Level;

use crate::faults::{Faults, modules};
use crate::server::{client, request, request_and_give_up, routes, serve};
use crate::telemetry::Telemetry;

const CRATE: &str = "tower-otel 0.12";

#[tokio::test]
async fn tower_otel_creates_a_server_span_with_these_faults() {
    let telemetry = Telemetry::new();
    let _guard = telemetry.subscribe();
    let slow = Arc::new(Notify::new());
    let address = serve(routes(Arc::clone(&slow)).layer(trace::HttpLayer::server(Level::INFO))).await;
    request(Method::GET, &format!("http://{address}/items/42?sig=secret")).await;
    request(Method::GET, &format!("http://{address}/fail")).await;
    request(
        Method::from_bytes(b"PURGE").expect("a token is a method"),
        &format!("http://{address}/items/42"),
    )
    .await;
    let from_ipv6 = client().get(format!("http://{address}/items/42")).header("host", "[::1]:8080").send();
    from_ipv6.await.expect("the server answers");
    request_and_give_up(address, &slow).await;

    let spans = telemetry.spans(SpanKind::Server);
    let [item, failure, unknown, from_ipv6, given_up] = spans.as_slice() else {
        panic!("expected five server spans, got {spans:?}")
    };
    assert_eq!((item.0.name.as_ref(), unknown.0.name.as_ref()), ("GET /items/{id}", "HTTP /items/{id}"));
    assert!(
        item.has("http.response.status_code", 200) && item.has("client.address", "127.0.0.1"),
        "{item:?}"
    );
    assert!(
        item.has("server.address", "127.0.0.1") && item.has("network.protocol.version", "1.1"),
        "{item:?}"
    );
    assert!(unknown.has("http.request.method", "_OTHER"), "{unknown:?}");
    assert!(given_up.has("error.type", "cancelled"), "{given_up:?}");

    Faults::found_in(CRATE, modules::SERVER)
        .gone_if("sets `url.scheme` without a proxy's header", item.get("url.scheme").is_some())
        .gone_if("sets `user_agent.original`", item.get("user_agent.original").is_some())
        .gone_if("redacts secrets in `url.query`", item.has("url.query", "sig=REDACTED"))
        .gone_if("records `server.port` as a number", item.has_int("server.port"))
        .gone_if("keeps the `authorization` header off the span", {
            !item.has("http.request.header.authorization", "Bearer secret-token")
        })
        .gone_if("keeps the `set-cookie` header off the span", {
            !item.has("http.response.header.set-cookie", "session=1")
        })
        .gone_if("sets `error.type` on a 5xx", failure.get("error.type").is_some())
        .gone_if("sets `http.request.method_original`", unknown.get("http.request.method_original").is_some())
        .gone_if("reads an IPv6 address in the `host` header", from_ipv6.has("server.address", "::1"))
        .assert_all_remain();
}

#[tokio::test]
async fn tower_otel_creates_server_metrics_with_these_faults() {
    let telemetry = Telemetry::new();
    let slow = Arc::new(Notify::new());
    let layer = metrics::HttpLayer::server(&telemetry.meters.meter("tower-otel"));
    let address = serve(routes(Arc::clone(&slow)).layer(layer)).await;
    request(Method::GET, &format!("http://{address}/items/42")).await;
    request(Method::GET, &format!("http://{address}/fail")).await;
    request_and_give_up(address, &slow).await;

    let duration =
        telemetry.metric("tower-otel", "http.server.request.duration").expect("it records the duration");
    assert_eq!((duration.instrument, duration.unit.as_str()), ("histogram", "s"));
    let active =
        telemetry.metric("tower-otel", "http.server.active_requests").expect("it counts active requests");
    assert!(
        active.series.iter().all(|series| series.value == 0.0),
        "expected no active request, got {active:?}"
    );
    let item = duration.series("http.route", "/items/{id}").expect("a series of the item");
    let failure = duration.series("http.route", "/fail").expect("a series of the failure");

    Faults::found_in(CRATE, modules::SERVER)
        .gone_if(
            "sets `url.scheme` on its metrics without a proxy's header",
            item.get("url.scheme").is_some(),
        )
        .gone_if("sets `error.type` on its metrics for a 5xx", failure.get("error.type").is_some())
        .gone_if("keeps the caller's `host` header out of its metrics", item.get("server.address").is_none())
        .assert_all_remain();
}

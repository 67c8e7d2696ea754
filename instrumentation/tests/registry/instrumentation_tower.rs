//! opentelemetry-instrumentation-tower: the server span and the metrics of requests, from OpenTelemetry's
//! contributors.

use std::sync::Arc;

use axum::http::Method;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_instrumentation_tower::http::server::Layer;
use tokio::sync::Notify;

use crate::faults::{Faults, modules};
use crate::server::{request, request_and_give_up, routes, serve};
use crate::telemetry::Telemetry;

const CRATE: &str = "opentelemetry-instrumentation-tower 0.19";
const SCOPE: &str = "opentelemetry-instrumentation-tower";

#[tokio::test]
async fn instrumentation_tower_creates_span_and_metrics_with_these_faults() {
    let telemetry = Telemetry::global();
    let slow = Arc::new(Notify::new());
    let address = serve(routes(Arc::clone(&slow)).layer(Layer::new())).await;
    request(Method::GET, &format!("http://{address}/items/42?sig=secret")).await;
    request(Method::GET, &format!("http://{address}/fail")).await;
    request(
        Method::from_bytes(b"PURGE").expect("a token is a method"),
        &format!("http://{address}/items/42"),
    )
    .await;
    request_and_give_up(address, &slow).await;

    // The test of the example uses the same providers.
    let mut spans = telemetry.spans(SpanKind::Server);
    spans.retain(|span| !span.has("http.route", "/example"));
    let [item, failure, unknown, _] = spans.as_slice() else {
        panic!("expected four server spans, got {spans:?}")
    };
    assert_eq!(item.0.name, "GET /items/{id}");
    assert!(item.has("http.response.status_code", 200) && item.has("url.query", "sig=REDACTED"), "{item:?}");
    let duration = telemetry.metric(SCOPE, "http.server.request.duration").expect("it records the duration");
    assert_eq!((duration.instrument, duration.unit.as_str()), ("histogram", "s"));
    let item_duration = duration.series("http.route", "/items/{id}").expect("a series of the item");
    let failure_duration = duration.series("http.route", "/fail").expect("a series of the failure");
    let active = telemetry.metric(SCOPE, "http.server.active_requests").expect("it counts active requests");

    Faults::found_in(CRATE, modules::SERVER)
        .gone_if("sets `url.scheme`", item.has("url.scheme", "http"))
        .gone_if("sets `url.scheme` on its metrics", item_duration.get("url.scheme") == Some(&"http".into()))
        .gone_if("sets `server.address`", item.get("server.address").is_some())
        .gone_if("sets `client.address`", item.get("client.address").is_some())
        .gone_if(
            "sets `network.protocol.version` on the span",
            item.get("network.protocol.version").is_some(),
        )
        .gone_if("sets `error.type`", failure.get("error.type").is_some())
        .gone_if("sets `error.type` on its metrics", failure_duration.get("error.type").is_some())
        .gone_if("gives a failed span no description that repeats the status code", {
            failure.0.status == Status::error("")
        })
        .gone_if("records an unknown method as `_OTHER`", unknown.has("http.request.method", "_OTHER"))
        .gone_if("counts down `http.server.active_requests` when the client gives up", {
            active.series.iter().all(|series| series.value == 0.0)
        })
        .assert_all_remain();
}

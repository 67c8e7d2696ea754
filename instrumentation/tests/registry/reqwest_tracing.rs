//! reqwest-tracing: the client span as a `tracing` span, for reqwest-middleware.
//!
//! Its features for OpenTelemetry end at 0.32. Without one of them it sends no `traceparent`, so the called
//! service starts a new trace. The rest of the crate only uses `tracing`, and is tested here.

use ::reqwest_tracing::{SpanBackendWithUrl, TracingMiddleware};
use opentelemetry::trace::{SpanKind, Status};
use reqwest_middleware::ClientBuilder;

use crate::faults::{Faults, modules};
use crate::server::{client, closed, routes, serve};
use crate::telemetry::Telemetry;

#[tokio::test]
async fn reqwest_tracing_creates_a_span_with_these_faults() {
    let telemetry = Telemetry::new();
    let _guard = telemetry.subscribe();
    let address = serve(routes(Default::default())).await;
    let by_default = ClientBuilder::new(client()).with(TracingMiddleware::default()).build();
    let with_url = ClientBuilder::new(client()).with(TracingMiddleware::<SpanBackendWithUrl>::new()).build();
    by_default.get(format!("http://{address}/items/42")).send().await.expect("the server answers");
    with_url.get(format!("http://{address}/fail?sig=secret")).send().await.expect("the server answers");
    by_default.get(format!("http://{}/", closed().await)).send().await.expect_err("nothing listens");

    let spans = telemetry.spans(SpanKind::Client);
    let [item, failure, no_connection] = spans.as_slice() else {
        panic!("expected three client spans, got {spans:?}")
    };
    assert_eq!(item.0.name, "GET");
    assert!(item.has("server.address", "127.0.0.1") && item.has("http.request.method", "GET"), "{item:?}");
    assert!(matches!(failure.0.status, Status::Error { .. }), "{failure:?}");

    Faults::found_in("reqwest-tracing 0.7", modules::CLIENT)
        .gone_if("records `server.port` as a number", item.has_int("server.port"))
        .gone_if("records the status as a number", item.has_int("http.response.status_code"))
        .gone_if("sets `url.full` by default", item.get("url.full").is_some())
        .gone_if("redacts secrets in `url.full`", {
            failure.has("url.full", format!("http://{address}/fail?sig=REDACTED"))
        })
        .gone_if(
            "leaves `user_agent.original` out if there is none",
            item.get("user_agent.original").is_none(),
        )
        .gone_if("sets `network.protocol.version`", item.get("network.protocol.version").is_some())
        .gone_if("sets `error.type` on a status of 400 and above", failure.get("error.type").is_some())
        .gone_if("sets `error.type` if no response arrives", no_connection.get("error.type").is_some())
        .gone_if(
            "leaves the unregistered `error.cause_chain` out",
            no_connection.get("error.cause_chain").is_none(),
        )
        .assert_all_remain();
}

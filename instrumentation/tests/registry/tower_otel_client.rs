//! tower-otel, the layers for reqwest (feature `reqwest_013`): client span and metrics.

use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{SpanKind, Status};
use reqwest::{Client, Request};
use tower::{ServiceBuilder, ServiceExt};
use tower_otel::{metrics, trace};
use tracing::Level;

use crate::faults::{Faults, modules};
use crate::server::{client, closed, routes, serve};
use crate::telemetry::Telemetry;

const CRATE: &str = "tower-otel 0.12";

fn get(client: &Client, url: &str) -> Request {
    client.get(url).header("x-api-key", "secret-key").build().expect("the request is valid")
}

#[tokio::test]
async fn tower_otel_creates_a_client_span_with_these_faults() {
    let telemetry = Telemetry::new();
    let _guard = telemetry.subscribe();
    let address = serve(routes(Default::default())).await;
    let client = client();
    let service = ServiceBuilder::new().layer(trace::HttpLayer::client(Level::INFO)).service(client.clone());
    let send = |url: String| service.clone().oneshot(get(&client, &url));
    let echo = send(format!("http://{address}/echo?sig=secret")).await.expect("the server answers");
    let traceparent = echo.text().await.expect("the body arrives");
    send(format!("http://{address}/fail")).await.expect("the server answers");
    send(format!("http://{}/", closed().await)).await.expect_err("nothing listens");

    let spans = telemetry.spans(SpanKind::Client);
    let [echo, failure, no_connection] = spans.as_slice() else {
        panic!("expected three client spans, got {spans:?}")
    };
    assert_eq!(echo.0.name, "GET");
    let context = &echo.0.span_context;
    assert_eq!(traceparent, format!("00-{}-{}-01", context.trace_id(), context.span_id()));
    assert!(
        echo.has("server.address", "127.0.0.1") && echo.has("http.response.status_code", 200),
        "{echo:?}"
    );
    assert!(matches!(failure.0.status, Status::Error { .. }), "{failure:?}");
    assert!(matches!(no_connection.0.status, Status::Error { .. }), "{no_connection:?}");

    Faults::found_in(CRATE, modules::CLIENT)
        .gone_if("records `server.port` as a number", echo.has_int("server.port"))
        .gone_if("redacts secrets in `url.full`", {
            echo.has("url.full", format!("http://{address}/echo?sig=REDACTED"))
        })
        .gone_if("keeps request headers off the span", echo.get("http.request.header.x-api-key").is_none())
        .gone_if("sets `error.type` on a status of 400 and above", failure.get("error.type").is_some())
        .gone_if("sets `error.type` if no response arrives", no_connection.get("error.type").is_some())
        .gone_if("leaves the deprecated `error.message` out", no_connection.get("error.message").is_none())
        .assert_all_remain();
}

#[tokio::test]
async fn tower_otel_creates_client_metrics_with_these_faults() {
    let telemetry = Telemetry::new();
    let address = serve(routes(Default::default())).await;
    let client = client();
    let layer = metrics::HttpLayer::client(&telemetry.meters.meter("tower-otel"));
    let service = ServiceBuilder::new().layer(layer).service(client.clone());
    let send = |url: String| service.clone().oneshot(get(&client, &url));
    send(format!("http://{address}/echo")).await.expect("the server answers");
    send(format!("http://{address}/fail")).await.expect("the server answers");
    let closed = closed().await;
    send(format!("http://{closed}/")).await.expect_err("nothing listens");

    let duration =
        telemetry.metric("tower-otel", "http.client.request.duration").expect("it records the duration");
    assert_eq!((duration.instrument, duration.unit.as_str()), ("histogram", "s"));
    let echo = duration.series("http.response.status_code", 200).expect("a series of the echo");
    assert_eq!(echo.get("server.address"), Some(&"127.0.0.1".into()));
    assert_eq!(echo.get("server.port"), Some(&i64::from(address.port()).into()));
    assert_eq!(echo.get("url.scheme"), Some(&"http".into()));
    let failure = duration.series("http.response.status_code", 500).expect("a series of the failure");
    let no_connection =
        duration.series("server.port", i64::from(closed.port())).expect("a series of the error");
    let error_type = no_connection.get("error.type").expect("it sets the error type").as_str();

    Faults::found_in(CRATE, modules::CLIENT)
        .gone_if("sets `error.type` on its metrics for a 5xx", failure.get("error.type").is_some())
        .gone_if("keeps the URL out of `error.type`", !error_type.contains(&closed.to_string()))
        .assert_all_remain();
}

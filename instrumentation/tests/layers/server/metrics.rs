//! The metrics of the server layer.

use std::sync::Arc;

use tokio::sync::Notify;

use super::start;
use crate::http::{client, send_lines};
use crate::support::{Telemetry, attributes};

const DURATION: &str = "http.server.request.duration";
const ACTIVE: &str = "http.server.active_requests";

#[tokio::test]
async fn the_duration_is_recorded_once_per_request_in_one_series_per_combination() {
    let telemetry = Telemetry::new();
    let address = start(&telemetry.instrumentation(), &Arc::new(Notify::new())).await;
    for request in [
        "GET /items/1 HTTP/1.1",
        "GET /items/2?x=y HTTP/1.1",
        "POST /items/1 HTTP/1.1",
        "BREW /items/1 HTTP/1.1",
        "STIR /items/1 HTTP/1.1",
        "GET /status/503 HTTP/1.1",
        "GET /nothing HTTP/1.1",
        "GET /items/3 HTTP/1.0",
    ] {
        send_lines(address, &[request, "host: shop"]).await;
    }

    let mut series: Vec<_> = telemetry
        .durations(DURATION)
        .iter()
        .map(|point| (attributes(point.attributes()).join(" "), point.count()))
        .collect();
    series.sort();
    let item = |method: &str, version: &str| {
        format!(
            "http.request.method={method:?} http.response.status_code=200 http.route=\"/items/{{id}}\" \
             network.protocol.version={version:?} url.scheme=\"http\""
        )
    };
    let failure = "error.type=\"503\" http.request.method=\"GET\" http.response.status_code=503 \
                   http.route=\"/status/{code}\" network.protocol.version=\"1.1\" url.scheme=\"http\"";
    let unknown = "http.request.method=\"GET\" http.response.status_code=404 \
                   network.protocol.version=\"1.1\" url.scheme=\"http\"";
    let mut expected = [
        (item("GET", "1.1"), 2),
        (item("POST", "1.1"), 1),
        (item("_OTHER", "1.1"), 2),
        (item("GET", "1.0"), 1),
        (failure.to_owned(), 1),
        (unknown.to_owned(), 1),
    ];
    expected.sort();
    assert_eq!(series, expected);
}

#[tokio::test]
async fn the_duration_is_in_seconds_with_the_boundaries_of_the_conventions() {
    let telemetry = Telemetry::new();
    let address = start(&telemetry.instrumentation(), &Arc::new(Notify::new())).await;
    let before = std::time::Instant::now();
    send_lines(address, &["GET /items/1 HTTP/1.1", "host: shop"]).await;
    let at_most = before.elapsed().as_secs_f64();

    let points = telemetry.durations(DURATION);
    let [point] = points.as_slice() else { panic!("expected one series, got {points:?}") };
    assert!(point.sum() > 0.0 && point.sum() <= at_most, "{} s of {at_most} s", point.sum());
    assert_eq!(
        point.bounds().collect::<Vec<_>>(),
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
    );
    let words =
        |name| telemetry.metric(name, |metric| (metric.unit().to_owned(), metric.description().to_owned()));
    let (s, requests) = ("s".to_owned(), "{request}".to_owned());
    assert_eq!(words(DURATION), Some((s, "Duration of HTTP server requests.".to_owned())));
    assert_eq!(words(ACTIVE), Some((requests, "Number of active HTTP server requests.".to_owned())));
}

#[tokio::test]
async fn the_sum_is_the_time_that_the_handler_took() {
    let telemetry = Telemetry::new();
    let pause = std::time::Duration::from_millis(30);
    let handler = move || tokio::time::sleep(pause);
    let router = axum::Router::new().route("/", axum::routing::get(handler));
    let layer = instrumentation::server::ServerLayer::new(&telemetry.instrumentation());
    let address = crate::http::serve(router.layer(layer)).await;
    client().get(format!("http://{address}/")).send().await.expect("the server answers");

    let sum = telemetry.durations(DURATION)[0].sum();
    assert!((0.03..10.0).contains(&sum), "{sum} s");
}

#[tokio::test]
async fn active_requests_are_counted_for_each_method_and_are_0_after_the_responses() {
    let telemetry = Telemetry::new();
    let slow = Arc::new(Notify::new());
    let address = start(&telemetry.instrumentation(), &slow).await;
    let series = |method: &str, count| {
        (vec![format!("http.request.method={method:?}"), r#"url.scheme="http""#.to_owned()], count)
    };
    let first = tokio::spawn(client().get(format!("http://{address}/slow")).send());
    slow.notified().await;
    let second = tokio::spawn(client().get(format!("http://{address}/slow")).send());
    slow.notified().await;
    send_lines(address, &["POST /items/1 HTTP/1.1", "host: shop"]).await;
    assert_eq!(telemetry.numbers(ACTIVE), [series("GET", 2), series("POST", 0)]);

    first.abort();
    second.abort();
    tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while telemetry.numbers(ACTIVE) != [series("GET", 0), series("POST", 0)] {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("requests that were given up are no longer active");
}

#[tokio::test]
async fn the_scope_of_the_metrics_is_that_of_the_spans() {
    let telemetry = Telemetry::new();
    let address = start(&telemetry.instrumentation(), &Arc::new(Notify::new())).await;
    send_lines(address, &["GET /items/1 HTTP/1.1", "host: shop"]).await;
    let scopes = telemetry.metric_scopes();
    let [scope] = scopes.as_slice() else { panic!("expected one scope, got {scopes:?}") };
    assert_eq!(scope.name(), "handson-instrumentation");
    assert_eq!(scope.version(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(scope.schema_url(), Some(instrumentation::SCHEMA_URL));
}

#[tokio::test]
async fn every_route_of_a_large_router_has_its_own_series() {
    // More routes than the layer has bound instruments.
    const ROUTES: usize = 300;
    let telemetry = Telemetry::new();
    let mut router = axum::Router::new();
    for route in 0..ROUTES {
        router = router.route(&format!("/{route}"), axum::routing::get(|| async {}));
    }
    let mut router = router.layer(instrumentation::server::ServerLayer::new(&telemetry.instrumentation()));
    for route in (0..ROUTES).chain(0..ROUTES) {
        let request = axum::http::Request::get(format!("/{route}")).body(axum::body::Body::empty());
        let response = tower::Service::call(&mut router, request.expect("a valid request")).await;
        assert_eq!(response.expect("infallible").status(), 200);
    }
    let counts: Vec<u64> = telemetry.durations(DURATION).iter().map(|point| point.count()).collect();
    assert_eq!(counts, [2; ROUTES]);
}

//! `examples/registry`: its additions to the crates make their telemetry correct.

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, map_request};
use axum::routing::get;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use reqwest_middleware::ClientBuilder;
use reqwest_tracing::TracingMiddleware;

use crate::server::{client, closed, request, routes, serve};
use crate::telemetry::Telemetry;

#[path = "../../examples/registry/by_hand.rs"]
#[expect(dead_code, reason = "the rest sets up the example")]
mod by_hand;

#[tokio::test]
async fn the_server_span_and_its_metric_are_complete_with_the_additions_of_the_example() {
    let telemetry = Telemetry::global();
    let layer = LayerBuilder::builder().with_response_extractor_fn(by_hand::error_type).build();
    let router = Router::new()
        .route("/example", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .layer(from_fn(by_hand::complete_server_span))
        .layer(layer.expect("the options are valid"))
        .layer(map_request(by_hand::set_scheme));
    let address = serve(router).await;
    request(Method::GET, &format!("http://{address}/example")).await;

    let spans = telemetry.spans(SpanKind::Server);
    let span = spans.iter().find(|span| span.has("http.route", "/example")).expect("a span of the request");
    assert!(span.has("server.port", i64::from(address.port())), "{span:?}");
    for (name, value) in [
        ("url.scheme", "http"),
        ("url.path", "/example"),
        ("http.route", "/example"),
        ("server.address", "127.0.0.1"),
        ("client.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("user_agent.original", "registry-test"),
        ("error.type", "500"),
    ] {
        assert!(span.has(name, value), "expected {name}={value} on {span:?}");
    }
    let scope = "opentelemetry-instrumentation-tower";
    let duration = telemetry.metric(scope, "http.server.request.duration").expect("it records the duration");
    let series = duration.series("http.route", "/example").expect("a series of the request");
    assert_eq!(series.get("url.scheme"), Some(&"http".into()));
    assert_eq!(series.get("error.type"), Some(&"500".into()));
}

#[tokio::test]
async fn the_client_span_is_complete_and_propagated_with_the_additions_of_the_example() {
    let telemetry = Telemetry::new();
    let _guard = telemetry.subscribe();
    let address = serve(routes(Default::default())).await;
    let client = ClientBuilder::new(client())
        .with(TracingMiddleware::<by_hand::ClientSpan>::new())
        .with(by_hand::Traceparent)
        .build();
    let send = |url: String| client.get(url).send();
    let echo = send(format!("http://{address}/echo?sig=secret")).await.expect("the server answers");
    let traceparent = echo.text().await.expect("the body arrives");
    send(format!("http://{address}/fail")).await.expect("the server answers");
    send(format!("http://{}/", closed().await)).await.expect_err("nothing listens");

    let spans = telemetry.spans(SpanKind::Client);
    let [echo, failure, no_connection] = spans.as_slice() else {
        panic!("expected three client spans, got {spans:?}")
    };
    let context = &echo.0.span_context;
    assert_eq!(traceparent, format!("00-{}-{}-01", context.trace_id(), context.span_id()));
    assert_eq!((echo.0.name.as_ref(), &echo.0.status), ("GET", &Status::Unset));
    assert!(echo.has("url.full", format!("http://{address}/echo")), "{echo:?}");
    assert!(echo.has("server.port", i64::from(address.port())), "{echo:?}");
    assert!(echo.has("http.response.status_code", 200), "{echo:?}");
    assert!(echo.has("network.protocol.version", "1.1"), "{echo:?}");
    assert!(failure.has("error.type", "500") && failure.0.status == Status::error(""), "{failure:?}");
    assert!(no_connection.has("error.type", "_OTHER"), "{no_connection:?}");
}

#[tokio::test]
async fn a_query_has_a_client_span_with_the_additions_of_the_example() {
    let telemetry = Telemetry::new();
    let _guard = telemetry.subscribe();
    let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.expect("SQLite is compiled in");
    by_hand::sqlite_version(&pool).await.expect("the query is valid");
    // sqlx's own thread keeps the span a little longer than the query takes.
    pool.close().await;

    let span = telemetry.span(SpanKind::Client);
    assert_eq!(span.0.name, "SELECT");
    assert!(span.has("db.system.name", "sqlite") && span.has("db.operation.name", "SELECT"), "{span:?}");
    assert!(span.has("db.query.text", "SELECT sqlite_version()"), "{span:?}");
}

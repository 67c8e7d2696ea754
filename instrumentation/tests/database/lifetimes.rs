//! The start and the end of a query's span.

use futures_util::{FutureExt, StreamExt, TryStreamExt};
use opentelemetry::trace::Status;

use crate::support::{attribute, recorded};

/// More rows than sqlx reads in advance.
const MANY_ROWS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT i FROM n";

#[tokio::test]
async fn a_span_ends_with_its_stream() {
    let (telemetry, pool) = recorded().await;
    let mut rows = sqlx::query(MANY_ROWS).bind(1000).fetch(&pool);
    for _ in 0..1000 {
        rows.try_next().await.expect("a row").expect("a row");
        assert!(telemetry.spans().is_empty(), "the span ended before the stream");
    }
    assert!(rows.try_next().await.expect("the end").is_none());
    assert_eq!(telemetry.only_span().status, Status::Unset);
    drop(rows);
    assert_eq!(telemetry.query_spans().len(), 1);
    assert_eq!(telemetry.durations()[0].count(), 1);
}

#[tokio::test]
async fn a_stream_that_is_dropped_early_is_a_query_without_an_error() {
    let (telemetry, pool) = recorded().await;
    let mut rows = sqlx::query(MANY_ROWS).bind(1000).fetch(&pool);
    rows.next().await.expect("a row").expect("a row");
    drop(rows);

    let span = telemetry.only_span();
    assert_eq!(span.status, Status::Unset);
    assert_eq!(attribute(&span, "error.type"), None);
    assert_eq!(telemetry.durations()[0].count(), 1);
}

#[tokio::test]
async fn a_stream_that_fails_midway_is_one_failed_query() {
    let (telemetry, pool) = recorded().await;
    let query = "SELECT 1 UNION ALL SELECT abs(i) FROM (SELECT -9223372036854775808 AS i)";
    let mut rows = sqlx::query(query).fetch(&pool);
    rows.next().await.expect("a row").expect("a row");
    rows.next().await.expect("an error").expect_err("an overflow");
    drop(rows);

    assert_eq!(attribute(&telemetry.only_span(), "error.type"), Some("1".into()));
}

#[tokio::test]
async fn a_cancelled_query_is_recorded_without_an_error() {
    let (telemetry, pool) = recorded().await;
    let connection = pool.acquire().await.expect("the only connection");
    let mut query = Box::pin(sqlx::query("SELECT name FROM users").fetch_one(&pool));
    assert!(query.as_mut().now_or_never().is_none(), "the query has to wait for the connection");
    assert!(telemetry.spans().is_empty(), "the span ended before the query");
    drop(query);
    drop(connection);

    let span = telemetry.only_span();
    assert_eq!(span.status, Status::Unset);
    assert_eq!(attribute(&span, "error.type"), None);
    assert_eq!(telemetry.durations()[0].count(), 1);
}

#[tokio::test]
async fn a_query_that_is_never_polled_is_not_recorded() {
    let (telemetry, pool) = recorded().await;
    drop(sqlx::query("SELECT 1").fetch(&pool));
    drop(sqlx::query("SELECT 1").fetch_one(&pool));

    assert!(telemetry.spans().is_empty());
    assert!(telemetry.durations().is_empty());
}

//! The span of a failed query.

use std::time::Duration;

use instrumentation::database::Pool;
use opentelemetry::trace::Status;
use sqlx::sqlite::SqlitePoolOptions;

use crate::support::{Telemetry, attribute, attributes, recorded};

#[tokio::test]
async fn a_syntax_error_has_the_code_of_the_database() {
    let (telemetry, pool) = recorded().await;
    let error = sqlx::query("SELECT FROM FROM").execute(&pool).await.expect_err("a syntax error");

    let span = telemetry.only_span();
    assert_eq!(attribute(&span, "error.type"), Some("1".into()));
    assert_eq!(attribute(&span, "db.response.status_code"), Some("1".into()));
    assert_eq!(span.status, Status::error(error.to_string()));
    assert!(span.events.is_empty(), "the caller records the exception, got {:?}", span.events);

    let points = telemetry.durations();
    assert_eq!(points.len(), 1, "unexpected points: {points:?}");
    assert_eq!(points[0].count(), 1);
    assert_eq!(
        attributes(points[0].attributes()),
        ["db.namespace=users.db", "db.response.status_code=1", "db.system.name=sqlite", "error.type=1",]
    );
}

#[tokio::test]
async fn a_violated_constraint_has_the_extended_code() {
    let (telemetry, pool) = recorded().await;
    sqlx::query("INSERT INTO users (name) VALUES (?)")
        .bind("Alice")
        .execute(pool.operation("INSERT", "users"))
        .await
        .expect_err("a name that is not unique");

    let span = telemetry.only_span();
    assert_eq!(span.name, "INSERT users");
    assert_eq!(attribute(&span, "error.type"), Some("2067".into()));
    assert_eq!(attribute(&span, "db.response.status_code"), Some("2067".into()));
}

#[tokio::test]
async fn an_error_without_a_code_has_the_name_of_its_kind() {
    let telemetry = Telemetry::new();
    let inner = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(10))
        .connect("sqlite::memory:")
        .await
        .expect("in memory");
    let pool = Pool::new(inner, &telemetry.instrumentation());

    let connection = pool.acquire().await.expect("the only connection");
    sqlx::query("SELECT 1").execute(&pool).await.expect_err("no connection is free");
    drop(connection);
    pool.inner().close().await;
    sqlx::query("SELECT 1").execute(&pool).await.expect_err("the pool is closed");

    let spans = telemetry.query_spans();
    assert_eq!(spans.len(), 2);
    assert_eq!(attribute(&spans[0], "error.type"), Some("pool_timed_out".into()));
    assert_eq!(attribute(&spans[1], "error.type"), Some("pool_closed".into()));
    for span in &spans {
        assert_eq!(attribute(span, "db.response.status_code"), None);
        assert!(matches!(span.status, Status::Error { .. }), "unexpected status: {:?}", span.status);
    }
}

#[tokio::test]
async fn a_row_that_is_not_found_is_not_a_database_error() {
    let (telemetry, pool) = recorded().await;
    let error = sqlx::query("SELECT name FROM users WHERE id = ?").bind(3).fetch_one(&pool).await;
    assert!(matches!(error, Err(sqlx::Error::RowNotFound)), "there is no third user");

    let span = telemetry.only_span();
    assert_eq!(span.status, Status::Unset);
    assert_eq!(attribute(&span, "error.type"), None);
    assert_eq!(telemetry.durations().len(), 1);
}

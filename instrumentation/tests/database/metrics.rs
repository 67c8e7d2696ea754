//! `db.client.operation.duration`.

use std::time::Instant;

use instrumentation::Instrumentation;
use instrumentation::database::Pool;

use crate::support::{Telemetry, attributes, recorded, users};

#[tokio::test]
async fn the_histogram_counts_each_operation() {
    let (telemetry, pool) = recorded().await;
    let start = Instant::now();
    for _ in 0..7 {
        sqlx::query("SELECT name FROM users")
            .fetch_all(pool.operation("SELECT", "users"))
            .await
            .expect("users");
    }
    sqlx::query("UPDATE users SET name = 'Carol' WHERE id = 1")
        .execute(pool.operation("UPDATE", "users"))
        .await
        .expect("an update");
    for _ in 0..3 {
        sqlx::query("SELECT nothing")
            .fetch_all(pool.operation("SELECT", "users"))
            .await
            .expect_err("a column");
    }
    let elapsed = start.elapsed().as_secs_f64();

    let mut points = telemetry.durations();
    points.sort_by_key(|point| point.count());
    let counts: Vec<_> = points.iter().map(|point| point.count()).collect();
    assert_eq!(counts, [1, 3, 7]);
    let sum: f64 = points.iter().map(|point| point.sum()).sum();
    assert!(sum > 0.0 && sum < elapsed, "expected a sum of at most {elapsed} s, got {sum} s");
    for point in &points {
        let bounds: Vec<_> = point.bounds().collect();
        assert_eq!(bounds, [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]);
    }
    assert_eq!(
        attributes(points[2].attributes()),
        [
            "db.collection.name=users",
            "db.namespace=users.db",
            "db.operation.name=SELECT",
            "db.query.summary=SELECT users",
            "db.system.name=sqlite",
        ]
    );
    let failed = attributes(points[1].attributes());
    assert!(failed.contains(&"error.type=1".to_owned()), "expected the failures, got {failed:?}");
    let updated = attributes(points[0].attributes());
    assert!(updated.contains(&"db.operation.name=UPDATE".to_owned()), "expected the update, got {updated:?}");
}

#[tokio::test]
async fn the_metric_has_the_scope_of_this_crate() {
    let (telemetry, pool) = recorded().await;
    sqlx::query("SELECT 1").execute(&pool).await.expect("a row");

    let exported = telemetry.exported().expect("a metric");
    let scope = exported.scope_metrics().next().expect("a scope").scope();
    assert_eq!(scope.name(), "handson-instrumentation");
    assert_eq!(scope.version(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(scope.schema_url(), Some("https://opentelemetry.io/schemas/1.44.0"));
}

#[tokio::test]
async fn each_signal_is_recorded_alone_if_there_is_only_one_provider() {
    let telemetry = Telemetry::new();
    let traces = Pool::new(users().await, &telemetry.traces_only());
    sqlx::query("SELECT 1").execute(&traces).await.expect("a row");
    assert_eq!(telemetry.query_spans().len(), 1);
    assert!(telemetry.durations().is_empty());

    let metrics = Pool::new(users().await, &telemetry.metrics_only());
    sqlx::query("SELECT 1").execute(&metrics).await.expect("a row");
    sqlx::query("SELECT nothing").execute(&metrics).await.expect_err("a column");
    assert_eq!(telemetry.query_spans().len(), 1);
    assert_eq!(telemetry.durations().len(), 2);
}

#[tokio::test]
async fn without_providers_queries_run_and_nothing_is_recorded() {
    let telemetry = Telemetry::new();
    let pool = Pool::new(users().await, &Instrumentation::new()).with_namespace("users.db");
    sqlx::query("SELECT name FROM users").fetch_one(&pool).await.expect("a user");
    sqlx::query("SELECT name FROM users").fetch_all(pool.operation("SELECT", "users")).await.expect("users");
    let mut transaction = pool.begin().await.expect("a transaction");
    sqlx::query("DELETE FROM users").execute(transaction.executor()).await.expect("a delete");
    transaction.rollback().await.expect("a rollback");
    let users: i64 =
        sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&pool).await.expect("a count");

    assert_eq!(users, 2);
    assert!(telemetry.spans().is_empty());
    assert!(telemetry.durations().is_empty());
}

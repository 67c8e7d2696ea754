//! Transactions and connections.

use crate::support::{names, recorded};

#[tokio::test]
async fn a_transaction_records_its_queries_and_its_commit() {
    let (telemetry, pool) = recorded().await;
    let mut transaction = pool.begin().await.expect("a transaction");
    sqlx::query("INSERT INTO users (name) VALUES (?)")
        .bind("Carol")
        .execute(transaction.operation("INSERT", "users"))
        .await
        .expect("an insert");
    sqlx::query("SELECT name FROM users").fetch_all(transaction.executor()).await.expect("users");
    transaction.commit().await.expect("a commit");

    assert_eq!(names(&telemetry.query_spans()), ["BEGIN", "INSERT users", "users.db", "COMMIT"]);
    assert_eq!(count(&pool).await, 3);
}

#[tokio::test]
async fn a_rollback_undoes_the_queries_and_is_recorded() {
    let (telemetry, pool) = recorded().await;
    let mut transaction = pool.begin().await.expect("a transaction");
    sqlx::query("DELETE FROM users").execute(transaction.executor()).await.expect("a delete");
    transaction.rollback().await.expect("a rollback");

    assert_eq!(names(&telemetry.query_spans()), ["BEGIN", "users.db", "ROLLBACK"]);
    assert_eq!(count(&pool).await, 2);
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back() {
    let (telemetry, pool) = recorded().await;
    let mut transaction = pool.begin().await.expect("a transaction");
    sqlx::query("DELETE FROM users").execute(transaction.executor()).await.expect("a delete");
    drop(transaction);

    assert_eq!(count(&pool).await, 2);
    assert_eq!(names(&telemetry.query_spans()), ["BEGIN", "users.db"]);
}

#[tokio::test]
async fn a_savepoint_is_rolled_back_alone() {
    let (telemetry, pool) = recorded().await;
    let mut connection = pool.acquire().await.expect("a connection");
    let mut outer = connection.begin().await.expect("a transaction");
    sqlx::query("DELETE FROM users WHERE id = 1").execute(outer.executor()).await.expect("a delete");
    let mut inner = outer.begin().await.expect("a savepoint");
    sqlx::query("DELETE FROM users").execute(inner.operation("DELETE", "users")).await.expect("a delete");
    inner.rollback().await.expect("a rollback");
    outer.commit().await.expect("a commit");
    sqlx::query("SELECT name FROM users").fetch_all(connection.executor()).await.expect("a user");
    sqlx::query("SELECT name FROM users")
        .fetch_all(connection.operation("SELECT", "users"))
        .await
        .expect("a user");
    drop(connection);

    assert_eq!(
        names(&telemetry.query_spans()),
        ["BEGIN", "users.db", "SAVEPOINT", "DELETE users", "ROLLBACK", "COMMIT", "users.db", "SELECT users"]
    );
    assert_eq!(count(&pool).await, 1);
}

/// Not through the recorded pool, so that it adds no telemetry to that of the test.
async fn count(pool: &instrumentation::database::Pool<sqlx::Sqlite>) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(pool.inner()).await.expect("a count")
}

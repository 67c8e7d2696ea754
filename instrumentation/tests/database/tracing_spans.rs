//! Spans of `tracing` around queries: sqlx's SQLite thread must not keep them open.

use std::sync::Arc;

use instrumentation::database::Pool;
use opentelemetry_sdk::trace::SpanData;
use sqlx::Sqlite;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Telemetry, names, users, users_in_file};

/// Enough requests for SQLite's thread to be late a few times, if it had the span.
const REQUESTS: usize = 300;

#[tracing::instrument(skip_all)]
async fn request(pool: &Pool<Sqlite>) {
    sqlx::query("SELECT name FROM users").fetch_one(pool.operation("SELECT", "users")).await.expect("a user");
}

#[tracing::instrument(skip_all)]
async fn transfer(pool: &Pool<Sqlite>) {
    let connection = pool.acquire().await.expect("a connection");
    drop(connection);
    let transaction = pool.begin().await.expect("a transaction");
    transaction.commit().await.expect("a commit");
}

/// The rollback is sent to SQLite's thread when the transaction is dropped, at the very end of the span.
#[tracing::instrument(skip_all)]
async fn abandon(pool: &Pool<Sqlite>) {
    drop(pool.begin().await.expect("a transaction"));
}

/// A subscriber that exports spans to the same place as the layer.
fn subscriber(telemetry: &Telemetry) -> impl tracing::Subscriber + Send + Sync + use<> {
    tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(telemetry.tracer()))
}

fn last_is(spans: &[SpanData], name: &str) {
    assert_eq!(
        spans.last().map(|span| span.name.as_ref()),
        Some(name),
        "the span around the queries has not ended with them: {:?}",
        names(spans)
    );
}

async fn check_requests(telemetry: Arc<Telemetry>, pool: Pool<Sqlite>) {
    let subscriber = subscriber(&telemetry);
    async {
        for done in 1..=REQUESTS {
            request(&pool).await;
            let spans = telemetry.spans();
            assert_eq!(spans.len(), 2 * done, "expected two spans a request");
            last_is(&spans, "request");
            let (query, request) = (&spans[2 * done - 2], &spans[2 * done - 1]);
            assert_eq!(query.name, "SELECT users");
            assert_eq!(query.parent_span_id, request.span_context.span_id());
            assert_eq!(query.span_context.trace_id(), request.span_context.trace_id());
            assert!(
                request.start_time <= query.start_time && query.end_time <= request.end_time,
                "the request must cover the query"
            );
        }
    }
    .with_subscriber(subscriber)
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_enclosing_span_ends_with_the_request_in_memory() {
    let telemetry = Arc::new(Telemetry::new());
    let pool = Pool::new(users().await, &telemetry.instrumentation());
    check_requests(telemetry, pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_enclosing_span_ends_with_the_request_in_a_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let telemetry = Arc::new(Telemetry::new());
    let pool = Pool::new(users_in_file(&directory).await, &telemetry.instrumentation());
    check_requests(telemetry, pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_enclosing_span_ends_with_the_transaction() {
    let telemetry = Arc::new(Telemetry::new());
    let pool = Pool::new(users().await, &telemetry.instrumentation());
    let subscriber = subscriber(&telemetry);
    async {
        for _ in 0..REQUESTS {
            transfer(&pool).await;
            last_is(&telemetry.spans(), "transfer");
            abandon(&pool).await;
            last_is(&telemetry.spans(), "abandon");
        }
    }
    .with_subscriber(subscriber)
    .await;
}

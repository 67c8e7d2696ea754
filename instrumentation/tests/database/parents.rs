//! The parent of a query's span.

use futures_util::TryStreamExt;
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, SpanId, TraceContextExt, Tracer};
use opentelemetry_sdk::trace::SpanData;

use crate::support::{Telemetry, recorded};

fn context(telemetry: &Telemetry, name: &'static str) -> Context {
    Context::new().with_span(telemetry.tracer().start(name))
}

fn query(telemetry: &Telemetry, name: &str) -> SpanData {
    let spans = telemetry.query_spans();
    spans.into_iter().find(|span| span.name == name).unwrap_or_else(|| panic!("there is no span {name}"))
}

#[tokio::test]
async fn the_parent_is_the_current_span_and_the_trace_is_its_trace() {
    let (telemetry, pool) = recorded().await;
    let parent = context(&telemetry, "request");
    sqlx::query("SELECT 1").execute(&pool).with_context(parent.clone()).await.expect("a row");
    sqlx::query("SELECT 1").execute(pool.operation("SELECT", "nothing")).await.expect("a row");

    let child = query(&telemetry, "users.db");
    assert_eq!(child.parent_span_id, parent.span().span_context().span_id());
    assert_eq!(child.span_context.trace_id(), parent.span().span_context().trace_id());
    assert_eq!(query(&telemetry, "SELECT nothing").parent_span_id, SpanId::INVALID);
}

#[tokio::test]
async fn concurrent_queries_keep_their_own_parents() {
    let (telemetry, pool) = recorded().await;
    let (first, second) = (context(&telemetry, "first"), context(&telemetry, "second"));
    for _ in 0..20 {
        let one = sqlx::query("SELECT 1").fetch_all(pool.operation("SELECT", "one"));
        let two = sqlx::query("SELECT 2").fetch_all(pool.operation("SELECT", "two"));
        tokio::try_join!(one.with_context(first.clone()), two.with_context(second.clone())).expect("rows");
    }

    let spans = telemetry.query_spans();
    assert_eq!(spans.len(), 40);
    for span in spans {
        let parent = if span.name == "SELECT one" { &first } else { &second };
        assert_eq!(span.parent_span_id, parent.span().span_context().span_id(), "of {}", span.name);
    }
}

#[tokio::test]
async fn a_stream_that_another_task_reads_keeps_the_parent_of_its_creation() {
    let (telemetry, pool) = recorded().await;
    let (maker, reader) = (context(&telemetry, "maker"), context(&telemetry, "reader"));
    let rows = {
        let _current = maker.clone().attach();
        sqlx::query("SELECT name FROM users").fetch(&pool)
    };
    tokio::spawn(rows.try_collect::<Vec<_>>().with_context(reader)).await.expect("the task").expect("rows");

    assert_eq!(telemetry.only_span().parent_span_id, maker.span().span_context().span_id());
}

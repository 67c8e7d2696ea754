//! The attributes of a query's span.

use futures_util::TryStreamExt;
use instrumentation::database::Pool;
use opentelemetry::trace::{SpanKind, Status};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::support::{Telemetry, attribute, attributes, names, recorded, users};

#[tokio::test]
async fn a_query_with_an_operation_has_the_attributes_of_the_conventions() {
    let (telemetry, pool) = recorded().await;
    let name: String = sqlx::query_scalar("SELECT name FROM users WHERE id = ? LIMIT 1")
        .bind(2)
        .fetch_one(pool.operation("SELECT", "users"))
        .await
        .expect("the second user");
    assert_eq!(name, "Bob");

    let span = telemetry.only_span();
    assert_eq!(span.name, "SELECT users");
    assert_eq!(span.span_kind, SpanKind::Client);
    assert_eq!(span.status, Status::Unset);
    assert!(span.end_time > span.start_time);
    assert!(span.events.is_empty(), "unexpected events: {:?}", span.events);
    assert_eq!(
        attributes(&span.attributes),
        [
            "db.collection.name=users",
            "db.namespace=users.db",
            "db.operation.name=SELECT",
            "db.query.summary=SELECT users",
            "db.query.text=SELECT name FROM users WHERE id = ? LIMIT 1",
            "db.system.name=sqlite",
        ]
    );
    let scope = &span.instrumentation_scope;
    assert_eq!(scope.name(), "handson-instrumentation");
    assert_eq!(scope.version(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(scope.schema_url(), Some("https://opentelemetry.io/schemas/1.44.0"));
}

#[tokio::test]
async fn a_query_without_an_operation_is_named_after_the_database() {
    let telemetry = Telemetry::new();
    let plain = Pool::new(users().await, &telemetry.instrumentation());
    let server = plain.clone().with_server("db.example", 5432);
    let namespace = server.clone().with_namespace("users.db");
    for pool in [&plain, &server, &namespace] {
        sqlx::query("SELECT name FROM users").fetch_all(pool).await.expect("two users");
    }

    let spans = telemetry.query_spans();
    assert_eq!(names(&spans), ["sqlite", "db.example:5432", "users.db"]);
    assert_eq!(
        attributes(&spans[2].attributes),
        [
            "db.namespace=users.db",
            "db.query.text=SELECT name FROM users",
            "db.system.name=sqlite",
            "server.address=db.example",
            "server.port=5432",
        ]
    );
}

#[tokio::test]
async fn the_text_of_a_query_has_no_values() {
    let (telemetry, pool) = recorded().await;
    let text = "SELECT 'secret', name FROM users WHERE id = ? -- 42";
    sqlx::query(text).bind(1).fetch_all(&pool).await.expect("one user");
    sqlx::query("SELECT id FROM users WHERE name = 'Alice' -- 42").fetch_all(&pool).await.expect("one user");
    sqlx::raw_sql("SELECT 1; SELECT \"id\" FROM users").fetch_all(&pool).await.expect("three rows");

    let texts: Vec<_> = telemetry
        .query_spans()
        .iter()
        .map(|s| attribute(s, "db.query.text").expect("a text").to_string())
        .collect();
    assert_eq!(
        texts,
        [text, "SELECT id FROM users WHERE name = ? ", "SELECT ?; SELECT \"id\" FROM users"],
        "the values of the first are bound to it, the others are to have `?` for each literal"
    );
}

#[tokio::test]
async fn each_query_of_an_operation_is_recorded_with_its_own_text() {
    let (telemetry, pool) = recorded().await;
    let users = || pool.operation("SELECT", "users");
    let query = "SELECT name FROM users WHERE id >= 1";
    let long = format!("SELECT name FROM users WHERE id > 1 /* {} */", "long ".repeat(1000));
    sqlx::query(query).fetch_all(users()).await.expect("two users");
    sqlx::query(query).fetch_all(users()).await.expect("two users");
    sqlx::query(query).bind(1).fetch_all(users()).await.expect("two users");
    sqlx::query("SELECT id FROM users WHERE id = 2").fetch_all(users()).await.expect("one user");
    sqlx::query(AssertSqlSafe(long)).fetch_all(users()).await.expect("one user");
    sqlx::query(query).fetch_all(users()).await.expect("two users");

    let spans = telemetry.query_spans();
    let texts = spans.iter().map(|s| attribute(s, "db.query.text").expect("a text").to_string());
    let without_values = "SELECT name FROM users WHERE id >= ?";
    assert_eq!(
        texts.collect::<Vec<_>>(),
        [
            without_values,
            without_values,
            query,
            "SELECT id FROM users WHERE id = ?",
            "SELECT name FROM users WHERE id > ? ",
            without_values,
        ]
    );
}

#[tokio::test]
async fn each_method_is_one_span() {
    let (telemetry, pool) = recorded().await;
    let query = || sqlx::query("SELECT name FROM users ORDER BY id");

    query().fetch_one(&pool).await.expect("a user");
    query().fetch_optional(&pool).await.expect("a user").expect("a user");
    assert_eq!(query().fetch_all(&pool).await.expect("users").len(), 2);
    assert_eq!(query().fetch(&pool).try_collect::<Vec<_>>().await.expect("users").len(), 2);
    query().execute(&pool).await.expect("an answer");
    let steps = pool.fetch_many(query()).try_collect::<Vec<_>>().await.expect("users and an end");
    assert_eq!(steps.len(), 3);
    assert_eq!(pool.execute_many(query()).try_collect::<Vec<_>>().await.expect("an end").len(), 1);
    pool.prepare("SELECT 1".into_sql_str()).await.expect("a statement");

    let spans = telemetry.query_spans();
    assert_eq!(spans.len(), 8, "expected one span a call, got {:?}", names(&spans));
    for span in &spans[..7] {
        let text = attribute(span, "db.query.text").map(|text| text.to_string());
        assert_eq!(text.as_deref(), Some("SELECT name FROM users ORDER BY id"));
    }
}

#[tokio::test]
async fn prepared_statements_and_statements_without_parameters_reach_the_database_unchanged() {
    let (telemetry, pool) = recorded().await;
    let statement =
        pool.prepare("SELECT name FROM users WHERE id = ?".into_sql_str()).await.expect("a statement");
    let row = sqlx::Statement::query(&statement).bind(2).fetch_one(&pool).await.expect("the second user");
    assert_eq!(sqlx::Row::get::<String, _>(&row, 0), "Bob");

    struct NotEncodable;
    impl sqlx::Type<sqlx::Sqlite> for NotEncodable {
        fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
            <i64 as sqlx::Type<sqlx::Sqlite>>::type_info()
        }
    }
    impl sqlx::Encode<'_, sqlx::Sqlite> for NotEncodable {
        fn encode_by_ref(
            &self,
            _: &mut <sqlx::Sqlite as sqlx::Database>::ArgumentBuffer,
        ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
            Err("a value that SQLite does not have".into())
        }
    }
    let error = sqlx::query("SELECT ?").bind(NotEncodable).fetch_one(&pool).await.expect_err("an argument");
    assert!(matches!(error, sqlx::Error::Encode(_)), "unexpected error: {error}");
    let span = telemetry.query_spans().pop().expect("a span");
    assert_eq!(attribute(&span, "error.type"), Some("encode".into()));
}

//! Databases other than SQLite.

use instrumentation::database::Pool;
use sqlx::any::AnyPoolOptions;
use sqlx::{Any, Database, Executor};

use crate::support::{Telemetry, attributes};

#[tokio::test]
async fn any_database_of_sqlx_is_recorded_by_its_name() {
    sqlx::any::install_default_drivers();
    let telemetry = Telemetry::new();
    let inner = AnyPoolOptions::new().max_connections(1).connect("sqlite::memory:").await.expect("in memory");
    let pool: Pool<Any> = Pool::new(inner, &telemetry.instrumentation()).with_server("db.example", 5432);
    sqlx::query("SELECT \"secret\"").fetch_one(&pool).await.expect("a row");

    let span = telemetry.only_span();
    assert_eq!(span.name, "db.example:5432");
    assert_eq!(
        attributes(&span.attributes),
        ["db.query.text=SELECT ?", "db.system.name=any", "server.address=db.example", "server.port=5432"]
    );
}

/// A query on a database that is only known by its traits. What compiles here also compiles for PostgreSQL
/// and MySQL, whose drivers are not part of the build.
async fn ping<DB: Database>(pool: &Pool<DB>) -> sqlx::Result<()>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    pool.execute("SELECT 1").await?;
    let mut transaction = pool.begin().await?;
    transaction.executor().execute("SELECT 1").await?;
    transaction.operation("SELECT", "nothing").execute("SELECT 1").await?;
    transaction.commit().await?;
    pool.acquire().await?.executor().execute("SELECT 1").await?;
    pool.operation("SELECT", "nothing").execute("SELECT 1").await?;
    Ok(())
}

#[tokio::test]
async fn code_that_is_generic_over_the_database_can_use_the_pool() {
    let (telemetry, pool) = crate::support::recorded().await;
    ping(&pool).await.expect("answers");

    assert_eq!(telemetry.query_spans().len(), 7);
}

//! Spans and a metric for the queries that go through a pool of [sqlx].
//!
//! [`Pool`] wraps a [`sqlx::Pool`] of any database, and `&Pool` is an [`sqlx::Executor`] like it:
//!
//! ```no_run
//! # async fn example(sqlite: sqlx::Pool<sqlx::Sqlite>, instrumentation: instrumentation::Instrumentation) -> sqlx::Result<()> {
//! use instrumentation::database::Pool;
//!
//! let pool = Pool::new(sqlite, &instrumentation).with_namespace("users.db");
//! let name: String = sqlx::query_scalar("SELECT name FROM users WHERE id = ?")
//!     .bind(1)
//!     .fetch_one(pool.operation("SELECT", "users"))
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is recorded
//!
//! Each call of an executor's method is one CLIENT span and one value of the histogram
//! `db.client.operation.duration`, as in the [conventions for spans] and the [conventions for metrics].
//!
//! - The parent is the OpenTelemetry context in which the method was called, wherever its future or stream is
//!   polled.
//! - The span starts with the first poll and ends with the result, with the end of the stream, or when either
//!   is dropped. It includes the wait for a connection of the pool. A query that is never polled never runs,
//!   and is not recorded. A query that is dropped early was cancelled by the caller, which is not an error.
//! - `db.query.text` has no values of users: a query with bound arguments is recorded as it is, in any other
//!   the literals are replaced by `?` and comments are left out.
//! - `db.operation.name` and `db.collection.name` come from the caller, by [`Pool::operation`]: the
//!   conventions say that they should not be parsed out of the query's text. Without them, the span is named
//!   after the namespace, the server or the database system, whichever is known first.
//! - A failure sets `error.type`, `db.response.status_code` (the database's own code, as sqlx reports it) and
//!   the status. It is not recorded as an exception event; that is the task of the code that handles the
//!   error.
//! - [`sqlx::Error::RowNotFound`] is not a failure: the database has answered, only the caller had expected a
//!   row.
//! - `BEGIN`, `COMMIT` and `ROLLBACK` of [`Transaction`] are recorded, too, because a commit may take longer
//!   than the queries before it. The rollback of a transaction that is only dropped is not: it happens later,
//!   in the background.
//!
//! With SQLite, sqlx would hand the current span of `tracing` to its own thread, which ends it too late. So
//! sqlx does not see it here; in turn, the events that sqlx logs in the caller's task (a slow wait for a
//! connection) are not logged. What it logs in its own thread (slow statements) is, without a span.
//!
//! # Why this is not `sqlx-otel`
//!
//! The crate [`sqlx-otel`] does the same, and more (metrics of the pool, annotations, a builder for each
//! database). As of version 0.5.0 this crate cannot use it:
//!
//! - It depends on OpenTelemetry 0.32. Another version than the service's has its own types and its own
//!   current context, so its spans would have no parent.
//! - It fills `db.namespace` of a SQLite database in memory with the file name that sqlx makes up for it.
//! - Its metrics of the connection pool have another instrument and another unit than the conventions say.
//!
//! Once these are fixed there, this module should be replaced by it.
//!
//! [conventions for spans]: https://opentelemetry.io/docs/specs/semconv/database/database-spans/
//! [conventions for metrics]: https://opentelemetry.io/docs/specs/semconv/database/database-metrics/
//! [`sqlx-otel`]: https://crates.io/crates/sqlx-otel/0.5.0

mod connection;
mod executor;
mod failure;
mod literals;
mod observed;
mod pool;
mod query;
mod recorder;
mod recording;
mod system;
mod transaction;

pub use connection::Connection;
pub use executor::Recorded;
pub use pool::Pool;
pub use transaction::Transaction;

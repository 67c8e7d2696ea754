//! The pool.

use std::fmt;
use std::sync::Arc;

use super::connection::Connection;
use super::executor::Recorded;
use super::observed::recorded_command;
use super::recorder::{Names, Recorder};
use super::system::System;
use super::transaction::Transaction;
use crate::Instrumentation;

/// A pool of connections whose queries are recorded.
///
/// It can be used like a [`sqlx::Pool`]: `sqlx::query(…).execute(&pool)`. With neither a tracer nor a meter
/// provider, it passes each query to sqlx at once. Cloning is cheap.
pub struct Pool<DB: sqlx::Database> {
    inner: sqlx::Pool<DB>,
    recorder: Option<Arc<Recorder>>,
}

impl<DB: sqlx::Database> Pool<DB> {
    /// Records the queries of `pool`. `db.system.name` is derived from the type of the database.
    pub fn new(pool: sqlx::Pool<DB>, instrumentation: &Instrumentation) -> Self {
        let recorder = Recorder::new(instrumentation, System::for_database::<DB>());
        Self { inner: pool, recorder: recorder.map(Arc::new) }
    }

    /// Sets `db.namespace`, the name of the database. For SQLite, that is the file as configured.
    #[must_use]
    pub fn with_namespace(self, namespace: impl Into<Arc<str>>) -> Self {
        self.map_recorder(|recorder| recorder.with_namespace(namespace.into()))
    }

    /// Sets `server.address` and `server.port`, for a database on the network.
    #[must_use]
    pub fn with_server(self, address: impl Into<Arc<str>>, port: u16) -> Self {
        self.map_recorder(|recorder| recorder.with_server(address.into(), port))
    }

    /// The pool itself, whose queries are not recorded, for example to run migrations.
    pub fn inner(&self) -> &sqlx::Pool<DB> {
        &self.inner
    }

    /// An executor for one query, which applies the operation `name` to `collection`:
    /// `pool.operation("SELECT", "users")`.
    ///
    /// Its span is named `{name} {collection}` and has `db.operation.name`, `db.collection.name` and
    /// `db.query.summary`. Both names are parts of the program, not data, because they become attributes of a
    /// metric.
    pub fn operation(&self, name: &'static str, collection: &'static str) -> Recorded<&sqlx::Pool<DB>> {
        self.recorded(Some((name, Some(collection))))
    }

    /// Takes a connection out of the pool. Its queries are recorded, the wait for it is not.
    ///
    /// # Errors
    ///
    /// The same as for [`sqlx::Pool::acquire`].
    pub async fn acquire(&self) -> sqlx::Result<Connection<DB>> {
        let connection = match &self.recorder {
            Some(recorder) => recorder.system.without_tracing_span(self.inner.acquire()).await?,
            None => self.inner.acquire().await?,
        };
        Ok(Connection::new(connection, self.recorder.clone()))
    }

    /// Takes a connection out of the pool and begins a transaction. It is recorded as `BEGIN`.
    ///
    /// # Errors
    ///
    /// The same as for [`sqlx::Pool::begin`].
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, DB>> {
        let transaction = recorded_command(self.inner.begin(), self.recorder.as_ref(), "BEGIN").await?;
        Ok(Transaction::new(transaction, self.recorder.clone()))
    }

    pub(super) fn recorded(&self, names: Option<Names>) -> Recorded<&sqlx::Pool<DB>> {
        Recorded::new(&self.inner, self.recorder.clone(), names)
    }

    fn map_recorder(mut self, change: impl FnOnce(Recorder) -> Recorder) -> Self {
        self.recorder = self.recorder.map(|recorder| Arc::new(change(Arc::unwrap_or_clone(recorder))));
        self
    }
}

impl<DB: sqlx::Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), recorder: self.recorder.clone() }
    }
}

impl<DB: sqlx::Database> fmt::Debug for Pool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("inner", &self.inner).field("recorder", &self.recorder).finish()
    }
}

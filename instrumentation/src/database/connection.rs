//! Connections.

use std::fmt;
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Database};

use super::executor::Recorded;
use super::observed::recorded_command;
use super::recorder::{Names, Recorder};
use super::transaction::Transaction;

/// A connection of a [`Pool`](super::Pool), whose queries are recorded. Dropping it returns it to the pool.
pub struct Connection<DB: Database> {
    inner: PoolConnection<DB>,
    recorder: Option<Arc<Recorder>>,
}

impl<DB: Database> Connection<DB> {
    pub(super) fn new(inner: PoolConnection<DB>, recorder: Option<Arc<Recorder>>) -> Self {
        Self { inner, recorder }
    }

    /// The connection itself, whose queries are not recorded.
    pub fn inner(&mut self) -> &mut DB::Connection {
        &mut self.inner
    }

    /// An executor for one query without a name: `sqlx::query(…).execute(connection.executor())`.
    ///
    /// `&mut Connection` is not an executor itself, as with sqlx's own type: the compiler could then no
    /// longer infer the database in functions that are generic over it.
    pub fn executor(&mut self) -> Recorded<&mut DB::Connection> {
        self.recorded(None)
    }

    /// An executor for one query; see [`Pool::operation`](super::Pool::operation).
    pub fn operation(
        &mut self,
        name: &'static str,
        collection: &'static str,
    ) -> Recorded<&mut DB::Connection> {
        self.recorded(Some((name, Some(collection))))
    }

    /// Begins a transaction. It is recorded as `BEGIN`.
    ///
    /// # Errors
    ///
    /// The same as for [`sqlx::Connection::begin`].
    pub async fn begin(&mut self) -> sqlx::Result<Transaction<'_, DB>> {
        let transaction = recorded_command(self.inner.begin(), self.recorder.as_ref(), "BEGIN").await?;
        Ok(Transaction::new(transaction, self.recorder.clone()))
    }

    fn recorded(&mut self, names: Option<Names>) -> Recorded<&mut DB::Connection> {
        Recorded::new(&mut *self.inner, self.recorder.clone(), names)
    }
}

impl<DB: Database> fmt::Debug for Connection<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("inner", &self.inner).field("recorder", &self.recorder).finish()
    }
}

//! Transactions.

use std::fmt;
use std::sync::Arc;

use sqlx::{Connection as _, Database};

use super::executor::Recorded;
use super::observed::recorded_command;
use super::recorder::{Names, Recorder};

/// A transaction whose queries are recorded. If it is dropped without a commit, it is rolled back in the
/// background.
pub struct Transaction<'c, DB: Database> {
    /// `None` only while `self` is consumed or dropped.
    inner: Option<sqlx::Transaction<'c, DB>>,
    recorder: Option<Arc<Recorder>>,
}

impl<'c, DB: Database> Transaction<'c, DB> {
    pub(super) fn new(inner: sqlx::Transaction<'c, DB>, recorder: Option<Arc<Recorder>>) -> Self {
        Self { inner: Some(inner), recorder }
    }

    /// The connection of the transaction, whose queries are not recorded.
    pub fn inner(&mut self) -> &mut DB::Connection {
        match &mut self.inner {
            Some(transaction) => transaction,
            None => unreachable!("nothing can borrow a transaction after its end, which consumes it"),
        }
    }

    /// An executor for one query without a name: `sqlx::query(…).execute(transaction.executor())`.
    ///
    /// `&mut Transaction` is not an executor itself, as with sqlx's own type: the compiler could then no
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

    /// Begins a transaction inside this one, a savepoint. It is recorded as `SAVEPOINT`.
    ///
    /// # Errors
    ///
    /// The same as for [`sqlx::Connection::begin`].
    pub async fn begin(&mut self) -> sqlx::Result<Transaction<'_, DB>> {
        let recorder = self.recorder.clone();
        let transaction = recorded_command(self.inner().begin(), recorder.as_ref(), "SAVEPOINT").await?;
        Ok(Transaction::new(transaction, recorder))
    }

    /// Commits the changes of the transaction. It is recorded as `COMMIT`.
    ///
    /// # Errors
    ///
    /// The same as for [`sqlx::Transaction::commit`].
    pub async fn commit(mut self) -> sqlx::Result<()> {
        match self.inner.take() {
            Some(transaction) => {
                recorded_command(transaction.commit(), self.recorder.as_ref(), "COMMIT").await
            }
            None => Ok(()),
        }
    }

    /// Undoes the changes of the transaction. It is recorded as `ROLLBACK`.
    ///
    /// # Errors
    ///
    /// The same as for [`sqlx::Transaction::rollback`].
    pub async fn rollback(mut self) -> sqlx::Result<()> {
        match self.inner.take() {
            Some(transaction) => {
                recorded_command(transaction.rollback(), self.recorder.as_ref(), "ROLLBACK").await
            }
            None => Ok(()),
        }
    }

    fn recorded(&mut self, names: Option<Names>) -> Recorded<&mut DB::Connection> {
        let recorder = self.recorder.clone();
        Recorded::new(self.inner(), recorder, names)
    }
}

/// The rollback is also a command to the database, and must not keep the caller's span.
impl<DB: Database> Drop for Transaction<'_, DB> {
    fn drop(&mut self) {
        let inner = self.inner.take();
        match &self.recorder {
            Some(recorder) => recorder.system.hide_tracing_span(|| drop(inner)),
            None => drop(inner),
        }
    }
}

impl<DB: Database> fmt::Debug for Transaction<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("inner", &self.inner).field("recorder", &self.recorder).finish()
    }
}

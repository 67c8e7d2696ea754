//! Executes and records queries.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
#[cfg(feature = "sqlx-macros")]
use sqlx::Describe;
use sqlx::{Database, Either, Execute, Executor, SqlStr};

use super::observed::Observed;
use super::pool::Pool;
use super::query::Query;
use super::recorder::{Names, Recorder};
use super::recording::Recording;

/// An executor of sqlx whose query is recorded: a pool or a connection, and the names of the operation.
///
/// It is created by [`Pool::operation`](super::Pool::operation) and the methods of the same name on
/// connections and transactions.
pub struct Recorded<E> {
    executor: E,
    recorder: Option<Arc<Recorder>>,
    names: Option<Names>,
}

impl<E> Recorded<E> {
    pub(super) fn new(executor: E, recorder: Option<Arc<Recorder>>, names: Option<Names>) -> Self {
        Self { executor, recorder, names }
    }
}

impl<E> fmt::Debug for Recorded<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Implements only the methods without a default, as sqlx's drivers do. The default methods call these.
impl<'c, E: Executor<'c>> Executor<'c> for Recorded<E> {
    type Database = E::Database;

    fn fetch_many<'e, 'q: 'e, Q>(
        self,
        query: Q,
    ) -> BoxStream<
        'e,
        sqlx::Result<Either<<E::Database as Database>::QueryResult, <E::Database as Database>::Row>>,
    >
    where
        'c: 'e,
        Q: 'q + Execute<'q, E::Database>,
    {
        let Some(recorder) = self.recorder else { return self.executor.fetch_many(query) };
        let query = Query::new(query);
        let recording = Recording::new(recorder, self.names).with_text(query.text(), query.has_arguments());
        Box::pin(Observed::new(self.executor.fetch_many(query), recording))
    }

    fn fetch_optional<'e, 'q: 'e, Q>(
        self,
        query: Q,
    ) -> BoxFuture<'e, sqlx::Result<Option<<E::Database as Database>::Row>>>
    where
        'c: 'e,
        Q: 'q + Execute<'q, E::Database>,
    {
        let Some(recorder) = self.recorder else { return self.executor.fetch_optional(query) };
        let query = Query::new(query);
        let recording = Recording::new(recorder, self.names).with_text(query.text(), query.has_arguments());
        Box::pin(Observed::new(self.executor.fetch_optional(query), recording))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [<E::Database as Database>::TypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<<E::Database as Database>::Statement>>
    where
        'c: 'e,
    {
        let Some(recorder) = self.recorder else { return self.executor.prepare_with(sql, parameters) };
        let recording = Recording::new(recorder, self.names).with_text(sql.as_str(), false);
        Box::pin(Observed::new(self.executor.prepare_with(sql, parameters), recording))
    }

    #[cfg(feature = "sqlx-macros")]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<E::Database>>>
    where
        'c: 'e,
    {
        let Some(recorder) = self.recorder else { return self.executor.describe(sql) };
        let recording = Recording::new(recorder, self.names).with_text(sql.as_str(), false);
        Box::pin(Observed::new(self.executor.describe(sql), recording))
    }
}

impl<'c, DB: Database> Executor<'c> for &'_ Pool<DB>
where
    for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, Q>(
        self,
        query: Q,
    ) -> BoxStream<'e, sqlx::Result<Either<DB::QueryResult, DB::Row>>>
    where
        'c: 'e,
        Q: 'q + Execute<'q, DB>,
    {
        self.recorded(None).fetch_many(query)
    }

    fn fetch_optional<'e, 'q: 'e, Q>(self, query: Q) -> BoxFuture<'e, sqlx::Result<Option<DB::Row>>>
    where
        'c: 'e,
        Q: 'q + Execute<'q, DB>,
    {
        self.recorded(None).fetch_optional(query)
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<DB::Statement>>
    where
        'c: 'e,
    {
        self.recorded(None).prepare_with(sql, parameters)
    }

    #[cfg(feature = "sqlx-macros")]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<DB>>>
    where
        'c: 'e,
    {
        self.recorded(None).describe(sql)
    }
}

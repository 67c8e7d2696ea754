//! A query that can be read before it is executed.

use sqlx::error::BoxDynError;
use sqlx::{Arguments, Database, Execute, SqlStr};

/// The parts of a query that a driver needs.
///
/// [`Execute::sql`] consumes the query, so the query is taken apart, its text is read, and the driver gets
/// the parts.
pub(super) struct Query<DB: Database> {
    sql: SqlStr,
    statement: Option<DB::Statement>,
    arguments: Result<Option<DB::Arguments>, BoxDynError>,
    persistent: bool,
}

impl<DB: Database> Query<DB> {
    pub(super) fn new<'q>(mut query: impl Execute<'q, DB>) -> Self {
        let statement = query.statement().cloned();
        // The drivers take the arguments before they ask whether to keep the prepared statement, and the
        // result of sqlx's `Map` depends on that order.
        let arguments = query.take_arguments();
        let persistent = query.persistent();
        Self { sql: query.sql(), statement, arguments, persistent }
    }

    pub(super) fn text(&self) -> &str {
        self.sql.as_str()
    }

    /// Whether values are bound to the query, even if one of them could not be encoded.
    pub(super) fn has_arguments(&self) -> bool {
        match &self.arguments {
            Ok(arguments) => arguments.as_ref().is_some_and(|arguments| arguments.len() > 0),
            Err(_) => true,
        }
    }
}

impl<DB: Database> Execute<'_, DB> for Query<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        self.statement.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

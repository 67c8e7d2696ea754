//! The database: SQLite through sqlx's pool.

mod connect;

use crate::error::{Error, ErrorKind, OrFail};

pub use connect::{connect, namespace};

// TODO db-spans: make this the crate's pool, which gives each query a span.
type Pool = sqlx::SqlitePool;

/// The users.
pub struct Database {
    pool: Pool,
}

/// A row of `users`.
struct User {
    id: i64,
    name: String,
}

impl Database {
    /// The users in the database of `pool`.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Reads the user with the lowest id, and logs it.
    ///
    /// # Errors
    ///
    /// `DatabaseError` if the query fails or there is no user.
    // TODO db-spans: give it a span, `handson.dbQuery`.
    pub async fn query(&self) -> Result<(), Error> {
        // TODO errors: record the error on the span in which it happened.
        let user = self.first_user().await?;

        tracing::info!(name: "handson.dbQuery", { user.id = user.id.to_string(), user.name = user.name }, "dbQuery");
        Ok(())
    }

    /// The user with the lowest id.
    async fn first_user(&self) -> Result<User, Error> {
        // TODO db-spans: say what the query does.
        let pool = &self.pool;

        let (id, name) = sqlx::query_as("SELECT id, name FROM users ORDER BY id LIMIT 1")
            .fetch_one(pool)
            .await
            .or_fail(ErrorKind::DatabaseError, "reading the first user")?;
        Ok(User { id, name })
    }
}

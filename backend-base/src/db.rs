//! The database: SQLite through sqlx's pool.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{Executor, Sqlite};

use crate::error::{Error, ErrorKind, OrFail};

/// Each is a thread of SQLite's own; more would only wait for one another.
const CONNECTIONS: u32 = 4;

/// The pool.
pub struct Database {
    pool: SqlitePool,
}

/// A row of `users`.
#[derive(Debug, sqlx::FromRow)]
pub struct User {
    /// Primary key.
    pub id: i64,
    /// Never empty.
    pub name: String,
}

impl Database {
    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    ///
    /// `DatabaseError` where the file cannot be opened, written or is no database.
    pub async fn open(options: SqliteConnectOptions) -> Result<Self, Error> {
        let name = namespace(&options);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            // An in-memory database lives as long as a connection to it is open; and all of them from the start, for a
            // connection that opens locks the tables that others read.
            .min_connections(CONNECTIONS)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(5))
            // A connection to a file in the same process does not go stale; the ping would cost 30 µs a query.
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .or_fail(ErrorKind::DatabaseError, format_args!("opening the database {name}"))?;
        sqlx::migrate!()
            .run(&pool)
            .await
            .or_fail(ErrorKind::DatabaseError, format_args!("bringing the database {name} up to date"))?;

        // TODO db-spans: put the pool behind spans.
        Ok(Self { pool })
    }

    /// The user with the lowest id.
    ///
    /// # Errors
    ///
    /// `DatabaseError` where the query fails or there is no user.
    pub async fn first_user(&self) -> Result<User, Error> {
        let user = select_first_user(&self.pool).await;
        user.or_fail(ErrorKind::DatabaseError, "reading the first user")
    }
}

async fn select_first_user<'c>(database: impl Executor<'c, Database = Sqlite>) -> sqlx::Result<User> {
    let user = sqlx::query_as("SELECT id, name FROM users ORDER BY id LIMIT 1").fetch_one(database);
    user.await
}

/// `db.namespace`: the file as configured. sqlx gives databases in memory a name of its own making, which says nothing.
fn namespace(options: &SqliteConnectOptions) -> String {
    let file = options.get_filename().to_string_lossy();
    if file.starts_with("file:sqlx-in-memory-") { ":memory:".to_owned() } else { file.into_owned() }
}

//! Opens the database, and brings its tables up to date.

use std::time::Duration;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use crate::error::{Error, ErrorKind, OrFail};

/// Each connection has its own thread in sqlx. More of them would only wait for each other.
const MAX_CONNECTIONS: u32 = 4;

/// Connects, and applies the migrations.
///
/// # Errors
///
/// `DatabaseError` if the file cannot be opened or written, or is not a database.
pub async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, Error> {
    let name = namespace(&options);
    let pool = SqlitePoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        // An in-memory database lives as long as a connection to it is open. All connections are opened at
        // the start, because opening one locks the tables that others read.
        .min_connections(MAX_CONNECTIONS)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(5))
        // A connection to a file in the same process does not become stale; a ping would cost 30 µs per
        // query.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .or_fail(ErrorKind::DatabaseError, format_args!("opening the database {name}"))?;
    let users = include_str!("../../migrations/0001_users.sql").into_sql_str();
    let users = Migration::new(1, "users".into(), MigrationType::Simple, users, false);
    Migrator::with_migrations(vec![users])
        .run(&pool)
        .await
        .or_fail(ErrorKind::DatabaseError, format_args!("bringing the database {name} up to date"))?;
    Ok(pool)
}

/// The name of the database, `db.namespace`: the file as configured. sqlx generates a name for an in-memory
/// database, which is useless.
pub fn namespace(options: &SqliteConnectOptions) -> String {
    let file = options.get_filename().to_string_lossy();
    if file.starts_with("file:sqlx-in-memory-") { ":memory:".to_owned() } else { file.into_owned() }
}

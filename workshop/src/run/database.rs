//! The database of a run: a separate file, with a random user name that the service can only get by a query.

use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{ConnectOptions, Connection, Sqlite};
use tempfile::TempDir;

use super::RunError;
use crate::evidence::Database;

/// The user that `migrations/` puts into the database.
const USER: (&str, &str) = ("1", "sakura");
/// The program may lock the file for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// A temporary folder with the file. It is deleted when this value is dropped.
pub(super) struct DatabaseFile {
    _folder: TempDir,
    path: String,
    user_name: String,
}

impl DatabaseFile {
    /// Chooses a file that does not exist yet.
    pub(super) fn reserve() -> Result<Self, RunError> {
        let folder = tempfile::Builder::new().prefix("handson-").tempdir()?;
        // On macOS, the folder for temporary files is a symbolic link, and the service must get the resolved
        // path.
        let path = folder.path().canonicalize()?.join(format!("handson-{:04x}.db", rand::random::<u16>()));
        let (path, user_name) = (path.to_string_lossy().into_owned(), USER.1.to_owned());
        Ok(Self { _folder: folder, path, user_name })
    }

    /// The URL for `DATABASE_URL`.
    pub(super) fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.path)
    }

    /// Gives the user a random name, after the program has created the table. If there is no such table, the
    /// user keeps its name.
    pub(super) async fn rename_user(&mut self) {
        let name = format!("sakura-{:06x}", rand::random::<u32>() & 0xff_ffff);
        if let Ok(1) = self.update(&name).await {
            self.user_name = name;
        }
    }

    /// The name that the user has now.
    pub(super) fn user_name(&self) -> String {
        self.user_name.clone()
    }

    /// The file, and its user: the name before a burst, and the one that it has now.
    pub(super) fn evidence(&self, user_name: String) -> Database {
        let (path, user_id) = (self.path.clone(), USER.0.to_owned());
        Database { path, user_id, user_name, renamed: self.user_name.clone() }
    }

    /// Gives the table another name, so that a query fails.
    pub(super) async fn hide_table(&self) -> sqlx::Result<()> {
        self.execute(sqlx::query("ALTER TABLE users RENAME TO hidden")).await.map(drop)
    }

    /// Gives the table its name again.
    pub(super) async fn show_table(&self) -> sqlx::Result<()> {
        self.execute(sqlx::query("ALTER TABLE hidden RENAME TO users")).await.map(drop)
    }

    async fn update(&self, name: &str) -> sqlx::Result<u64> {
        let update = sqlx::query("UPDATE users SET name = ? WHERE id = (SELECT min(id) FROM users)");
        self.execute(update.bind(name.to_owned())).await
    }

    /// Returns the number of rows that `query` has changed.
    async fn execute(&self, query: Query<'_, Sqlite, SqliteArguments>) -> sqlx::Result<u64> {
        let options = SqliteConnectOptions::new().filename(&self.path).busy_timeout(BUSY_TIMEOUT);
        let mut connection = options.disable_statement_logging().connect().await?;
        let done = query.execute(&mut connection).await?;
        connection.close().await?;
        Ok(done.rows_affected())
    }
}

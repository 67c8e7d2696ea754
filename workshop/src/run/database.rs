//! The database of a run: a separate file, with a random user name that the service can only get by a query.

use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
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
}

impl DatabaseFile {
    /// Chooses a file that does not exist yet.
    pub(super) fn reserve() -> Result<Self, RunError> {
        let folder = tempfile::Builder::new().prefix("handson-").tempdir()?;
        // On macOS, the folder for temporary files is a symbolic link, and the service must get the resolved
        // path.
        let path = folder.path().canonicalize()?.join(format!("handson-{:04x}.db", rand::random::<u16>()));
        Ok(Self { path: path.to_string_lossy().into_owned(), _folder: folder })
    }

    /// The URL for `DATABASE_URL`.
    pub(super) fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.path)
    }

    /// Renames the user after the program has created the table. If there is no such table, the usual name is
    /// returned.
    pub(super) async fn rename_user(&self) -> Database {
        let name = format!("sakura-{:06x}", rand::random::<u32>() & 0xff_ffff);
        let user_name = match self.update(&name).await {
            Ok(1) => name,
            _ => USER.1.to_owned(),
        };
        Database { path: self.path.clone(), user_id: USER.0.to_owned(), user_name }
    }

    async fn update(&self, name: &str) -> sqlx::Result<u64> {
        let options = SqliteConnectOptions::new().filename(&self.path).busy_timeout(BUSY_TIMEOUT);
        let mut connection = options.disable_statement_logging().connect().await?;
        let updated = sqlx::query("UPDATE users SET name = ? WHERE id = (SELECT min(id) FROM users)");
        let updated = updated.bind(name).execute(&mut connection).await?;
        connection.close().await?;
        Ok(updated.rows_affected())
    }
}

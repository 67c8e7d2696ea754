//! Another program that locks the database from time to time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::gameday::{Fault, GameDay};

/// How long the lock is held. It is shorter than the timeout that most drivers have, 5 s, so that queries
/// wait and do not fail.
const HELD: (Duration, Duration) = (Duration::from_millis(900), Duration::from_millis(1_400));
/// The time between two locks.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1_500), Duration::from_millis(3_000));

/// Locks the file once the fault has begun, if it is this one.
pub(super) async fn hold(game: Arc<GameDay>, file: PathBuf) {
    game.wait_until_begun().await;
    while game.active() == Some(Fault::SlowQuery) {
        // A service that does not use the file has no queries that could wait: the judge reports that.
        let _ = lock(&file, game.draw(HELD.0..=HELD.1)).await;
        tokio::time::sleep(game.draw(PAUSE.0..=PAUSE.1)).await;
    }
}

/// With an exclusive lock, no other connection can read, unless the database is in WAL mode, which is not
/// SQLite's default.
async fn lock(file: &Path, time: Duration) -> sqlx::Result<()> {
    let options = SqliteConnectOptions::new().filename(file).disable_statement_logging();
    let mut connection = options.connect().await?;
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await?;
    tokio::time::sleep(time).await;
    sqlx::query("ROLLBACK").execute(&mut connection).await?;
    connection.close().await
}

//! `GET /handson`: five pieces of work, one after the other, stopping at the first failure.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::app::App;
use crate::db::Database;
use crate::error::Error;

/// The answer: `{"message":"Hello, handson-sakura"}`.
#[derive(Serialize)]
pub struct Greeting {
    message: String,
}

/// Handles `GET /handson`.
///
/// # Errors
///
/// The first piece of work that fails; the caller gets a 500 with the id of the trace.
pub async fn handson(State(app): State<Arc<App>>) -> Result<Json<Greeting>, Error> {
    sleep_50_microsec().await;

    app.httpbin.get().await?;

    // All three at once, in this task, so that they share its span; the first failure drops the others.
    tokio::try_join!(app.httpbin.get(), app.httpbin.post(), app.httpbin.put())
        .map_err(|error| error.while_doing("three calls at once"))?;

    db_query(&app.database).await?;

    app.random_error.strike()?;

    Ok(Json(Greeting { message: format!("Hello, {}", app.name) }))
}

/// Sleeps 50 µs, or what the timer makes of it: its grain is a millisecond.
// TODO first-span: give it a span, `handson.sleep50microsec`.
async fn sleep_50_microsec() {
    tokio::time::sleep(Duration::from_micros(50)).await;
}

// TODO db-spans: give it a span, `handson.dbQuery`.
async fn db_query(database: &Database) -> Result<(), Error> {
    let user = database.first_user().await;
    let user = user?;
    tracing::info!(name: "handson.dbQuery", { user.id = user.id.to_string(), user.name = user.name }, "dbQuery");
    Ok(())
}

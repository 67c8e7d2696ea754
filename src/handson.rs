//! `GET /handson`: five pieces of work, one after the other, stopping at the first failure.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::db::Database;
use crate::error::Error;
use crate::fault_injector::FaultInjector;
use crate::httpbin::Httpbin;

/// What the five pieces of work need.
pub struct Handson {
    /// The name in the greeting, which is the service's name.
    pub name: String,
    /// The client of httpbin.
    pub httpbin: Httpbin,
    /// The database.
    pub database: Database,
    /// Random failures.
    pub fault_injector: FaultInjector,
}

/// The response: `{"message":"Hello, handson-sakura"}`.
#[derive(Serialize)]
pub struct Greeting {
    message: String,
}

/// Handles `GET /handson`.
///
/// # Errors
///
/// The first piece of work that fails; the caller gets a 500 with the id of the trace.
pub async fn get(State(handson): State<Arc<Handson>>) -> Result<Json<Greeting>, Error> {
    sleep_50_microsec().await;

    handson.httpbin.get().await?;

    // All three at once, in this task, so that they share its span. The first failure drops the others.
    tokio::try_join!(handson.httpbin.get(), handson.httpbin.post(), handson.httpbin.put())
        .map_err(|error| error.context("three calls at once"))?;

    handson.database.query().await?;

    handson.fault_injector.maybe_fail()?;

    Ok(Json(Greeting { message: format!("Hello, {}", handson.name) }))
}

/// Sleeps 50 µs, or longer, because the timer has a resolution of a millisecond.
// BEFORE first-span: // TODO first-span: give it a span, `handson.sleep50microsec`.
#[tracing::instrument(name = "handson.sleep50microsec", skip_all)]
async fn sleep_50_microsec() {
    tokio::time::sleep(Duration::from_micros(50)).await;
}

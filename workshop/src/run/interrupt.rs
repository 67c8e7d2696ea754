//! Ctrl-C: what runs is dropped, and with it every process that it has started.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

use super::Trouble;

/// What `work` gives, unless SIGINT, SIGTERM or SIGHUP comes first: then `work` is dropped.
///
/// # Errors
///
/// [`Trouble::Interrupted`].
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Trouble> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Trouble::of_this_machine)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Trouble::of_this_machine)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(Trouble::of_this_machine)?;
    tokio::select! {
        done = work => Ok(done),
        _ = interrupt.recv() => Err(Trouble::Interrupted),
        _ = terminate.recv() => Err(Trouble::Interrupted),
        _ = hangup.recv() => Err(Trouble::Interrupted),
    }
}

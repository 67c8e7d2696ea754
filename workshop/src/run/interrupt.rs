//! Ctrl-C: what runs is dropped, and with it every process that it has started.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

use super::Trouble;

/// What `work` gives, unless SIGINT, SIGTERM or SIGHUP comes first: then `work` is dropped.
///
/// # Errors
///
/// [`Trouble::Interrupted`].
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Trouble> {
    tokio::select! {
        done = work => Ok(done),
        interrupted = interrupted() => {
            interrupted.map_err(Trouble::of_this_machine)?;
            Err(Trouble::Interrupted)
        }
    }
}

/// Waits for SIGINT, SIGTERM or SIGHUP.
///
/// # Errors
///
/// Where the system lets nobody wait for them.
pub async fn interrupted() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

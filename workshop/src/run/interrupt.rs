//! Ctrl-C: what runs is dropped, and with it every process that it has started.

use std::future::Future;

use super::Trouble;

/// The output of `work`, unless SIGINT, SIGTERM or SIGHUP comes first: then `work` is dropped.
///
/// # Errors
///
/// [`Trouble::Interrupted`].
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Trouble> {
    tokio::select! {
        done = work => Ok(done),
        interrupted = console::interrupted() => {
            interrupted.map_err(Trouble::of_this_machine)?;
            Err(Trouble::Interrupted)
        }
    }
}

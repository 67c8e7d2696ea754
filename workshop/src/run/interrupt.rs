//! Handles Ctrl-C: the running work is dropped, and with it every process that it has started.

use std::future::Future;

use super::RunError;

/// The output of `work`, unless SIGINT, SIGTERM or SIGHUP arrives first: then `work` is dropped.
///
/// # Errors
///
/// [`RunError::Interrupted`].
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, RunError> {
    tokio::select! {
        done = work => Ok(done),
        interrupted = shutdown::interrupted() => {
            interrupted?;
            Err(RunError::Interrupted)
        }
    }
}

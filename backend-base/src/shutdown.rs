//! The signals that end the process. A backend depends on `instrumentation` alone, so that it has its own
//! copy of what the crate `shutdown` does for the other programs.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{self, SignalKind};

/// Completes at the first SIGTERM or SIGINT. A second one has the signal's default disposition: it ends the
/// process at once.
///
/// # Errors
///
/// The system refuses to install a handler.
pub fn signal() -> io::Result<impl Future<Output = ()> + Send> {
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first signal finds the flag unset, and sets it.
        flag::register_conditional_default(signal, Arc::clone(&stopping))?;
        flag::register(signal, Arc::clone(&stopping))?;
    }
    let mut terminate = unix::signal(SignalKind::terminate())?;
    let mut interrupt = unix::signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(name: "handson.stopping", "stopping: {name}");
    })
}

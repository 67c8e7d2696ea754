//! Signals that end a program.

use std::io;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Waits for SIGINT, SIGTERM or SIGHUP. It waits in a thread of its own, so that it sees the signal even if all threads of the runtime are
/// busy.
///
/// # Errors
///
/// If the system does not let the process wait for signals.
pub async fn interrupted() -> io::Result<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let waited = Builder::new_current_thread().enable_io().build().and_then(|own| own.block_on(wait()));
        // Without a receiver, nobody waits any more.
        let _ = sender.send(waited);
    })?;
    receiver.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

async fn wait() -> io::Result<()> {
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

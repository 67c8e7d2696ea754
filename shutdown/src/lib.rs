//! The signals that end a program.

#![warn(missing_docs)]

use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Poll;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Completes at the first SIGTERM or SIGINT. A second one has the signal's default disposition: it ends the
/// process at once.
///
/// # Errors
///
/// If the system refuses to install a handler.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let received = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first signal finds the flag unset, and sets it.
        flag::register_conditional_default(signal, Arc::clone(&received))?;
        flag::register(signal, Arc::clone(&received))?;
    }
    any_of([SignalKind::terminate(), SignalKind::interrupt()])
}

/// Waits for SIGINT, SIGTERM or SIGHUP, as often as it is called. It waits in a thread of its own, so that it
/// sees the signal even if all threads of the runtime are busy.
///
/// # Errors
///
/// If the system does not let the process wait for signals.
pub async fn interrupted() -> io::Result<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let runtime = Builder::new_current_thread().enable_io().build();
        let waited = runtime.and_then(|runtime| {
            runtime.block_on(async {
                any_of([SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()])?.await;
                Ok(())
            })
        });
        // If the receiver was dropped, nobody waits any more.
        let _ = sender.send(waited);
    })?;
    receiver.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Completes at the first of these signals that arrives after this call.
fn any_of<const N: usize>(kinds: [SignalKind; N]) -> io::Result<impl Future<Output = ()>> {
    let mut signals = kinds.into_iter().map(signal).collect::<io::Result<Vec<_>>>()?;
    Ok(poll_fn(move |context| {
        let is_received = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if is_received { Poll::Ready(()) } else { Poll::Pending }
    }))
}

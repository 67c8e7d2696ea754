//! Whether a program is ready for requests, and which programs send requests to it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Time for the users of a program to stop before the program itself is stopped.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Open while a program is ready for requests.
pub(super) struct Gate {
    open: watch::Sender<bool>,
    users: watch::Sender<usize>,
}

impl Gate {
    /// A closed gate.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { open: watch::Sender::new(false), users: watch::Sender::new(0) })
    }

    pub(super) fn open(&self) {
        self.open.send_replace(true);
    }

    /// Closes it without waiting, because the program has ended.
    pub(super) fn shut(&self) {
        self.open.send_replace(false);
    }

    /// Closes it, and waits until it has no users.
    pub(super) async fn close(&self) {
        self.shut();
        let mut users = self.users.subscribe();
        // A user that does not stop in time must not keep the program from being replaced.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, users.wait_for(|users| *users == 0)).await;
    }

    /// Waits until it is open or closed.
    pub(super) async fn wait_until(&self, open: bool) {
        // This fails only if the sender was dropped, and `self` owns it.
        let _ = self.open.subscribe().wait_for(|is_open| *is_open == open).await;
    }

    /// Counts as a user until the pass is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Pass {
        self.users.send_modify(|users| *users += 1);
        Pass(Arc::clone(self))
    }
}

/// The right to send requests through a gate.
pub(super) struct Pass(Arc<Gate>);

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.users.send_modify(|users| *users -= 1);
    }
}

/// The programs that a program depends on.
#[derive(Default)]
pub(super) struct Needs {
    /// The program is not started before this one is ready.
    pub(super) after: Option<Arc<Gate>>,
    /// The program runs only while this one is ready.
    pub(super) only_while: Option<Arc<Gate>>,
}

impl Needs {
    /// Waits until all of them are ready.
    pub(super) async fn wait_until_ready(&self) {
        for gate in self.after.iter().chain(&self.only_while) {
            gate.wait_until(true).await;
        }
    }

    /// Waits until the program of `only_while` is no longer ready.
    pub(super) async fn wait_until_gone(&self) {
        match &self.only_while {
            Some(gate) => gate.wait_until(false).await,
            None => std::future::pending().await,
        }
    }
}

//! What all tests share: the program under test and its target.

pub mod program;
pub mod shape;

use std::time::Duration;

use tokio::sync::watch;
use upstream::{Call, Reaction, Upstream};

/// Time after which a test gives up. It is long, because the machine may be busy; only a failing test waits
/// that long.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// A target; `react` decides what happens to each call.
pub fn start_target(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> Upstream {
    Upstream::start(react).unwrap()
}

/// A target that does not listen yet.
pub fn reserve_target(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> Upstream {
    Upstream::reserve(react).unwrap()
}

/// Waits until `look` finds something in a value that changes.
///
/// # Panics
///
/// After [`TIMEOUT`]. The owner of `watched` then prints what was received.
pub async fn until<S, T>(watched: &watch::Sender<S>, what: &str, look: impl Fn(&S) -> Option<T>) -> T {
    let mut receiver = watched.subscribe();
    let mut found = None;
    let waiting = receiver.wait_for(|state| {
        found = look(state);
        found.is_some()
    });
    let came = matches!(tokio::time::timeout(TIMEOUT, waiting).await, Ok(Ok(_)));
    assert!(came, "waited {TIMEOUT:?} without success: {what}");
    found.unwrap()
}

//! What the tests share: the program under test and its target.

pub mod program;
pub mod shape;
pub mod target;

use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

/// How long anything may take before a test gives up. Long, because the machine may be busy; nothing waits it out
/// unless it fails.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Waits until `look` finds what the test is after in something that changes.
///
/// # Panics
///
/// After [`TIMEOUT`]. What did come is printed by the owner of `watched` when it goes out of scope.
pub async fn until<S, T>(watched: &watch::Sender<S>, what: &str, look: impl Fn(&S) -> Option<T>) -> T {
    let mut receiver = watched.subscribe();
    let mut found = None;
    let waiting = receiver.wait_for(|state| {
        found = look(state);
        found.is_some()
    });
    let came = matches!(tokio::time::timeout(TIMEOUT, waiting).await, Ok(Ok(_)));
    assert!(came, "waited {TIMEOUT:?} in vain: {what}");
    found.unwrap()
}

/// A port that is bound, so that no other process takes it. Connections to it are refused while nobody listens.
pub struct ClosedPort(TcpSocket);

impl ClosedPort {
    /// Takes a free one.
    pub fn new() -> Self {
        Self(socket(0))
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.number())
    }

    /// Listens from now on, until the listener goes out of scope; the port stays taken.
    pub fn open(&self) -> TcpListener {
        socket(self.number()).listen(1024).unwrap()
    }
}

/// Several may be bound to one port, as long as only one listens.
fn socket(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], port).into()).unwrap();
    socket
}

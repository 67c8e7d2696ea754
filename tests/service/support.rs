//! What all tests share: the program under test, its two neighbours, and a client.

pub mod client;
pub mod queries;
pub mod service;

use std::fmt::Debug;
use std::time::Duration;

use otlp::model::Attributes;
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use upstream::{Call, Reaction, Upstream};

/// Time after which a test gives up. It is long, because the machine may be busy; only a failing test waits
/// that long.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// An httpbin; `react` decides what happens to each call.
pub fn start_upstream(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> Upstream {
    Upstream::start(react).unwrap()
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

/// Asserts that `actual` contains every entry of the JSON object `expected`, with the same type: 200 is not
/// "200".
pub fn assert_holds(actual: &impl AsObject, expected: &Value) {
    for (key, value) in expected.as_object().unwrap() {
        assert!(actual.holds(key, value), "{key}: expected {value} in {actual:#?}");
    }
}

/// Attributes, and JSON objects.
pub trait AsObject: Debug {
    /// Whether `key` has this value, with the same type.
    fn holds(&self, key: &str, value: &Value) -> bool;
}

impl AsObject for Value {
    fn holds(&self, key: &str, value: &Value) -> bool {
        self.get(key) == Some(value)
    }
}

impl AsObject for Attributes {
    fn holds(&self, key: &str, value: &Value) -> bool {
        self.get(key).is_some_and(|it| it == value)
    }
}

/// A port on which nothing listens. It is bound, so that no other process takes it; connections to it are
/// refused.
pub struct ClosedPort(TcpSocket);

impl ClosedPort {
    /// Binds a free port.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.number())
    }
}

//! A target that does what a test wants, and remembers each request and the connection on which it came.

mod serving;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::ClosedPort;

/// What becomes of a request.
#[derive(Debug, Clone, Copy)]
pub enum Reaction {
    /// 200 and a greeting.
    Answer,
    /// The same, so much later.
    AnswerAfter(Duration),
    /// This status.
    Status(u16),
    /// Nothing, until the test calls [`Target::release`]; then an answer.
    Hold,
    /// The connection is gone, without an answer.
    BreakOff,
    /// An answer that says that the connection is closed after it.
    AnswerAndSayClose,
    /// An answer, and so much later the connection is closed, which nothing announced.
    AnswerAndCloseAfter(Duration),
}

/// The body of an answer.
pub const GREETING: &str = "Hello, loadtest";

/// A request that came.
#[derive(Debug, Clone)]
pub struct Call {
    /// How many came before it.
    pub number: usize,
    /// When.
    pub at: Instant,
    /// How many connections came before the one that it came on.
    pub connection: usize,
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    /// The value of a header; absent where it is not there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type React = dyn Fn(&Call) -> Reaction + Send + Sync;

struct Shared {
    react: Box<React>,
    calls: watch::Sender<Vec<Call>>,
    released: watch::Sender<bool>,
    connections: AtomicUsize,
}

/// The running target. As it goes out of scope in a failing test, it prints the calls that came.
pub struct Target {
    port: ClosedPort,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Target {
    /// Starts on a free port; `react` says what becomes of each call.
    pub fn start(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> Self {
        let mut target = Self::absent(react);
        target.come();
        target
    }

    /// Has a free port, and does not listen yet.
    pub fn absent(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            react: Box::new(react),
            calls: watch::Sender::default(),
            released: watch::Sender::default(),
            connections: AtomicUsize::new(0),
        });
        Self { port: ClosedPort::new(), shared, accepting: None }
    }

    /// Listens, on the same port as before.
    pub fn come(&mut self) {
        self.accepting = Some(tokio::spawn(serving::accept(self.port.open(), self.shared.clone())));
    }

    /// Breaks off every connection, and refuses new ones.
    pub async fn go(&mut self) {
        let accepting = self.accepting.take().expect("it is there");
        accepting.abort();
        assert!(accepting.await.unwrap_err().is_cancelled());
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.port.url())
    }

    /// The port alone.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The calls that came so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    /// When each call came, after the first.
    pub fn arrivals(&self) -> Vec<Duration> {
        let calls = self.calls();
        calls.iter().map(|call| call.at - calls[0].at).collect()
    }

    /// Waits until so many calls have come.
    pub async fn until_called(&self, times: usize) {
        let what = format!("{times} calls of the target");
        super::until(&self.shared.calls, &what, |calls| (calls.len() >= times).then_some(())).await;
    }

    /// Answers the calls that are held, and holds no other.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// How many connections came so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let calls = self.shared.calls.borrow();
            eprintln!("--- calls of the target: {}, on {} connections ---", calls.len(), self.connections());
            for call in calls.iter().take(10) {
                eprintln!("{call:?}");
            }
        }
    }
}

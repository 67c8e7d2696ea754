//! An HTTP server for tests and checks, which records each call and misbehaves on request.
//!
//! It stands in for httpbin when the service is checked, and for the service when the load generator is
//! tested.

mod call;
mod connection;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use call::{Call, Reaction};

/// Timeout of [`Upstream::until_called`]. It is long, because the machine may be busy.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A server on a free port of the loopback interface. It stops when this value is dropped. If a test panics,
/// it prints the calls that it has received.
pub struct Upstream {
    /// Bound but not listening: no other process can take the port, and connections are refused.
    reserved: Option<TcpSocket>,
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

type React = dyn Fn(Call) -> Pin<Box<dyn Future<Output = Reaction> + Send>> + Send + Sync;

struct Shared {
    react: Box<React>,
    calls: watch::Sender<Vec<Call>>,
    released: watch::Sender<bool>,
    connections: AtomicUsize,
}

impl Upstream {
    /// Starts a server; `react` decides what happens to each call. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn start(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> io::Result<Self> {
        let mut upstream = Self::reserve(react)?;
        upstream.listen()?;
        Ok(upstream)
    }

    /// Starts a server whose `react` is asynchronous. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn start_async<F>(react: impl Fn(Call) -> F + Send + Sync + 'static) -> io::Result<Self>
    where
        F: Future<Output = Reaction> + Send + 'static,
    {
        let mut upstream = Self::new(Box::new(move |call| Box::pin(react(call))))?;
        upstream.listen()?;
        Ok(upstream)
    }

    /// Reserves a port, on which nothing listens until [`listen`](Self::listen) is called.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn reserve(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> io::Result<Self> {
        Self::new(Box::new(move |call| Box::pin(std::future::ready(react(&call)))))
    }

    fn new(react: Box<React>) -> io::Result<Self> {
        let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = socket.local_addr()?;
        let (calls, released) = (watch::Sender::default(), watch::Sender::default());
        let shared = Arc::new(Shared { react, calls, released, connections: AtomicUsize::new(0) });
        Ok(Self { reserved: Some(socket), address, shared, accepting: None })
    }

    /// Starts to listen on the same port; does nothing if it already listens. Must be called inside a Tokio
    /// runtime.
    ///
    /// # Errors
    ///
    /// The system refuses to listen.
    pub fn listen(&mut self) -> io::Result<()> {
        if self.accepting.is_none() {
            let socket = match self.reserved.take() {
                Some(socket) => socket,
                None => bind(self.address)?,
            };
            let listener: TcpListener = socket.listen(1024)?;
            self.accepting = Some(tokio::spawn(connection::accept(listener, Arc::clone(&self.shared))));
        }
        Ok(())
    }

    /// Closes every connection, and refuses new ones until [`listen`](Self::listen) is called.
    pub async fn close(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // The error says that the task was aborted. Its connections have ended with it.
            let _ = accepting.await;
            // If another process takes the port first, `listen` reports it.
            self.reserved = bind(self.address).ok();
        }
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The calls so far, in the order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    /// Waits until there were this many calls.
    ///
    /// # Panics
    ///
    /// After 30 s.
    pub async fn until_called(&self, times: usize) {
        let mut calls = self.shared.calls.subscribe();
        let enough = calls.wait_for(|calls| calls.len() >= times);
        let is_called = tokio::time::timeout(CALL_TIMEOUT, enough).await.is_ok();
        assert!(is_called, "expected {times} calls within {CALL_TIMEOUT:?}, got {}", self.calls().len());
    }

    /// Answers the calls that are held by [`Reaction::Hold`]. All later calls are answered at once.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// Number of connections so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
        if std::thread::panicking() {
            let calls = self.shared.calls.borrow();
            eprintln!("--- {}: {} calls, {} connections ---", self.url(""), calls.len(), self.connections());
            for call in calls.iter().take(20) {
                eprintln!("{call:?}");
            }
        }
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A listener for this address. With `SO_REUSEADDR`, a port can be bound again as soon as its listener is
/// closed.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

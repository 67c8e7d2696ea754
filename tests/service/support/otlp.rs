//! An OTLP receiver in the test's own process: HTTP with protobuf and gRPC, on free loopback ports.

mod decode;
mod grpc;
mod http;
mod outline;
mod received;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

pub use outline::{Outline, tree};
pub use received::{Attributes, Exported, Instrument, Point, Received, Record, Span, SpanKind, StatusCode};

/// How the receiver treats what comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes it, and says so.
    Accept,
    /// Takes it, and says by HTTP that one of the spans is rejected: a partial success.
    RejectSpan,
    /// Answers 503, over gRPC `UNAVAILABLE`.
    Refuse,
    /// Reads the request, and answers it only after the behaviour has changed.
    Stall,
    /// Reads the request, and never answers it, whatever comes later: no doubt is left whether it was taken.
    Hang,
}

/// What both transports share.
struct Inbox {
    received: watch::Sender<Received>,
    behaviour: watch::Sender<Behaviour>,
    /// Only count what comes: at a saturating load, decoding everything would make this the slowest part.
    only_count: bool,
}

/// The receiver refuses the request.
struct Refused;

impl Inbox {
    fn new(only_count: bool) -> Arc<Self> {
        Arc::new(Self {
            received: watch::Sender::new(Received::default()),
            behaviour: watch::Sender::new(Behaviour::Accept),
            only_count,
        })
    }

    /// Takes one request in, as the present behaviour has it.
    async fn take(&self, exported: Exported) -> Result<(), Refused> {
        self.received.send_modify(|received| received.attempts += 1);
        let mut behaviour = self.behaviour.subscribe();
        if *behaviour.borrow() == Behaviour::Hang {
            std::future::pending::<()>().await;
        }
        let behaviour = *behaviour.wait_for(|now| *now != Behaviour::Stall).await.unwrap();
        if behaviour == Behaviour::Refuse {
            return Err(Refused);
        }
        let decoded = decode::decode(exported, self.only_count);
        self.received.send_modify(|received| received.add(decoded));
        Ok(())
    }
}

/// The running receiver. As it goes out of scope in a failing test, it prints what it has received.
pub struct Collector {
    inbox: Arc<Inbox>,
    http: u16,
    grpc: u16,
}

impl Collector {
    /// Starts on free ports.
    pub async fn start() -> Self {
        Self::serve(Inbox::new(false), listen().await).await
    }

    /// Starts on free ports, and only counts what comes.
    pub async fn start_counting() -> Self {
        Self::serve(Inbox::new(true), listen().await).await
    }

    /// Comes up where nobody has listened.
    pub async fn start_on(port: super::ClosedPort) -> Self {
        Self::serve(Inbox::new(false), port.open()).await
    }

    async fn serve(inbox: Arc<Inbox>, listener: TcpListener) -> Self {
        let http = listener.local_addr().unwrap().port();
        tokio::spawn(http::serve(listener, inbox.clone()));
        let listener = listen().await;
        let grpc = listener.local_addr().unwrap().port();
        tokio::spawn(grpc::serve(listener, inbox.clone()));
        Self { inbox, http, grpc }
    }

    /// Where OTLP/HTTP goes: a value for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn http_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// Where OTLP/gRPC goes.
    pub fn grpc_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// From now on; for requests that wait in a stalled receiver too.
    pub fn behave(&self, behaviour: Behaviour) {
        self.inbox.behaviour.send_replace(behaviour);
    }

    /// Everything received so far. It is complete once the service has ended.
    pub fn received(&self) -> Received {
        self.inbox.received.borrow().clone()
    }

    /// Waits until `look` finds something in what was received.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&Received) -> Option<T>) -> T {
        super::until(&self.inbox.received, what, look).await
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- received over OTLP ---\n{}", Outline(&self.inbox.received.borrow()));
        }
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Nanoseconds, as OTLP has them.
pub fn duration(from: u64, to: u64) -> Duration {
    Duration::from_nanos(to.saturating_sub(from))
}

//! A receiver for one test or one run, whose behaviour can be changed while it runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::Status;
// A router implements tower's trait `Service`, which tonic re-exports.
use tonic::codegen::Service;

use crate::model::Telemetry;
use crate::{Limits, Rejected, Signal, Sink, grpc};

/// Maximum number of items that a receiver keeps. Further items are only counted.
const MAX_ITEMS: usize = 400_000;

/// How a [`Receiver`] treats requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It accepts them.
    Accept,
    /// It accepts them except for the first spans or log records of each request, and reports that as a
    /// partial success.
    Reject {
        /// Number of rejected items in each request.
        items: usize,
        /// The message of the partial success.
        reason: &'static str,
    },
    /// It responds with this HTTP status; over gRPC, with `UNAVAILABLE` for a status of 5xx and
    /// `INVALID_ARGUMENT` for others.
    Refuse(u16),
    /// It responds with the status 503 and the header `Retry-After`, in whole seconds; over gRPC, with
    /// `UNAVAILABLE`.
    RetryAfter(Duration),
    /// It responds only after the behaviour has changed, and then as the new behaviour says.
    Stall,
    /// It never responds, not even after the behaviour has changed, and what was sent does not count as
    /// received.
    Hang,
}

/// What a [`Receiver`] has received.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// What it has accepted.
    pub accepted: Telemetry,
    /// What it has refused by [`Behaviour::Refuse`] or [`Behaviour::RetryAfter`].
    pub refused: Telemetry,
    /// Number of requests, in whatever way they were answered.
    pub requests: u64,
    /// Number of spans that it has accepted, including those that it did not keep.
    pub spans: u64,
    /// Number of log records that it has accepted, including those that it did not keep.
    pub log_records: u64,
    /// Whether so much arrived that not all of it was kept.
    pub is_incomplete: bool,
}

/// An OTLP receiver on a free port of the loopback interface. It stops when this value is dropped. If a test
/// panics, it prints what it has received.
pub struct Receiver {
    endpoint: String,
    /// Bound but not listening: no other process can take the port, and connections are refused.
    socket: Option<TcpSocket>,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
}

struct Shared {
    behaviour: watch::Sender<Behaviour>,
    received: watch::Sender<Received>,
    max_items: usize,
}

impl Receiver {
    /// Starts a receiver that accepts everything.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start() -> io::Result<Self> {
        let mut receiver = Self::reserve()?;
        receiver.listen()?;
        Ok(receiver)
    }

    /// Starts a receiver that counts items but does not keep them, for amounts of telemetry that do not fit
    /// into memory.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start_counting() -> io::Result<Self> {
        let mut receiver = Self::with_max_items(0)?;
        receiver.listen()?;
        Ok(receiver)
    }

    /// Reserves a port, on which nothing listens until [`listen`](Self::listen) is called.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn reserve() -> io::Result<Self> {
        Self::with_max_items(MAX_ITEMS)
    }

    fn with_max_items(max_items: usize) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let behaviour = watch::Sender::new(Behaviour::Accept);
        Ok(Self {
            endpoint: format!("http://{}", socket.local_addr()?),
            socket: Some(socket),
            shared: Arc::new(Shared { behaviour, received: watch::Sender::default(), max_items }),
            server: None,
        })
    }

    /// Starts to listen; does nothing if it already listens. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// The system refuses to listen.
    pub fn listen(&mut self) -> io::Result<()> {
        let Some(socket) = self.socket.take() else { return Ok(()) };
        let listener = socket.listen(1024)?;
        let routes = |is_accepting| {
            let shared = Arc::clone(&self.shared);
            crate::router(Arc::new(Inbox { shared, is_accepting }), Limits::default())
        };
        let behaving = Behaving { shared: Arc::clone(&self.shared), refusing: routes(false) };
        let router = routes(true).layer(from_fn_with_state(behaving, behave));
        self.server = Some(tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, router).await;
        }));
        Ok(())
    }

    /// Changes how requests are handled from now on.
    pub fn set(&self, behaviour: Behaviour) {
        self.shared.behaviour.send_replace(behaviour);
    }

    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT`, both over HTTP and over gRPC.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Host and port, such as `127.0.0.1:4318`.
    pub fn authority(&self) -> &str {
        self.endpoint.trim_start_matches("http://")
    }

    /// A copy of everything that was received so far.
    pub fn received(&self) -> Received {
        self.shared.received.borrow().clone()
    }

    /// A copy of everything that was accepted so far.
    pub fn telemetry(&self) -> Telemetry {
        self.shared.received.borrow().accepted.clone()
    }

    /// Takes everything that was received so far, and resets the counters.
    pub fn take(&self) -> Received {
        self.shared.received.send_replace(Received::default())
    }

    /// Waits until `find` returns a value for what was received. `None` after `timeout`.
    pub async fn until<T>(&self, timeout: Duration, find: impl Fn(&Received) -> Option<T>) -> Option<T> {
        let mut received = self.shared.received.subscribe();
        let mut found = None;
        let finding = received.wait_for(|received| {
            found = find(received);
            found.is_some()
        });
        // The sender lives as long as this receiver, so the only possible error is the timeout.
        let _ = tokio::time::timeout(timeout, finding).await;
        found
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
        if std::thread::panicking() {
            eprintln!(
                "--- received by {} ---\n{}",
                self.endpoint,
                self.shared.received.borrow().accepted.outline()
            );
        }
    }
}

/// The sink of the routes. Refused requests are decoded, too, so that a check sees what was sent again.
struct Inbox {
    shared: Arc<Shared>,
    is_accepting: bool,
}

impl Sink for Inbox {
    fn add(&self, mut telemetry: Telemetry) -> Rejected {
        let rejected = match *self.shared.behaviour.borrow() {
            Behaviour::Reject { items, reason } => {
                let rejected = remove_first(&mut telemetry.spans, items)
                    + remove_first(&mut telemetry.log_records, items);
                Rejected { items: rejected, why: reason.to_owned() }
            }
            _ => Rejected::default(),
        };
        self.shared.received.send_modify(|received| {
            let kept = received.accepted.len() + received.refused.len();
            let telemetry_so_far = if self.is_accepting {
                received.spans += telemetry.spans.len() as u64;
                received.log_records += telemetry.log_records.len() as u64;
                &mut received.accepted
            } else {
                &mut received.refused
            };
            if kept < self.shared.max_items {
                telemetry_so_far.extend(telemetry);
            } else {
                received.is_incomplete = true;
            }
        });
        rejected
    }

    fn refuse(&self, _: Option<Signal>, reason: String) {
        self.add(Telemetry { refused: vec![reason], ..Telemetry::default() });
    }
}

/// Removes items at the beginning, and returns how many were removed.
fn remove_first<T>(items: &mut Vec<T>, count: usize) -> i64 {
    items.drain(..count.min(items.len())).count() as i64
}

#[derive(Clone)]
struct Behaving {
    shared: Arc<Shared>,
    refusing: Router,
}

async fn behave(State(mut state): State<Behaving>, request: Request, next: Next) -> Response {
    state.shared.received.send_modify(|received| received.requests += 1);
    let mut behaviour = state.shared.behaviour.subscribe();
    let behaviour = behaviour.wait_for(|now| *now != Behaviour::Stall).await.map(|now| *now);
    let (status, retry_after) = match behaviour {
        Ok(Behaviour::Refuse(status)) => (status, None),
        Ok(Behaviour::RetryAfter(delay)) => (503, Some(delay)),
        Ok(Behaviour::Hang) => std::future::pending().await,
        // An error would mean that the receiver has ended, and this task with it.
        Ok(Behaviour::Accept | Behaviour::Reject { .. } | Behaviour::Stall) | Err(_) => {
            return next.run(request).await;
        }
    };
    let is_grpc = grpc::is_grpc(request.headers());
    let _ = state.refusing.call(request).await;
    if is_grpc {
        let reason = "this receiver refuses everything at present";
        let status =
            if status < 500 { Status::invalid_argument(reason) } else { Status::unavailable(reason) };
        return status.into_http();
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    match retry_after {
        Some(delay) => (status, [(header::RETRY_AFTER, delay.as_secs())]).into_response(),
        None => status.into_response(),
    }
}

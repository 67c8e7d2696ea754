//! The stand-in for httpbin, which keeps a record of who calls it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::evidence::UpstreamCall;
use otlp::model::now;

/// How many calls of a request are expected at once.
const AT_ONCE: usize = 3;
/// How long an answer is held back for the others to come; a service that calls one after the other waits in vain.
const PATIENCE: Duration = Duration::from_millis(500);
/// The same, once it has been in vain.
const SHORT_PATIENCE: Duration = Duration::from_millis(20);

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// One request of ours, this one; `fails`: `POST /post` is answered 503.
    Alone { exchange: usize, fails: bool },
    /// Several at once.
    Burst,
}

/// The running stand-in. It ends when it is dropped.
pub(super) struct Httpbin {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    state: Mutex<Record>,
    /// How many calls of the present request wait.
    waiting: watch::Sender<usize>,
}

struct Record {
    mode: Mode,
    calls: Vec<UpstreamCall>,
    /// Calls of the present request so far.
    of_request: usize,
    patience: Duration,
}

impl Httpbin {
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let record = Record { mode: Mode::Burst, calls: Vec::new(), of_request: 0, patience: PATIENCE };
        let shared = Arc::new(Shared { state: Mutex::new(record), waiting: watch::Sender::new(0) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, server })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls that come from now on belong to this.
    pub(super) fn expect(&self, mode: Mode) {
        let mut record = self.shared.record();
        record.mode = mode;
        record.of_request = 0;
        self.shared.waiting.send_replace(0);
    }

    /// The calls so far, in the order of arrival.
    pub(super) fn calls(&self) -> Vec<UpstreamCall> {
        self.shared.record().calls.clone()
    }
}

impl Drop for Httpbin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let known =
        matches!((method.as_str(), uri.path()), ("GET", "/get") | ("POST", "/post") | ("PUT", "/put"));
    let (index, place, mode, patience) = {
        let mut record = shared.record();
        let (exchange, fails) = match record.mode {
            Mode::Alone { exchange, fails } => (Some(exchange), fails),
            Mode::Burst => (None, false),
        };
        let status = if !known {
            404
        } else if fails && method == Method::POST {
            503
        } else {
            200
        };
        record.calls.push(UpstreamCall {
            exchange,
            method: method.to_string(),
            path: uri.path().to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            arrived: now(),
            answered: 0,
            overlapped: false,
            status,
        });
        record.of_request += 1;
        (record.calls.len() - 1, record.of_request, record.mode, record.patience)
    };

    let overlapped = match mode {
        // The first call comes alone, and needs no company.
        Mode::Alone { .. } if place > 1 => wait_for_the_others(&shared, mode, patience).await,
        Mode::Alone { .. } => false,
        Mode::Burst => {
            tokio::time::sleep(SHORT_PATIENCE).await;
            false
        }
    };

    let mut record = shared.record();
    let call = &mut record.calls[index];
    call.overlapped = overlapped;
    call.answered = now();
    let status = StatusCode::from_u16(call.status).unwrap_or_default();
    let data = String::from_utf8_lossy(&body).into_owned();
    let body = serde_json::json!({ "args": {}, "data": data, "headers": {}, "url": uri.to_string() });
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string())
}

/// Whether three calls of one request are here at the same time.
async fn wait_for_the_others(shared: &Shared, mode: Mode, patience: Duration) -> bool {
    let mut waiting = shared.waiting.subscribe();
    shared.waiting.send_modify(|waiting| *waiting += 1);
    let all = waiting.wait_for(|waiting| *waiting >= AT_ONCE);
    if tokio::time::timeout(patience, all).await.is_ok_and(|met| met.is_ok()) {
        return true;
    }
    let mut record = shared.record();
    record.patience = SHORT_PATIENCE;
    if record.mode == mode {
        shared.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
    false
}

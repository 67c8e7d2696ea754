//! The stand-in for httpbin, which records its calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use upstream::{Call, Reaction, Upstream};

use crate::evidence::{BESIDE_A_FAILURE, UpstreamCall};
use otlp::model::now;

/// Number of calls that a request makes concurrently.
const AT_ONCE: usize = 3;
/// How long a response is delayed until the other calls have arrived. If the service makes one call after the
/// other, they never arrive.
const CALLS_TIMEOUT: Duration = Duration::from_millis(500);
/// The same, after the wait has timed out once.
const SHORT_TIMEOUT: Duration = Duration::from_millis(20);
/// Minimum duration of a call: longer than the resolution of the clock, so that a span that ends at once
/// differs from one that covers the call.
const CALL_DURATION: Duration = Duration::from_millis(1);

/// Duration of a held call: enough to hang up or to stop the program before the response.
const HELD_CALL_DURATION: Duration = Duration::from_millis(200);
/// Duration of a slow call: more than two exports of metrics, see
/// [`METRIC_EXPORT_INTERVAL`](super::METRIC_EXPORT_INTERVAL).
const SLOW_CALL_DURATION: Duration = Duration::from_millis(250);

/// Which requests the next calls belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Only this request of the check is running. With `fails`, the first call with this method is answered
    /// with this status, and those at the same time only after [`BESIDE_A_FAILURE`].
    Alone { exchange: usize, fails: Option<(&'static str, u16)> },
    /// The same, and its first call is answered after [`HELD_CALL_DURATION`].
    Held { exchange: usize },
    /// The same, and its first call is answered after [`SLOW_CALL_DURATION`].
    Slow { exchange: usize },
    /// The same, and no call is answered: the connection is closed.
    Breaks { exchange: usize },
    /// Several requests are running at once.
    Burst,
}

/// The running stand-in. It stops when this value is dropped.
pub(super) struct Httpbin {
    upstream: Upstream,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<Record>,
    /// Number of calls of the current request that are waiting.
    waiting: watch::Sender<usize>,
    /// Notified when a call is being held.
    held: Notify,
}

struct Record {
    mode: Mode,
    calls: Vec<UpstreamCall>,
    /// Number of calls of the current request so far.
    of_request: usize,
    timeout: Duration,
}

impl Httpbin {
    pub(super) fn start() -> std::io::Result<Self> {
        let record = Record { mode: Mode::Burst, calls: Vec::new(), of_request: 0, timeout: CALLS_TIMEOUT };
        let shared = Arc::new(Shared {
            state: Mutex::new(record),
            waiting: watch::Sender::new(0),
            held: Notify::new(),
        });
        let upstream = Upstream::start_async({
            let shared = Arc::clone(&shared);
            move |call| answer(Arc::clone(&shared), call)
        })?;
        Ok(Self { upstream, shared })
    }

    pub(super) fn url(&self) -> String {
        self.upstream.url("")
    }

    pub(super) fn port(&self) -> u16 {
        self.upstream.port()
    }

    /// Assigns the calls from now on to this request or burst.
    pub(super) fn expect(&self, mode: Mode) {
        let mut record = self.shared.record();
        record.mode = mode;
        record.of_request = 0;
        self.shared.waiting.send_replace(0);
    }

    /// Closes all connections, and refuses new ones until [`Self::listen`] is called.
    pub(super) async fn close(&mut self) {
        self.upstream.close().await;
    }

    /// Listens again.
    pub(super) fn listen(&mut self) -> std::io::Result<()> {
        self.upstream.listen()
    }

    /// Waits until a call is being held.
    pub(super) async fn holds_a_call(&self) {
        self.shared.held.notified().await;
    }

    /// The calls so far, in the order of arrival.
    pub(super) fn calls(&self) -> Vec<UpstreamCall> {
        self.shared.record().calls.clone()
    }
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(shared: Arc<Shared>, call: Call) -> Reaction {
    let is_known = matches!(
        (call.method.as_str(), call.uri.path()),
        ("GET", "/get") | ("POST", "/post") | ("PUT", "/put")
    );
    let (index, place, mode, timeout, is_held) = {
        let mut record = shared.record();
        let (exchange, fails) = match record.mode {
            Mode::Alone { exchange, fails } => (Some(exchange), fails),
            Mode::Held { exchange } | Mode::Slow { exchange } | Mode::Breaks { exchange } => {
                (Some(exchange), None)
            }
            Mode::Burst => (None, None),
        };
        let status = match fails {
            _ if matches!(record.mode, Mode::Breaks { .. }) => 0,
            _ if !is_known => 404,
            Some((method, status))
                if call.method == method && (method != "GET" || record.of_request == 0) =>
            {
                status
            }
            _ => 200,
        };
        record.calls.push(UpstreamCall {
            exchange,
            method: call.method.to_string(),
            path: call.uri.path().to_owned(),
            headers: call
                .headers
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
        let is_held = fails.is_some() && status == 200 && record.of_request > 1;
        (record.calls.len() - 1, record.of_request, record.mode, record.timeout, is_held)
    };

    let overlapped = match mode {
        // The first call of a request is made alone, so only the later ones wait for each other.
        Mode::Alone { .. } | Mode::Held { .. } | Mode::Slow { .. } if place > 1 => {
            let overlapped = wait_for_the_others(&shared, mode, timeout).await;
            tokio::time::sleep(if is_held { BESIDE_A_FAILURE } else { CALL_DURATION }).await;
            overlapped
        }
        Mode::Alone { .. } | Mode::Breaks { .. } => {
            tokio::time::sleep(CALL_DURATION).await;
            false
        }
        Mode::Slow { .. } => {
            tokio::time::sleep(SLOW_CALL_DURATION).await;
            false
        }
        Mode::Held { .. } => {
            shared.held.notify_one();
            tokio::time::sleep(HELD_CALL_DURATION).await;
            false
        }
        Mode::Burst => {
            tokio::time::sleep(SHORT_TIMEOUT).await;
            false
        }
    };

    let mut record = shared.record();
    let call = &mut record.calls[index];
    call.overlapped = overlapped;
    call.answered = now();
    match call.status {
        0 => Reaction::BreakOff,
        200 => Reaction::Answer,
        status => Reaction::Status(status),
    }
}

/// Whether three calls of one request are here at the same time.
async fn wait_for_the_others(shared: &Shared, mode: Mode, timeout: Duration) -> bool {
    let mut waiting = shared.waiting.subscribe();
    shared.waiting.send_modify(|waiting| *waiting += 1);
    let all = waiting.wait_for(|waiting| *waiting >= AT_ONCE);
    if tokio::time::timeout(timeout, all).await.is_ok_and(|met| met.is_ok()) {
        return true;
    }
    let mut record = shared.record();
    record.timeout = SHORT_TIMEOUT;
    if record.mode == mode {
        shared.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
    false
}

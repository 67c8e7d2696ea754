//! The stand-in for httpbin, which keeps a record of who calls it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use upstream::{Call, Reaction, Upstream};

use crate::evidence::UpstreamCall;
use otlp::model::now;

/// How many calls of a request are expected at once.
const AT_ONCE: usize = 3;
/// How long an answer is held back for the others to come; a service that calls one after the other waits in vain.
const CALLS_TIMEOUT: Duration = Duration::from_millis(500);
/// The same, once it has been in vain.
const SHORT_TIMEOUT: Duration = Duration::from_millis(20);
/// How long each call takes at least: longer than the grain of a clock, so that a span that is ended at once can be told from one
/// that lasts.
const CALL_DURATION: Duration = Duration::from_millis(1);

/// Long enough to hang up, or to end the program, before the answer.
const HELD_CALL_DURATION: Duration = Duration::from_millis(200);

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// One request of ours, this one; `fails`: `POST /post` is answered 503.
    Alone { exchange: usize, fails: bool },
    /// The same, and its first call is answered only after [`HELD_CALL_DURATION`].
    Held { exchange: usize },
    /// Several at once.
    Burst,
}

/// The running stand-in. It ends when it is dropped.
pub(super) struct Httpbin {
    upstream: Upstream,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<Record>,
    /// How many calls of the present request wait.
    waiting: watch::Sender<usize>,
    /// A call is being held back.
    held: Notify,
}

struct Record {
    mode: Mode,
    calls: Vec<UpstreamCall>,
    /// Calls of the present request so far.
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

    /// The calls that come from now on belong to this.
    pub(super) fn expect(&self, mode: Mode) {
        let mut record = self.shared.record();
        record.mode = mode;
        record.of_request = 0;
        self.shared.waiting.send_replace(0);
    }

    /// Waits until a call is held back.
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
    let (index, place, mode, timeout) = {
        let mut record = shared.record();
        let (exchange, fails) = match record.mode {
            Mode::Alone { exchange, fails } => (Some(exchange), fails),
            Mode::Held { exchange } => (Some(exchange), false),
            Mode::Burst => (None, false),
        };
        let status = match is_known {
            false => 404,
            true if fails && call.method == "POST" => 503,
            true => 200,
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
        (record.calls.len() - 1, record.of_request, record.mode, record.timeout)
    };

    let overlapped = match mode {
        // The first call comes alone, and needs no company.
        Mode::Alone { .. } | Mode::Held { .. } if place > 1 => {
            let overlapped = wait_for_the_others(&shared, mode, timeout).await;
            tokio::time::sleep(CALL_DURATION).await;
            overlapped
        }
        Mode::Alone { .. } => {
            tokio::time::sleep(CALL_DURATION).await;
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

//! Limits for requests while they are received: a large or slow request must not use up the memory or the
//! time of others.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use crate::{Limits, Signal, Sink, grpc};

/// Maximum size of the body of a request in bytes, after decompression. An SDK's batch of 512 spans has less
/// than 1 MiB.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Time for a body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The state that all requests of a receiver share.
#[derive(Clone)]
pub(crate) struct Bounds {
    /// Bytes that all requests use.
    used: Arc<AtomicUsize>,
    limits: Limits,
    sink: Arc<dyn Sink>,
}

impl Bounds {
    pub(crate) fn new(sink: Arc<dyn Sink>, limits: Limits) -> Self {
        Self { used: Arc::default(), limits, sink }
    }
}

/// Middleware that rejects a request if its body is too slow or needs more memory than is available.
pub(crate) async fn within(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let is_grpc = grpc::is_grpc(request.headers());
    let memory = Arc::new(Memory {
        of_all: bounds.used,
        limit: bounds.limits.memory,
        bytes: AtomicUsize::new(0),
        fault: AtomicUsize::new(0),
    });
    let signal = Signal::ALL.into_iter().find(|signal| {
        let path = request.uri().path();
        path.strip_prefix("/v1/") == Some(signal.name()) || path == signal.method()
    });
    let mut request = request.map(|body| bounded(body, Arc::clone(&memory)));
    request.extensions_mut().insert(Arc::clone(&memory));
    let response = next.run(request).await;
    let Some(fault) = memory.fault() else { return response };
    let reason = memory.reason(fault);
    bounds.sink.refuse(signal, format!("a request was given up: {reason}"));
    match (fault, is_grpc) {
        (Fault::Busy, true) => Status::unavailable(reason).into_http(),
        (Fault::TooLarge, true) => Status::resource_exhausted(reason).into_http(),
        (Fault::TooSlow, true) => Status::deadline_exceeded(reason).into_http(),
        // OTLP defines this status for asking the sender to try again later.
        (Fault::Busy, false) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], reason).into_response()
        }
        (Fault::TooLarge, false) => (StatusCode::PAYLOAD_TOO_LARGE, reason).into_response(),
        (Fault::TooSlow, false) => (StatusCode::REQUEST_TIMEOUT, reason).into_response(),
    }
}

fn bounded(body: Body, memory: Arc<Memory>) -> Body {
    let deadline = Instant::now() + BODY_TIMEOUT;
    let chunks = stream::unfold((body.into_data_stream(), memory), move |(mut chunks, memory)| async move {
        let chunk = match timeout_at(deadline, chunks.next()).await {
            Err(_) => Err(memory.fail(Fault::TooSlow).into()),
            Ok(None) => return None,
            Ok(Some(Ok(chunk))) => memory.take(chunk.len()).map(|()| chunk).map_err(axum::BoxError::from),
            Ok(Some(Err(error))) => Err(axum::BoxError::from(error)),
        };
        Some((chunk, (chunks, memory)))
    });
    Body::from_stream(chunks.map(|chunk: Result<Bytes, axum::BoxError>| chunk))
}

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Other requests use the memory.
    Busy = 1,
    /// It needs more memory than all requests may use.
    TooLarge = 2,
    TooSlow = 3,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "too many requests at one time; try again",
            Self::TooLarge => "the request is too large when it is decoded",
            Self::TooSlow => "the body is too slow",
        })
    }
}

impl std::error::Error for Fault {}

/// The part of the shared memory that one request uses until it is answered.
pub(crate) struct Memory {
    of_all: Arc<AtomicUsize>,
    limit: usize,
    bytes: AtomicUsize,
    fault: AtomicUsize,
}

impl Memory {
    /// The number of bytes that one request may use.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Counts `bytes` more for this request. A request allocates its memory in several steps.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Fault> {
        // Refused bytes are not counted, because they would block other requests.
        if self.bytes.load(Ordering::Relaxed).saturating_add(bytes) > self.limit {
            return Err(self.fail(Fault::TooLarge));
        }
        if self.of_all.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > self.limit {
            self.of_all.fetch_sub(bytes, Ordering::Relaxed);
            return Err(self.fail(Fault::Busy));
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn fail(&self, fault: Fault) -> Fault {
        self.fault.store(fault as usize, Ordering::Relaxed);
        fault
    }

    /// Why the request was rejected, if it was. The middleware then sends the response and reports it.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let fault = self.fault.load(Ordering::Relaxed);
        [Fault::Busy, Fault::TooLarge, Fault::TooSlow].into_iter().find(|known| *known as usize == fault)
    }

    fn reason(&self, fault: Fault) -> String {
        let limit = self.limit;
        match fault {
            Fault::Busy => format!("{fault}: requests may use {limit} bytes together"),
            Fault::TooLarge => format!("{fault}: it needs more than {limit} bytes"),
            Fault::TooSlow => format!("{fault}: it did not arrive within {BODY_TIMEOUT:?}"),
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.of_all.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_request_uses_no_memory_budget_of_others() {
        let of_all = Arc::new(AtomicUsize::new(0));
        let request = || Memory {
            of_all: Arc::clone(&of_all),
            limit: 100,
            bytes: AtomicUsize::new(0),
            fault: AtomicUsize::new(0),
        };
        let (first, second, third) = (request(), request(), request());
        assert_eq!(first.take(60), Ok(()));
        assert_eq!(second.take(1_000), Err(Fault::TooLarge));
        assert_eq!(second.take(50), Err(Fault::Busy));
        assert_eq!(third.take(40), Ok(()));
        assert_eq!(of_all.load(Ordering::Relaxed), 100);
        drop((first, second, third));
        assert_eq!(of_all.load(Ordering::Relaxed), 0);
    }
}

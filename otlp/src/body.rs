//! Bounds for bodies while they arrive: who sends much, or slowly, must not take the memory or the time of the others.

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

use crate::Sink;

/// Bytes of one request, unpacked. An SDK's batch of 512 spans has less than 1 MiB.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of all requests that are on their way at one time, as they come over the wire.
const MAX_BYTES_IN_FLIGHT: usize = 4 * MAX_BODY_BYTES;
/// Time for a body to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What all requests of a receiver share.
#[derive(Clone)]
pub(crate) struct Bounds {
    on_their_way: Arc<AtomicUsize>,
    sink: Arc<dyn Sink>,
}

impl Bounds {
    pub(crate) fn new(sink: Arc<dyn Sink>) -> Self {
        Self { on_their_way: Arc::default(), sink }
    }
}

/// Middleware: gives up a body that is too slow, or one too many.
pub(crate) async fn within(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let is_grpc = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|content| content.as_bytes().starts_with(b"application/grpc"));
    let held = Arc::new(Held::new(bounds.on_their_way));
    let request = request.map(|body| bounded(body, Arc::clone(&held)));
    let response = next.run(request).await;
    let Some(fault) = held.fault() else { return response };
    bounds.sink.refuse(format!("a request was given up: {fault}"));
    match (fault, is_grpc) {
        (Fault::TooMuch, true) => Status::unavailable(fault.to_string()).into_http(),
        (Fault::TooSlow, true) => Status::deadline_exceeded(fault.to_string()).into_http(),
        // OTLP's way to say "later, please".
        (Fault::TooMuch, false) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], fault.to_string()).into_response()
        }
        (Fault::TooSlow, false) => (StatusCode::REQUEST_TIMEOUT, fault.to_string()).into_response(),
    }
}

fn bounded(body: Body, held: Arc<Held>) -> Body {
    let deadline = Instant::now() + BODY_TIMEOUT;
    let chunks = stream::unfold((body.into_data_stream(), held), move |(mut chunks, held)| async move {
        let chunk = match timeout_at(deadline, chunks.next()).await {
            Err(_) => held.fail(Fault::TooSlow),
            Ok(None) => return None,
            Ok(Some(Ok(chunk))) => held.take(chunk),
            Ok(Some(Err(error))) => Err(error.into()),
        };
        Some((chunk, (chunks, held)))
    });
    Body::from_stream(chunks)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    TooMuch = 1,
    TooSlow = 2,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMuch => write!(f, "more than {MAX_BYTES_IN_FLIGHT} bytes are on their way; try again"),
            Self::TooSlow => write!(f, "the body did not come within {BODY_TIMEOUT:?}"),
        }
    }
}

impl std::error::Error for Fault {}

/// The bytes that one request has taken of what all may take, until it is answered.
struct Held {
    of_all: Arc<AtomicUsize>,
    bytes: AtomicUsize,
    fault: AtomicUsize,
}

impl Held {
    fn new(of_all: Arc<AtomicUsize>) -> Self {
        Self { of_all, bytes: AtomicUsize::new(0), fault: AtomicUsize::new(0) }
    }

    fn take(&self, chunk: Bytes) -> Result<Bytes, axum::BoxError> {
        self.bytes.fetch_add(chunk.len(), Ordering::Relaxed);
        let before = self.of_all.fetch_add(chunk.len(), Ordering::Relaxed);
        if before + chunk.len() > MAX_BYTES_IN_FLIGHT { self.fail(Fault::TooMuch) } else { Ok(chunk) }
    }

    fn fail(&self, fault: Fault) -> Result<Bytes, axum::BoxError> {
        self.fault.store(fault as usize, Ordering::Relaxed);
        Err(fault.into())
    }

    fn fault(&self) -> Option<Fault> {
        let fault = self.fault.load(Ordering::Relaxed);
        [Fault::TooMuch, Fault::TooSlow].into_iter().find(|known| *known as usize == fault)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of_all.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

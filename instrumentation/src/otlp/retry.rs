//! Decides when to retry: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-throttling>. The values are
//! those of the exporters in `opentelemetry-otlp`.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

const MAX_RETRIES: u32 = 3;
const FIRST_DELAY: Duration = Duration::from_millis(100);
const MAX_JITTER_MILLIS: u64 = 100;

/// The retries of one export.
#[derive(Default)]
pub(super) struct Retries {
    made: u32,
}

impl Retries {
    /// The time to wait before the next retry: it doubles each time, is at least as long as the receiver
    /// requests, and includes a random part, so that the clients of a restarted receiver do not all retry at
    /// once. `None` after the last retry.
    pub(super) fn next_delay(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let delay = FIRST_DELAY * 2u32.pow(self.made);
        self.made += 1;
        let jitter = Duration::from_millis(random() % MAX_JITTER_MILLIS);
        (self.made <= MAX_RETRIES).then(|| delay.max(retry_after.unwrap_or_default()).saturating_add(jitter))
    }
}

/// The keys of a new hasher are random, which is sufficient here and needs no other crate.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

/// Stops retries, including one that an export is waiting for.
///
/// Call [`stop`](Self::stop) before the tracer provider is shut down. The SDK shuts the exporter down in the
/// thread that exports, so the exporter itself would notice it only after all retries.
#[derive(Clone, Debug, Default)]
pub struct RetryStop {
    state: Arc<(Mutex<bool>, Condvar)>,
}

impl RetryStop {
    /// From now on, each batch is sent only once.
    pub fn stop(&self) {
        let (stopped, changed) = &*self.state;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Waits for `delay`. Returns `false` if retries are or have been stopped.
    pub(super) fn wait(&self, delay: Duration) -> bool {
        let (stopped, changed) = &*self.state;
        let guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(guard, delay, |stopped| !*stopped);
        let (stopped, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !*stopped
    }
}

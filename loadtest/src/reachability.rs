//! Whether the target answers at all. It is said when that ends and when it begins again, not for every request.

use std::time::{Duration, Instant};

use crate::iteration::Iteration;

/// What is known of the target.
#[derive(Debug, Default)]
pub struct Reachability {
    down: Option<Down>,
}

#[derive(Debug)]
struct Down {
    since: Instant,
    without_response: u64,
    /// Since when all requests were answered; one good answer between two bad ones is no end.
    responds_since: Option<Instant>,
}

/// How long all requests must be answered before the target is up again.
const STABLE_AFTER: Duration = Duration::from_secs(1);

impl Reachability {
    /// Takes note of an iteration that ended `now`; gives what there is to say.
    pub fn record(&mut self, iteration: &Iteration, now: Instant) -> Option<String> {
        match (&iteration.outcome, &mut self.down) {
            (Ok(_), None) => None,
            (Ok(_), Some(down)) => {
                let steady = now.duration_since(*down.responds_since.get_or_insert(now)) >= STABLE_AFTER;
                let (seconds, without_response) =
                    (now.duration_since(down.since).as_secs(), down.without_response);
                steady.then(|| {
                    self.down = None;
                    format!("the target answers again, after {seconds} s and {without_response} requests without an answer")
                })
            }
            (Err(_), Some(down)) => {
                down.without_response += 1;
                down.responds_since = None;
                None
            }
            (Err(failure), None) => {
                self.down = Some(Down { since: now, without_response: 1, responds_since: None });
                Some(format!("the target does not answer: {}; the load goes on", failure.message))
            }
        }
    }
}

//! Whether the target responds at all. A message is printed when it stops responding and when it recovers,
//! not for every request.

use std::time::{Duration, Instant};

use crate::iteration::Iteration;

/// Whether the target is down.
#[derive(Debug, Default)]
pub struct Reachability {
    down: Option<Down>,
}

#[derive(Debug)]
struct Down {
    since: Instant,
    without_response: u64,
    /// The time since which every request got a response. A single response does not end the outage.
    responds_since: Option<Instant>,
}

/// How long every request must get a response before the target counts as recovered.
const STABLE_AFTER: Duration = Duration::from_secs(1);

impl Reachability {
    /// Records an iteration that ended `now`; returns the message to print, if any.
    pub fn record(&mut self, iteration: &Iteration, now: Instant) -> Option<String> {
        match (&iteration.outcome, &mut self.down) {
            (Ok(_), None) => None,
            (Ok(_), Some(down)) => {
                let steady = now.duration_since(*down.responds_since.get_or_insert(now)) >= STABLE_AFTER;
                let (seconds, without_response) =
                    (now.duration_since(down.since).as_secs(), down.without_response);
                steady.then(|| {
                    self.down = None;
                    format!("the target responds again, after {seconds} s and {without_response} requests without a response")
                })
            }
            (Err(_), Some(down)) => {
                down.without_response += 1;
                down.responds_since = None;
                None
            }
            (Err(failure), None) => {
                self.down = Some(Down { since: now, without_response: 1, responds_since: None });
                Some(format!("the target does not respond: {}; the load continues", failure.message))
            }
        }
    }
}

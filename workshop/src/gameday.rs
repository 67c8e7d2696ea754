//! The game day: `up --fault NAME` breaks one thing around the service, and a judge compares the attendee's
//! answer with the telemetry.
//!
//! Every fault comes from outside of the service, so that a program in any language can be examined.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`fault`] | the faults, and which one breaks what and when |
//! | [`environment`] | what surrounds the service: proxy, database file, clock of httpbin |
//! | [`evidence`] | the spans of the console, as calls and queries |
//! | [`incident`] | the spans that show a fault |
//! | [`judge`] | what, where and since when: right, or what contradicts it |
//! | [`reveal`] | how an experienced engineer finds the fault |

pub mod answer;
mod contradiction;
pub mod environment;
pub mod evidence;
pub mod fault;
pub mod incident;
pub mod judge;
mod place;
pub mod reveal;

use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use otlp::model::now;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;

pub use fault::{Fault, Plan};

/// The name of the local httpbin in telemetry.
pub const HTTPBIN: &str = "httpbin";

/// A game day that runs.
pub struct GameDay {
    /// What breaks, and when.
    pub plan: Plan,
    /// When it was started, in nanoseconds since 1970.
    pub started: u64,
    console_url: OnceLock<String>,
    began: watch::Sender<Option<u64>>,
    random: Mutex<StdRng>,
}

impl GameDay {
    /// A game day on which everything is still well.
    pub fn new(plan: Plan) -> Self {
        let random = Mutex::new(StdRng::seed_from_u64(plan.seed));
        Self { plan, started: now(), console_url: OnceLock::new(), began: watch::Sender::new(None), random }
    }

    /// Sets the address of the console. Only the first one counts.
    pub fn set_console_url(&self, url: &str) {
        self.console_url.get_or_init(|| url.to_owned());
    }

    /// The address of the console.
    pub fn console_url(&self) -> &str {
        self.console_url.get().map_or("", String::as_str)
    }

    /// When the fault began, in nanoseconds since 1970; `None` if it has not.
    pub fn began(&self) -> Option<u64> {
        *self.began.borrow()
    }

    /// Waits for the time of the plan, then lets the fault begin.
    pub async fn begin(&self) {
        tokio::time::sleep(self.plan.after).await;
        self.began.send_replace(Some(now()));
    }

    /// Waits until the fault has begun.
    async fn wait_until_begun(&self) {
        // This fails only if the sender was dropped, and `self` owns it.
        let _ = self.began.subscribe().wait_for(Option::is_some).await;
    }

    /// The fault, once it has begun.
    fn active(&self) -> Option<Fault> {
        self.began().map(|_| self.plan.fault)
    }

    fn draw(&self, range: RangeInclusive<Duration>) -> Duration {
        self.random().random_range(range)
    }

    fn happens(&self, share: f64) -> bool {
        self.random().random_bool(share)
    }

    fn random(&self) -> MutexGuard<'_, StdRng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The metrics, with k6's names: <https://grafana.com/docs/k6/latest/using-k6/metrics/reference/>.
//!
//! Two of them are our own. k6 measures a request from the moment it is sent, so it leaves out the delay that
//! occurs if the generator itself was late (coordinated omission). `http_req_schedule_delay` is that delay,
//! and `http_req_scheduled_duration` is the time from the scheduled start to the end of the response.

mod kind;
mod trend;

use std::time::Duration;

pub use kind::{Aggregation, Kind, Metric, share};
pub use trend::Trend;

use crate::checks::Check;
use crate::iteration::Iteration;

/// All metrics, in the order of the summary.
pub const NAMES: [(&str, Kind); 12] = [
    ("checks", Kind::Rate),
    ("dropped_iterations", Kind::Counter),
    ("http_req_duration", Kind::Trend),
    ("http_req_duration{expected_response:true}", Kind::Trend),
    ("http_req_failed", Kind::Rate),
    ("http_req_schedule_delay", Kind::Trend),
    ("http_req_scheduled_duration", Kind::Trend),
    ("http_reqs", Kind::Counter),
    ("iteration_duration", Kind::Trend),
    ("iterations", Kind::Counter),
    ("vus", Kind::Gauge),
    ("vus_max", Kind::Gauge),
];

/// The kind of the metric with this name; `None` if there is no such metric.
pub fn kind(name: &str) -> Option<Kind> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// How often a check passed and failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckCount {
    /// Its name in the summary.
    pub name: String,
    /// How often it passed.
    pub passes: u64,
    /// How often it failed.
    pub fails: u64,
}

/// The measurements of one run.
#[derive(Debug)]
pub struct Metrics {
    /// Duration of the run so far.
    pub elapsed: Duration,
    /// Each check.
    pub checks: Vec<CheckCount>,
    /// Iterations that did not start, because no VU was free.
    pub dropped_iterations: u64,
    /// Iterations that were still running at the end of the graceful stop.
    pub interrupted_iterations: u64,
    /// Iterations that ended.
    pub iterations: u64,
    /// Requests without a response from 200 to 399.
    pub http_req_failed: u64,
    http_req_duration: Trend,
    expected_duration: Trend,
    http_req_schedule_delay: Trend,
    http_req_scheduled_duration: Trend,
    iteration_duration: Trend,
    vus: Level,
    vus_max: Level,
}

/// A number that goes up and down.
#[derive(Debug, Clone, Copy)]
struct Level {
    now: u64,
    min: u64,
    max: u64,
}

impl Metrics {
    /// Metrics without any measurements.
    pub fn new(checks: &[Check], vus_max: u64) -> Self {
        let check = |check: &Check| CheckCount { name: check.name(), passes: 0, fails: 0 };
        Self {
            elapsed: Duration::ZERO,
            checks: checks.iter().map(check).collect(),
            dropped_iterations: 0,
            interrupted_iterations: 0,
            iterations: 0,
            http_req_failed: 0,
            http_req_duration: Trend::new(),
            expected_duration: Trend::new(),
            http_req_schedule_delay: Trend::new(),
            http_req_scheduled_duration: Trend::new(),
            iteration_duration: Trend::new(),
            vus: Level { now: 0, min: 0, max: 0 },
            vus_max: Level { now: vus_max, min: vus_max, max: vus_max },
        }
    }

    /// Counts one iteration.
    pub fn record(&mut self, iteration: &Iteration) {
        self.iterations += 1;
        self.iteration_duration.record(iteration.duration);
        self.http_req_schedule_delay.record(iteration.schedule_delay);
        self.http_req_scheduled_duration.record(iteration.schedule_delay + iteration.request_duration);
        self.http_req_duration.record(iteration.request_duration);
        if iteration.is_expected() {
            self.expected_duration.record(iteration.request_duration);
        } else {
            self.http_req_failed += 1;
        }
        for (check, passes) in self.checks.iter_mut().zip(&iteration.checks) {
            if *passes { check.passes += 1 } else { check.fails += 1 }
        }
    }

    /// Sets the number of busy VUs and of all VUs.
    pub fn set_vus(&mut self, busy: u64, total: u64) {
        for (level, now) in [(&mut self.vus, busy), (&mut self.vus_max, total)] {
            *level = Level { now, min: level.min.min(now), max: level.max.max(now) };
        }
    }

    /// The number of busy VUs and of all VUs.
    pub fn vus(&self) -> (u64, u64) {
        (self.vus.now, self.vus_max.now)
    }

    /// The metric with this name in [`NAMES`].
    pub fn get(&self, name: &str) -> Option<Metric<'_>> {
        let counter = |count| Metric::Counter { count, elapsed: self.elapsed };
        Some(match name {
            "checks" => Metric::Rate {
                passes: self.checks.iter().map(|check| check.passes).sum(),
                fails: self.checks.iter().map(|check| check.fails).sum(),
            },
            "dropped_iterations" => counter(self.dropped_iterations),
            "http_req_duration" => Metric::Trend(&self.http_req_duration),
            "http_req_duration{expected_response:true}" => Metric::Trend(&self.expected_duration),
            "http_req_failed" => {
                Metric::Rate { passes: self.http_req_failed, fails: self.iterations - self.http_req_failed }
            }
            "http_req_schedule_delay" => Metric::Trend(&self.http_req_schedule_delay),
            "http_req_scheduled_duration" => Metric::Trend(&self.http_req_scheduled_duration),
            "http_reqs" | "iterations" => counter(self.iterations),
            "iteration_duration" => Metric::Trend(&self.iteration_duration),
            "vus" => self.vus.metric(),
            "vus_max" => self.vus_max.metric(),
            _ => return None,
        })
    }
}

impl Level {
    fn metric(self) -> Metric<'static> {
        Metric::Gauge { value: self.now, min: self.min, max: self.max }
    }
}

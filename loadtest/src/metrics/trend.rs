//! Durations, with their percentiles.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Durations in an HDR histogram with three significant digits, so that percentiles are accurate to 0.1 % and
/// the memory does not grow with the number of durations.
#[derive(Debug)]
pub struct Trend {
    nanoseconds: Histogram<u64>,
}

impl Trend {
    /// The maximum is an hour, because no timeout is longer.
    const LONGEST: Duration = Duration::from_secs(3600);

    pub(super) fn new() -> Self {
        let histogram = Histogram::new_with_max(Self::LONGEST.as_nanos() as u64, 3);
        Self {
            nanoseconds: histogram.unwrap_or_else(|never| unreachable!("these bounds are allowed: {never}")),
        }
    }

    pub(super) fn record(&mut self, duration: Duration) {
        self.nanoseconds.saturating_record(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The number of recorded durations.
    pub fn count(&self) -> u64 {
        self.nanoseconds.len()
    }

    /// The shortest duration in milliseconds; 0 if there is none, as in k6.
    pub fn min(&self) -> f64 {
        milliseconds(self.nanoseconds.min() as f64)
    }

    /// The longest duration in milliseconds.
    pub fn max(&self) -> f64 {
        milliseconds(self.nanoseconds.max() as f64)
    }

    /// The mean duration in milliseconds.
    pub fn avg(&self) -> f64 {
        milliseconds(self.nanoseconds.mean())
    }

    /// The duration that `percent` (0 to 100) of all durations do not exceed, in milliseconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        milliseconds(self.nanoseconds.value_at_percentile(percent) as f64)
    }
}

fn milliseconds(nanoseconds: f64) -> f64 {
    nanoseconds / 1e6
}

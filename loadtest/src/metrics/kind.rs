//! k6's four kinds of metrics, and the aggregations of each.

use std::time::Duration;

use super::Trend;

/// A kind of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sum.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A share.
    Rate,
    /// Durations.
    Trend,
}

/// How the measurements of a metric are aggregated to one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregation {
    Count,
    Rate,
    Value,
    Avg,
    Min,
    Med,
    Max,
    /// A percentile, from 0 to 100.
    P(f64),
}

/// A metric with its measurements.
#[derive(Debug, Clone, Copy)]
pub enum Metric<'a> {
    /// A sum, and the time in which it grew.
    Counter {
        /// The sum.
        count: u64,
        /// Time since the start of the run.
        elapsed: Duration,
    },
    /// A number that goes up and down.
    Gauge {
        /// The current value.
        value: u64,
        /// The smallest so far.
        min: u64,
        /// The largest so far.
        max: u64,
    },
    /// How often something was true, and how often false.
    Rate {
        /// How often it was true. For `http_req_failed`, these are the failures.
        passes: u64,
        /// How often it was false.
        fails: u64,
    },
    /// Durations.
    Trend(&'a Trend),
}

impl Kind {
    /// Whether this kind has `aggregation`.
    pub fn allows(self, aggregation: Aggregation) -> bool {
        use Aggregation::{Avg, Count, Max, Med, Min, P, Rate, Value};
        match self {
            Self::Counter => matches!(aggregation, Count | Rate),
            Self::Gauge => aggregation == Value,
            Self::Rate => aggregation == Rate,
            Self::Trend => matches!(aggregation, Avg | Min | Med | Max | P(_)),
        }
    }

    /// The aggregations of this kind, as a text.
    pub fn aggregations(self) -> &'static str {
        match self {
            Self::Counter => "count, rate",
            Self::Gauge => "value",
            Self::Rate => "rate",
            Self::Trend => "avg, min, med, max, p(N) with N from 0 to 100",
        }
    }
}

impl Aggregation {
    /// Reads `avg`, `p(95)` and so on.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "count" => Self::Count,
            "rate" => Self::Rate,
            "value" => Self::Value,
            "avg" => Self::Avg,
            "min" => Self::Min,
            "med" => Self::Med,
            "max" => Self::Max,
            _ => {
                let percent: f64 = text.strip_prefix("p(")?.strip_suffix(')')?.trim().parse().ok()?;
                return (0.0..=100.0).contains(&percent).then_some(Self::P(percent));
            }
        })
    }
}

impl Metric<'_> {
    /// The aggregated value; times are in milliseconds. `None` if this kind does not have the aggregation.
    pub fn aggregate(&self, aggregation: Aggregation) -> Option<f64> {
        use Aggregation::{Avg, Count, Max, Med, Min, P, Rate, Value};
        Some(match (self, aggregation) {
            (Self::Counter { count, .. }, Count) => *count as f64,
            (Self::Counter { count, elapsed }, Rate) => per_second(*count, *elapsed),
            (Self::Gauge { value, .. }, Value) => *value as f64,
            (Self::Rate { passes, fails }, Rate) => share(*passes, passes + fails),
            (Self::Trend(trend), Avg) => trend.avg(),
            (Self::Trend(trend), Min) => trend.min(),
            (Self::Trend(trend), Med) => trend.percentile(50.0),
            (Self::Trend(trend), Max) => trend.max(),
            (Self::Trend(trend), P(percent)) => trend.percentile(percent),
            _ => return None,
        })
    }
}

/// `part` of `whole`, from 0 to 1; 0 if `whole` is 0.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn per_second(count: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() { 0.0 } else { count as f64 / elapsed.as_secs_f64() }
}

//! The faults, and which one breaks what and when.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// The endpoints of httpbin that the service calls.
const ENDPOINTS: [&str; 3] = ["/get", "/post", "/put"];
/// By how many seconds a wrong clock differs. Less would be hard to see, more would leave the pages, which
/// show the last five minutes.
const SKEW_SECONDS: RangeInclusive<i64> = 8..=40;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Another program locks the database from time to time, and queries wait
    SlowQuery,
    /// One endpoint of httpbin takes long to answer
    SlowUpstream,
    /// The connections to httpbin run out, and calls wait before they reach it
    Pool,
    /// A proxy repeats each call of one endpoint
    RetryStorm,
    /// The calls of one endpoint lose their trace context on the way
    LostContext,
    /// The clock of httpbin is wrong
    ClockSkew,
    /// A share of the calls of one endpoint is answered with 503
    FlakyUpstream,
}

impl Fault {
    /// The name in `--fault` and `--what`.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The endpoints that it can break. Only a request with a body can be held back so that httpbin's own
    /// span becomes longer, because httpbin answers a GET without waiting.
    fn endpoints(self) -> &'static [&'static str] {
        match self {
            Self::SlowUpstream => &ENDPOINTS[1..],
            _ => &ENDPOINTS,
        }
    }
}

/// What breaks, and when. The same seed gives the same plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is broken.
    pub fault: Fault,
    /// The endpoint of httpbin, for faults of one endpoint.
    pub endpoint: &'static str,
    /// Time from the start of the service to the start of the fault.
    pub after: Duration,
    /// By how many nanoseconds httpbin's clock is ahead, for a wrong clock; negative if it is behind.
    pub skew: i64,
    /// The seed.
    pub seed: u64,
}

impl Plan {
    /// Draws what is not given; without a fault, one of all.
    pub fn draw(fault: Option<Fault>, seed: u64, after: RangeInclusive<Duration>) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let drawn = Fault::value_variants().choose(&mut random).copied().unwrap_or(Fault::SlowQuery);
        let fault = fault.unwrap_or(drawn);
        let endpoint = fault.endpoints().choose(&mut random).copied().unwrap_or(ENDPOINTS[0]);
        let after = random.random_range(after);
        let seconds = random.random_range(SKEW_SECONDS);
        let sign = if random.random_bool(0.5) { 1 } else { -1 };
        Self { fault, endpoint, after, skew: sign * seconds * 1_000_000_000, seed }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::ValueEnum;

    use super::{Fault, Plan};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_same_seed_breaks_the_same_thing_and_other_seeds_break_others() {
        let plan = |seed| Plan::draw(None, seed, SECOND..=60 * SECOND);
        assert_eq!(plan(7), plan(7));
        let drawn: Vec<Fault> = (0..100).map(|seed| plan(seed).fault).collect();
        for fault in Fault::value_variants() {
            assert!(drawn.contains(fault), "{fault:?} is never drawn: {drawn:?}");
        }
        assert!((0..100).all(|seed| (SECOND..=60 * SECOND).contains(&plan(seed).after)));
    }

    #[test]
    fn a_named_fault_begins_when_the_same_seed_says() {
        let plan = |fault, seed| Plan::draw(Some(fault), seed, SECOND..=60 * SECOND);
        assert_ne!(plan(Fault::Pool, 1).after, plan(Fault::Pool, 2).after);
        let endpoints: Vec<&str> = (0..50).map(|seed| plan(Fault::SlowUpstream, seed).endpoint).collect();
        assert!(endpoints.contains(&"/post") && endpoints.contains(&"/put"), "{endpoints:?}");
        assert!(!endpoints.contains(&"/get"), "httpbin answers a GET without waiting: {endpoints:?}");
    }
}

//! How well the requests keep to their schedule, measured at the target.

use std::time::Instant;

/// Percentiles of the delay of requests, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Jitter {
    pub p50: f64,
    pub p99: f64,
}

impl Jitter {
    /// Compares the arrivals with an ideal schedule: the n-th arrival with its n-th time. The schedule is
    /// shifted so that no request arrives early, because the start time of the generator is unknown here. If
    /// requests are missing, all later ones would seem late, so this is only for runs in which all requests
    /// arrived.
    pub fn from_arrivals(arrivals: &[Instant], rate: u32) -> Option<Self> {
        let first = arrivals.iter().min()?;
        let mut sorted: Vec<f64> = arrivals.iter().map(|at| (*at - *first).as_secs_f64()).collect();
        sorted.sort_by(f64::total_cmp);
        let mut late: Vec<f64> =
            sorted.iter().enumerate().map(|(n, at)| at - n as f64 / f64::from(rate)).collect();
        late.sort_by(f64::total_cmp);
        let at = |share: f64| (late[((late.len() - 1) as f64 * share).round() as usize] - late[0]) * 1e3;
        Some(Self { p50: at(0.5), p99: at(0.99) })
    }
}

//! How well the requests keep to their schedule, as the target sees it.

use std::time::Instant;

/// Percentiles of how late requests come in, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Jitter {
    pub p50: f64,
    pub p99: f64,
}

impl Jitter {
    /// Lays an ideal grid over the arrivals, with the n-th arrival on its n-th point, so early that no request comes
    /// before its time: when the generator began is not known here. Where requests are missing, the rest would seem
    /// later and later, so this is for a run in which all of them came.
    pub fn of(arrivals: &[Instant], rate: u32) -> Option<Self> {
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

//! When iterations start: the open model of k6's `constant-arrival-rate`. The schedule is fixed before the
//! first request, and neither a slow target nor a late wake-up ever moves it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How many iterations start per time unit, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Iterations per time unit; 1 or more.
    pub rate: u32,
    /// The time unit; longer than zero.
    pub time_unit: Duration,
    /// Time from the first start to the end; `None`: until stopped.
    pub duration: Option<Duration>,
}

impl Schedule {
    /// How long after the start iteration `n`, counted from 0, is due; `None` after the end.
    ///
    /// It is computed from `n` each time, because adding up an interval would add up its rounding errors.
    pub fn offset(&self, n: u64) -> Option<Duration> {
        let nanoseconds = u128::from(n) * self.time_unit.as_nanos() / u128::from(self.rate);
        let offset = Duration::from_nanos(u64::try_from(nanoseconds).ok()?);
        self.duration.is_none_or(|duration| offset < duration).then_some(offset)
    }

    /// Iterations per second.
    pub fn per_second(&self) -> f64 {
        f64::from(self.rate) / self.time_unit.as_secs_f64()
    }
}

/// The clock is passed in, so that two hours can pass at once in a test.
pub trait Clock {
    /// The current time.
    fn now(&self) -> Instant;

    /// Returns at `due` or a little later; `false` stops the schedule.
    fn sleep_until(&self, due: Instant) -> bool;
}

/// The system's clock. Its sleep ends early when the other end of the channel is dropped.
#[derive(Debug)]
pub struct SystemClock(pub Receiver<()>);

/// The shortest sleep. A wake-up costs as much as a request, so above 2,000 iterations per second, those
/// within this time start together.
const MIN_SLEEP: Duration = Duration::from_micros(500);

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, due: Instant) -> bool {
        let left = due.saturating_duration_since(self.now());
        let left = if left.is_zero() { left } else { left.max(MIN_SLEEP) };
        self.0.recv_timeout(left) == Err(RecvTimeoutError::Timeout)
    }
}

/// Calls `arrive` for each iteration at the time at which it is due, or as soon after as the system wakes
/// this thread, until the schedule ends, or the clock or `arrive` returns `false`.
///
/// It blocks, and needs a thread of its own: the timer of an async runtime has a resolution of a millisecond,
/// the sleep of a thread less than a tenth of that.
pub fn pace(
    schedule: &Schedule,
    start: Instant,
    clock: &impl Clock,
    mut arrive: impl FnMut(Instant) -> bool,
) {
    for n in 0.. {
        let Some(offset) = schedule.offset(n) else { break };
        let due = start + offset;
        if !clock.sleep_until(due) || !arrive(due) {
            return;
        }
    }
    // The last interval also belongs to the run: at 5 per second for a minute, 300 iterations take 60 s, not
    // 59.8 s.
    if let Some(duration) = schedule.duration {
        clock.sleep_until(start + duration);
    }
}

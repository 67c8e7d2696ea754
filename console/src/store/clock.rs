//! The clock of a sender, compared with this computer's.

use std::time::Duration;

/// Telemetry that is from the future by more than this comes from a clock that is ahead.
const MAX_AHEAD: i64 = Duration::from_secs(1).as_nanos() as i64;
/// Exporters send every 5 s by default. If all telemetry is older than this, the clock is behind.
const MAX_DELAY: i64 = Duration::from_secs(7).as_nanos() as i64;
/// A single export may be late, for example because it was repeated.
const MIN_ARRIVALS: u32 = 3;
/// The time over which the shortest delay is measured.
const WINDOW: u64 = Duration::from_secs(60).as_nanos() as u64;
/// Arrivals within this time are one export.
const ARRIVAL: u64 = Duration::from_millis(500).as_nanos() as u64;

/// The delays between the end of a span and its arrival.
#[derive(Debug, Default)]
pub struct Clock {
    current: Delays,
    previous: Delays,
}

#[derive(Debug, Default, Clone, Copy)]
struct Delays {
    since: u64,
    last: u64,
    arrivals: u32,
    /// Negative if the sender's clock is ahead.
    shortest: i64,
}

impl Clock {
    /// Records that a span arrived at `now`, and returns its time by this computer's clock. `end` and the
    /// result are nanoseconds since 1970.
    pub(super) fn correct(&mut self, end: u64, now: u64) -> u64 {
        let delay = (i128::from(now) - i128::from(end)).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        if self.current.since.saturating_add(WINDOW) < now {
            self.previous = self.current;
            self.current = Delays { since: now, last: 0, arrivals: 0, shortest: i64::MAX };
        }
        let current = &mut self.current;
        current.shortest = current.shortest.min(delay);
        if current.last.saturating_add(ARRIVAL) < now {
            current.arrivals += 1;
            current.last = now;
        }
        let behind = self.behind(now).unwrap_or_default();
        // A single span from the far future changes the time of no other span.
        end.saturating_add(behind.max(0).unsigned_abs()).min(now)
    }

    /// By how many nanoseconds the clock is behind; negative if it is ahead. `None` if nothing is wrong, or
    /// nothing arrived recently.
    pub fn behind(&self, now: u64) -> Option<i64> {
        let is_recent = |delays: &&Delays| delays.since > 0 && delays.last.saturating_add(5 * WINDOW) > now;
        let recent = || [&self.current, &self.previous].into_iter().filter(is_recent);
        let shortest = recent().map(|delays| delays.shortest).min()?;
        let arrivals: u32 = recent().map(|delays| delays.arrivals).sum();
        let is_late = shortest > MAX_DELAY && arrivals >= MIN_ARRIVALS;
        (shortest < -MAX_AHEAD || is_late).then_some(shortest)
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    const SECOND: u64 = 1_000_000_000;
    const NOW: u64 = 1_767_323_045 * SECOND;

    #[test]
    fn a_span_from_the_future_is_counted_when_it_arrives_and_affects_no_other() {
        let mut clock = Clock::default();
        assert_eq!(clock.correct(u64::MAX, NOW), NOW);
        assert_eq!(clock.correct(NOW - 3 * SECOND, NOW), NOW - 3 * SECOND);
        assert!(clock.behind(NOW).is_some_and(|behind| behind < 0));
        assert_eq!(clock.behind(NOW + 3_600 * SECOND), None, "nothing arrived for an hour");
    }

    #[test]
    fn a_late_export_is_counted_in_its_own_time_and_a_sender_that_is_always_late_has_another_clock() {
        let mut clock = Clock::default();
        assert_eq!(clock.correct(NOW - 600 * SECOND, NOW), NOW - 600 * SECOND);
        assert_eq!(clock.correct(NOW - 595 * SECOND, NOW + 5 * SECOND), NOW - 595 * SECOND);
        let third = NOW + 10 * SECOND;
        assert_eq!(clock.correct(third - 600 * SECOND, third), third);
        assert_eq!(clock.behind(third), Some(600 * SECOND as i64));
        assert_eq!(clock.correct(third - SECOND, third), third - SECOND);
        assert_eq!(clock.behind(third), None, "one span in time shows that the others were late");
    }
}

//! The schedule over hours, without waiting, because the test controls the clock.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use loadtest::arrivals::{Clock, Schedule, pace};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A clock that oversleeps.
struct Sleepy {
    now: Cell<Instant>,
    random: RefCell<StdRng>,
    longest: Duration,
}

impl Sleepy {
    fn new(longest: Duration) -> Self {
        let random = RefCell::new(StdRng::seed_from_u64(7));
        Self { now: Cell::new(Instant::now()), random, longest }
    }

    fn jump(&self, time: Duration) {
        self.now.set(self.now.get() + time);
    }
}

impl Clock for Sleepy {
    fn now(&self) -> Instant {
        self.now.get()
    }

    fn sleep_until(&self, due: Instant) -> bool {
        if due > self.now.get() {
            let too_long = self.longest.mul_f64(self.random.borrow_mut().random());
            self.now.set(due + too_long);
        }
        true
    }
}

/// Two hours of `rate` per `unit`: asserts that each start has its exact due time and is not early. Returns
/// the number of starts.
fn assert_exact(rate: u32, unit: Duration, longest: Duration) -> u128 {
    let schedule = Schedule { rate, time_unit: unit, duration: Some(Duration::from_secs(7200)) };
    let clock = Sleepy::new(longest);
    let start = clock.now();
    let mut n = 0;
    pace(&schedule, start, &clock, |due| {
        let nanoseconds = (due - start).as_nanos();
        assert_eq!(nanoseconds, n * unit.as_nanos() / u128::from(rate), "start {n}");
        assert!(clock.now() >= due, "start {n} was {:?} early", due - clock.now());
        n += 1;
        true
    });
    assert!(clock.now() >= start + Duration::from_secs(7200), "the last interval is part of the run");
    n
}

#[test]
fn two_hours_at_5_a_second_are_36000_exact_starts_however_late_the_sleeps_end() {
    for oversleeps in [0, 1, 150, 199, 201, 1500].map(Duration::from_millis) {
        assert_eq!(assert_exact(5, Duration::from_secs(1), oversleeps), 36_000, "{oversleeps:?}");
    }
}

#[test]
fn rates_with_a_fractional_interval_in_nanoseconds_do_not_drift() {
    let oversleeps = Duration::from_millis(90);
    assert_eq!(assert_exact(7, Duration::from_secs(1), oversleeps), 50_400);
    // 3085.7 intervals: the last one begins before the end.
    assert_eq!(assert_exact(3, Duration::from_secs(7), oversleeps), 3086);
    assert_eq!(assert_exact(1, Duration::from_secs(3599), oversleeps), 3);
    assert_eq!(assert_exact(999, Duration::from_millis(4321), oversleeps), 1_664_615);
}

#[test]
fn missed_starts_are_made_up_at_once_when_the_clock_jumps_ahead() {
    let schedule =
        Schedule { rate: 5, time_unit: Duration::from_secs(1), duration: Some(Duration::from_secs(7200)) };
    let clock = Sleepy::new(Duration::ZERO);
    let start = clock.now();
    let (mut starts, mut late) = (0, 0);
    let mut after_the_jump = None;
    pace(&schedule, start, &clock, |due| {
        assert_eq!(due, start + Duration::from_millis(200) * starts, "none is skipped");
        starts += 1;
        if starts == 1000 {
            clock.jump(Duration::from_secs(600));
            after_the_jump = Some(clock.now());
        } else if after_the_jump.is_some_and(|jumped| due < jumped) {
            assert_eq!(Some(clock.now()), after_the_jump, "without a pause between them");
            late += 1;
        }
        true
    });
    assert_eq!((starts, late), (36_000, 2999));
}

#[test]
fn nothing_starts_after_the_end_of_the_clock_or_the_receiver() {
    struct Stopped(Sleepy);
    impl Clock for Stopped {
        fn now(&self) -> Instant {
            self.0.now()
        }
        fn sleep_until(&self, due: Instant) -> bool {
            self.0.sleep_until(due) && self.0.now() < due + Duration::from_secs(1)
        }
    }
    let schedule = Schedule { rate: 5, time_unit: Duration::from_secs(1), duration: None };
    let clock = Stopped(Sleepy::new(Duration::ZERO));
    let mut starts = 0;
    pace(&schedule, clock.now(), &clock, |_| {
        starts += 1;
        if starts == 100 {
            clock.0.jump(Duration::from_secs(60));
        }
        true
    });
    assert_eq!(starts, 100, "the clock");

    let clock = Sleepy::new(Duration::ZERO);
    let mut starts = 0;
    pace(&schedule, clock.now(), &clock, |_| {
        starts += 1;
        starts < 50
    });
    assert_eq!(starts, 50, "the receiver");
}

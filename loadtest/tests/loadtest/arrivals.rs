//! The open model: iterations start on schedule, independently of the target.

use std::time::Duration;

use crate::support::program::Setup;
use crate::support::start_target;
use upstream::{Reaction, Upstream};

/// Asserts that call `n` arrived `n` intervals after the first. The limits are loose, because the machine may
/// be busy, but they detect a drift of 1 %.
fn assert_on_grid(target: &Upstream, interval: Duration) {
    let calls = target.calls();
    let arrivals: Vec<Duration> = calls.iter().map(|call| call.at - calls[0].at).collect();
    let late: Vec<f64> = (0..)
        .zip(&arrivals)
        .map(|(n, arrival)| arrival.as_secs_f64() - (interval * n).as_secs_f64())
        .collect();
    // The first call may itself have been late.
    let earliest = late.iter().copied().fold(f64::INFINITY, f64::min);
    let mut late: Vec<f64> = late.iter().map(|late| late - earliest).collect();
    late.sort_by(f64::total_cmp);
    // Other programs on this machine delay some calls; a drift delays more than half of them.
    let (half, all) = (late[late.len() / 2], late[late.len() - 1]);
    assert!(half < 0.1 && all < 1.0, "half within {half} s of the grid, all within {all} s: {arrivals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_seconds_at_5_per_second_are_100_iterations_evenly_spaced_in_flat_memory() {
    let target = start_target(|_| Reaction::Answer);
    let program = Setup::against(&target, "--duration 20s").start();
    let mut memory = Vec::new();
    for calls in [25, 50, 75, 95] {
        target.until_called(calls).await;
        memory.push(program.resident_memory());
    }
    let ended = program.ended().await;

    ended.assert_code(0);
    let iterations = ended.count("iterations");
    assert!((99..=101).contains(&iterations), "{iterations}");
    assert_eq!(target.calls().len() as u64, iterations);
    assert_eq!(ended.row("checks_failed"), format!("0.00% 0 out of {iterations}"));
    assert_on_grid(&target, Duration::from_millis(200));
    if let (Some(early), Some(late)) = (memory[0], memory[3]) {
        assert!(late < early + 1024, "KiB resident, five seconds apart: {memory:?}");
        assert!(
            late < 20 << 10,
            "KiB resident, twice the goal for a program built to be released: {memory:?}"
        );
    }
    // One line for each ten seconds, and the last line.
    let lines = ended.output.stdout.iter().filter(|line| line.starts_with("running (")).count();
    assert!((2..=3).contains(&lines), "{lines} lines of progress");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_target_never_delays_a_start() {
    let target = start_target(|_| Reaction::AnswerAfter(Duration::from_secs(2)));
    let ended = Setup::against(&target, "--rate 20 --duration 1s").exporting().run().await;
    ended.assert_code(0);
    assert_eq!(ended.count("iterations"), 20);
    assert_eq!(ended.count("dropped_iterations"), 0);
    assert_on_grid(&target, Duration::from_millis(50));
    let fastest = ended.exported_number("http_req_duration", "min");
    assert!((1990.0..3000.0).contains(&fastest), "{fastest} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_never_delays_a_start() {
    let target = start_target(|_| Reaction::Hold);
    let program = Setup::against(&target, "--rate 40 --duration 1s").start();
    target.until_called(40).await;
    target.release();
    let ended = program.ended().await;
    ended.assert_code(0);
    assert_eq!(ended.count("iterations"), 40);
    assert_on_grid(&target, Duration::from_millis(25));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_for_its_time_unit() {
    let target = start_target(|_| Reaction::Answer);
    let ended = Setup::against(&target, "--rate 3 --time-unit 300ms --duration 800ms").run().await;
    assert_eq!(ended.assert_code(0).count("iterations"), 8);
    assert_on_grid(&target, Duration::from_millis(100));
}

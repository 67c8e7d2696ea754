//! SIGINT and SIGTERM end a run in the same way as its duration.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::support::program::Setup;
use crate::support::start_target;
use upstream::{Reaction, Upstream};

/// The first ten calls are answered, all others are held.
fn holds_from_the_tenth() -> Upstream {
    start_target(|call| if call.number < 10 { Reaction::Answer } else { Reaction::Hold })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_new_iterations_and_lets_running_requests_end() {
    for signal in ["INT", "TERM"] {
        let target = holds_from_the_tenth();
        let options = "--rate 50 --duration 0 --graceful-stop 1m --threshold http_req_failed:rate<0.01";
        let program = Setup::against(&target, options).exporting().start();
        target.until_called(15).await;
        program.signal(signal).await;
        until_no_more_calls(&target).await;
        let calls = target.calls().len();
        target.release();
        let ended = program.ended().await;

        ended.assert_code(0);
        assert_eq!(target.calls().len(), calls, "nothing starts after the signal");
        assert_eq!(ended.count("iterations"), calls as u64, "each running one ended");
        assert_eq!(ended.row("checks_succeeded"), format!("100.00% {calls} out of {calls}"));
        assert_eq!(ended.exported_number("http_reqs", "count"), calls as f64);
        assert!(ended.output.stdout.last().unwrap().contains(" and 0 interrupted iterations"));
    }
}

/// Waits until about ten starts have not happened.
async fn until_no_more_calls(target: &Upstream) {
    let mut seen = (target.calls().len(), Instant::now());
    while seen.1.elapsed() < Duration::from_millis(200) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if target.calls().len() > seen.0 {
            seen = (target.calls().len(), Instant::now());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crossed_threshold_also_counts_after_a_signal() {
    let target = start_target(|_| Reaction::Status(500));
    let options = "--rate 50 --duration 0 --threshold http_req_failed:rate<0.01";
    let program = Setup::against(&target, options).start();
    target.until_called(5).await;
    program.signal("TERM").await;
    program.ended().await.assert_code(99);
}

#[tokio::test(flavor = "multi_thread")]
async fn iterations_that_outlast_the_graceful_stop_are_interrupted_and_not_counted() {
    let target = holds_from_the_tenth();
    let program = Setup::against(&target, "--rate 50 --duration 0 --graceful-stop 300ms").start();
    target.until_called(15).await;
    let signalled = Instant::now();
    program.signal("TERM").await;
    let ended = program.ended().await;

    ended.assert_code(0);
    assert!(signalled.elapsed() >= Duration::from_millis(300), "it waits for as long");
    assert!(signalled.elapsed() < Duration::from_secs(20), "and no longer: {:?}", signalled.elapsed());
    let interrupted = target.calls().len() - 10;
    for name in ["iterations", "http_reqs", "checks_total"] {
        assert_eq!(ended.count(name), 10, "{name}");
    }
    let last = ended.output.stdout.last().unwrap();
    let counts = format!("10 complete and {interrupted} interrupted iterations");
    assert!(last.contains(&counts), "`{counts}` is not in: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_program_at_once() {
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let target = start_target(|_| Reaction::Hold);
        let program = Setup::against(&target, "--rate 50 --duration 0 --graceful-stop 1m").start();
        target.until_called(5).await;
        program.signal(name).await;
        until_no_more_calls(&target).await;
        program.signal(name).await;
        let ended = program.ended().await;
        assert_eq!(ended.status.signal(), Some(number), "its default disposition: {}", ended.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_nobody_reads_does_not_block_the_run() {
    let target = start_target(|_| Reaction::Answer);
    let setup = Setup::against(&target, "--rate 50 --duration 200ms --threshold http_reqs:count>100");
    let ended = setup.exporting().start_unread().ended().await;
    ended.assert_code(99);
    assert_eq!(ended.exported_number("iterations", "count"), 10.0);
    assert_eq!(ended.messages("panicked"), 0);
}

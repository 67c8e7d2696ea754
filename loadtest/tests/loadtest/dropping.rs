//! Iterations without a free VU are dropped, and counted.

use std::time::Duration;

use crate::support::program::Setup;
use crate::support::start_target;
use upstream::Reaction;

const WARNING: &str = "Insufficient VUs";

#[tokio::test(flavor = "multi_thread")]
async fn an_iteration_without_a_free_vu_is_dropped_and_counted() {
    let target = start_target(|_| Reaction::Hold);
    let options = "--rate 20 --duration 1s --pre-allocated-vus 5 --graceful-stop 0s";
    let ended = Setup::against(&target, options).run().await;
    ended.assert_code(0);
    assert_eq!(target.calls().len(), 5);
    assert_eq!(ended.count("dropped_iterations"), 15);
    assert_eq!(ended.count("iterations"), 0, "none has ended");
    assert!(ended.output.stdout.iter().any(|line| line.contains("5 interrupted iterations")));
    assert_eq!(ended.messages(WARNING), 1, "reported once");
    assert_eq!(ended.messages("5 active VUs"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_and_drops_make_up_the_schedule_while_vus_come_back() {
    let target = start_target(|_| Reaction::AnswerAfter(Duration::from_millis(500)));
    let options = "--rate 20 --duration 1s --pre-allocated-vus 3 --max-vus 5";
    let ended = Setup::against(&target, options).exporting().run().await;
    ended.assert_code(0);
    let (starts, dropped) = (ended.count("iterations"), ended.count("dropped_iterations"));
    assert_eq!(starts, target.calls().len() as u64);
    assert_eq!(starts + dropped, 20);
    assert!((6..=15).contains(&starts), "five in each half second, or more by chance: {starts}");
    assert_eq!(ended.messages(WARNING), 1, "reported once");
    for (of, vus) in [("value", 5.0), ("min", 3.0), ("max", 5.0)] {
        assert_eq!(ended.exported_number("vus_max", of), vus, "{of}");
    }
    assert_eq!(ended.exported_number("vus", "max"), 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn max_vus_allows_more_vus() {
    let target = start_target(|_| Reaction::Hold);
    let options = "--rate 100 --duration 200ms --pre-allocated-vus 1 --max-vus 8 --graceful-stop 0s";
    let ended = Setup::against(&target, options).run().await;
    ended.assert_code(0);
    assert_eq!(ended.count("dropped_iterations"), 12);
    assert!(ended.output.stdout.iter().any(|line| line.contains("8 interrupted iterations")));
    assert_eq!(ended.row("vus_max"), "8 min=1 max=8");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reported_if_nothing_is_dropped() {
    let target = start_target(|_| Reaction::Answer);
    let ended = Setup::against(&target, "--rate 50 --duration 200ms").run().await;
    assert_eq!(ended.assert_code(0).count("dropped_iterations"), 0);
    assert!(ended.output.stderr.is_empty(), "no message");
}

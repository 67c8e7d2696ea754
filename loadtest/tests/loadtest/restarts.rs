//! The target stops and starts again during the load.

use std::time::Duration;

use crate::support::program::Setup;
use crate::support::{reserve_target, start_target};
use upstream::Reaction;

const GONE: &str = "does not respond";
const BACK: &str = "responds again";

#[tokio::test(flavor = "multi_thread")]
async fn the_load_continues_while_the_target_restarts_and_both_changes_are_reported_once() {
    let mut target = start_target(|_| Reaction::Answer);
    let program = Setup::against(&target, "--rate 20 --duration 0").exporting().start();
    target.until_called(5).await;
    target.close().await;
    program.until_message(GONE).await;
    // There is no event for the requests that are refused in this time.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = target.calls().len();
    target.listen().unwrap();
    target.until_called(before + 5).await;
    program.until_message(BACK).await;
    program.signal("TERM").await;
    let ended = program.ended().await;

    ended.assert_code(0);
    assert_eq!(ended.output.stderr.len(), 2, "one when it goes, one when it is back");
    let [gone, back] = [&ended.output.stderr[0], &ended.output.stderr[1]];
    assert!(gone.contains(GONE) && back.contains(BACK), "{gone}, then {back}");
    // Answered and failed requests together are all that were started.
    let number = |metric, of| ended.exported_number(metric, of);
    let (failed, answered) = (number("http_req_failed", "passes"), number("http_req_failed", "fails"));
    assert!(failed >= 3.0, "{failed}");
    assert_eq!(answered, target.calls().len() as f64);
    assert_eq!(failed + answered, number("iterations", "count"));
    assert_eq!(number("dropped_iterations", "count"), 0.0);
    assert!(back.contains(&format!(" {failed} requests without a response")), "{failed} failed; {back}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_flaps_does_not_flood_the_messages() {
    // Every third request gets no response, over several seconds.
    let target = start_target(|call| match call.number % 3 {
        2 => Reaction::BreakOff,
        _ => Reaction::Answer,
    });
    let ended = Setup::against(&target, "--rate 60 --duration 1500ms").run().await;
    ended.assert_code(0);
    assert_eq!(ended.row("http_req_failed"), "33.33% 30 out of 90");
    assert_eq!(ended.output.stderr.len(), 1, "reported once");
    assert_eq!(ended.messages(GONE), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_starts_late_gets_the_load_from_then_on() {
    let mut target = reserve_target(|_| Reaction::AnswerAfter(Duration::from_millis(1)));
    let program = Setup::against(&target, "--rate 20 --duration 0").start();
    program.until_message("refused").await;
    target.listen().unwrap();
    target.until_called(5).await;
    program.until_message(BACK).await;
    program.signal("INT").await;
    let ended = program.ended().await;
    ended.assert_code(0);
    assert_eq!(ended.output.stderr.len(), 2, "one at the start, one when it is there");
}

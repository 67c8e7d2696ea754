//! Checks of responses, counted as in k6.

use crate::support::program::{Ended, Setup};
use crate::support::start_target;
use upstream::Reaction;

/// Ten requests, of which two get a 500.
async fn two_in_ten_fail(checks: &[&str]) -> Ended {
    let target = start_target(|call| match call.number % 5 {
        4 => Reaction::Status(500),
        _ => Reaction::Answer,
    });
    let setup = Setup::against(&target, "--rate 50 --duration 200ms").exporting();
    let setup = checks.iter().fold(setup, |setup, check| setup.argument("--check", check));
    setup.run().await
}

fn has_line(ended: &Ended, expected: &str) {
    assert!(ended.output.stdout.iter().any(|line| line == expected), "no line `{expected}`");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_check_is_counted_and_a_failed_one_does_not_fail_the_run() {
    let ended =
        two_in_ten_fail(&["status is 200", "body contains ,\"url\":\"/hands", "body contains nothing"]).await;
    ended.assert_code(0);
    assert_eq!(ended.count("checks_total"), 30);
    assert_eq!(ended.row("checks_succeeded"), "60.00% 18 out of 30");
    assert_eq!(ended.row("checks_failed"), "40.00% 12 out of 30");
    has_line(&ended, "    ✗ status is 200");
    has_line(&ended, "      ↳  80% — ✓ 8 / ✗ 2");
    has_line(&ended, "    ✓ body contains ,\"url\":\"/hands");
    has_line(&ended, "    ✗ body contains nothing");
    has_line(&ended, "      ↳  0% — ✓ 0 / ✗ 10");

    let exported = ended.exported();
    let check = &exported["root_group"]["checks"]["status is 200"];
    assert_eq!((&check["passes"], &check["fails"]), (&8.into(), &2.into()), "{exported:#}");
    let all = &exported["metrics"]["checks"];
    assert_eq!(
        (&all["passes"], &all["fails"], &all["value"]),
        (&18.into(), &12.into(), &0.6.into()),
        "{all}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_checks_a_run_checks_that_the_status_is_200() {
    let ended = two_in_ten_fail(&[]).await;
    assert_eq!(ended.assert_code(0).row("checks_succeeded"), "80.00% 8 out of 10");
    has_line(&ended, "    ✗ status is 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_another_status_replaces_the_default() {
    let ended = two_in_ten_fail(&["status is 500"]).await;
    assert_eq!(ended.assert_code(0).row("checks_succeeded"), "20.00% 2 out of 10");
    assert_eq!(ended.row("http_req_failed"), "20.00% 2 out of 10", "that is another question");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_may_come_from_the_environment() {
    let target = start_target(|_| Reaction::Status(404));
    let setup = Setup::against(&target, "--rate 50 --duration 100ms");
    let ended = setup.variable("LOADTEST_CHECK", "status is 404").run().await;
    assert_eq!(ended.assert_code(0).row("checks_succeeded"), "100.00% 5 out of 5");
    has_line(&ended, "    ✓ status is 404");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_request_passes_no_check() {
    let target = start_target(|_| Reaction::BreakOff);
    let setup = Setup::against(&target, "--rate 50 --duration 100ms").argument("--check", "status is 200");
    let ended = setup.argument("--check", "body contains e").run().await;
    assert_eq!(ended.assert_code(0).row("checks_failed"), "100.00% 10 out of 10");
}

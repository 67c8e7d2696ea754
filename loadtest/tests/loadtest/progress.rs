//! The output before and during a run.

use crate::support::program::Setup;
use crate::support::shape::shape;
use crate::support::start_target;
use upstream::Reaction;

#[tokio::test(flavor = "multi_thread")]
async fn progress_in_a_pipe_is_plain_lines_with_columns_wide_enough_for_the_run() {
    for (duration, plan, time) in [
        ("30s", "for 30s (maxVUs: 7,", "(00.0s)"),
        ("2m", "for 2m (maxVUs: 7,", "(00m00.0s)"),
        ("2h", "for 2h (maxVUs: 7,", "(0h00m00.0s)"),
        ("0", "until stopped (maxVUs: 7,", "(0h00m00.0s)"),
    ] {
        let target = start_target(|_| Reaction::Answer);
        let setup = Setup::against(&target, "--rate 100 --pre-allocated-vus 7");
        let program = setup.argument("--duration", duration).start();
        target.until_called(3).await;
        program.signal("TERM").await;
        let ended = program.ended().await;
        let first = ended.assert_code(0).output.stdout.first().unwrap();
        assert!(first.contains(plan), "`{plan}` is not in: {first}");
        let last = ended.output.stdout.last().unwrap();
        let seen = last.split([' ', ',']).nth(1).unwrap();
        assert_eq!(shape(seen), shape(time), "{duration}: {last}");
        assert_eq!(seen.len(), time.len(), "{duration}: {last}");
        assert!(last.contains(" 0/7 VUs"), "{last}");
        assert!(
            !ended.output.stdout.iter().any(|line| line.contains(['\x1b', '\r'])),
            "no codes of a terminal"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_line_describes_the_run_without_secrets() {
    let target = start_target(|_| Reaction::Answer);
    let options =
        "--rate 3 --time-unit 2m --duration 100ms --pre-allocated-vus 3 --max-vus 5 --graceful-stop 1m";
    let setup = Setup::against(&target, options).argument("--url", &target.url("/a?sig=secret&b=c"));
    let ended = setup.and("--method POST").run().await;
    let expected = format!(
        "POST {}: 0.03 iterations/s for 100ms (maxVUs: 3-5, gracefulStop: 1m)",
        target.url("/a?sig=REDACTED&b=c")
    );
    assert_eq!(ended.assert_code(0).output.stdout[0], expected);
}

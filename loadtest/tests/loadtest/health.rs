//! The load begins when the target is healthy.

use std::time::{Duration, Instant};

use crate::support::program::Setup;
use crate::support::{reserve_target, start_target};
use upstream::{Call, Reaction};

fn is_health(call: &Call) -> bool {
    call.uri.path() == "/healthz"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_until_the_target_is_healthy() {
    let mut target = reserve_target(|call| match call.number {
        0 => Reaction::Status(503),
        1 => Reaction::Status(302),
        _ => Reaction::Answer,
    });
    let url = target.url("/handson?a=b");
    let program = Setup::new("--rate 50 --duration 100ms").argument("--url", &url).start();
    program.until_message("waiting for").await;
    target.listen().unwrap();
    let ended = program.ended().await;

    ended.assert_code(0);
    let calls = target.calls();
    let paths: Vec<String> = calls.iter().map(|call| call.uri.to_string()).collect();
    assert_eq!(paths[..3], ["/healthz"; 3], "it asks until the answer is 2xx");
    assert_eq!(paths[3..], ["/handson?a=b"; 5], "and then no more");
    assert!(calls[..3].iter().all(|call| call.method == "GET"));
    assert_eq!(ended.count("http_reqs"), 5, "asking is not counted");
    assert_eq!(ended.row("checks_succeeded"), "100.00% 5 out of 5");
    assert_eq!(ended.messages("waiting for"), 1, "reported once");
    assert_eq!(ended.messages(&target.url("/healthz")), 1, "with the address");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_that_hangs_is_repeated() {
    let target = start_target(|call| match call.number {
        0 => Reaction::Hold,
        _ => Reaction::Answer,
    });
    let setup = Setup::new("--rate 50 --duration 100ms --wait-timeout 30s");
    let ended = setup.argument("--url", &target.url("/handson")).run().await;
    ended.assert_code(0);
    assert_eq!(target.calls().iter().filter(|call| is_health(call)).count(), 2);
    assert_eq!(ended.count("http_reqs"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_begin_does_not_change_the_last_summary() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("summary.json");
    std::fs::write(&file, "of an earlier run").unwrap();
    let target = start_target(|_| Reaction::Status(503));
    let setup = Setup::new("--wait-timeout 300ms").argument("--url", &target.url("/handson"));
    setup.argument("--summary-export", file.to_str().unwrap()).run().await.assert_code(1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "of an earlier run");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_the_health_check_can_be_chosen() {
    let other = start_target(|_| Reaction::Status(204));
    let target = start_target(|_| Reaction::Answer);
    let setup = Setup::new("--rate 50 --duration 100ms").argument("--url", &target.url("/handson"));
    let ended = setup.argument("--wait-for", &other.url("/ready?deep=1")).run().await;
    ended.assert_code(0);
    assert_eq!(other.calls().len(), 1);
    assert_eq!(other.calls()[0].uri, "/ready?deep=1");
    assert!(!target.calls().iter().any(is_health));
    assert_eq!(ended.messages("waiting"), 0, "nothing to say where it is healthy at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_gives_up_and_reports_the_last_health_check() {
    let unwell = start_target(|_| Reaction::Status(503));
    let silent = start_target(|_| Reaction::Hold);
    let absent = reserve_target(|_| Reaction::Answer);
    for (target, seen) in [(&unwell, "503"), (&silent, "no response"), (&absent, "refused")] {
        let start = Instant::now();
        let setup = Setup::new("--wait-timeout 300ms").argument("--url", &target.url("/handson"));
        let ended = setup.run().await;
        ended.assert_code(1);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        let last = ended.output.stderr.last().expect("a message");
        for word in [seen, &target.url("/healthz"), "300ms"] {
            assert!(last.contains(word), "`{word}` is not in: {last}");
        }
        assert!(target.calls().iter().all(is_health), "no load");
        assert!(ended.output.stdout.is_empty(), "no summary");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_of_0_is_no_wait() {
    for zero in ["0", "0s"] {
        let target = start_target(|_| Reaction::Answer);
        let setup = Setup::new("--rate 50 --duration 100ms").argument("--url", &target.url("/handson"));
        let ended = setup.argument("--wait-timeout", zero).run().await;
        assert_eq!(ended.assert_code(0).count("iterations"), 5);
        assert!(!target.calls().iter().any(is_health));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_wait() {
    let target = reserve_target(|_| Reaction::Answer);
    for signal in ["TERM", "INT"] {
        let program = Setup::new("").argument("--url", &target.url("/handson")).start();
        program.until_message("waiting for").await;
        program.signal(signal).await;
        let ended = program.ended().await;
        ended.assert_code(1);
        assert_eq!(ended.messages("stopped"), 1);
    }
}

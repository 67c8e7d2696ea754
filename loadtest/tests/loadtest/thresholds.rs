//! Thresholds in k6's syntax.

mod refused;

use crate::support::program::{Ended, Setup};
use crate::support::start_target;
use upstream::Reaction;

/// Ten requests, of which one fails.
async fn run(thresholds: &[&str]) -> Ended {
    let target = start_target(|call| match call.number {
        3 => Reaction::Status(500),
        _ => Reaction::Answer,
    });
    let setup = Setup::against(&target, "--rate 50 --duration 200ms").exporting();
    thresholds.iter().fold(setup, |setup, threshold| setup.argument("--threshold", threshold)).run().await
}

/// Splits a threshold into metric and expression.
fn split(threshold: &str) -> (&str, &str) {
    let tags_end = threshold.find('}').unwrap_or(0);
    let colon = tags_end + threshold[tags_end..].find(':').unwrap();
    (&threshold[..colon], &threshold[colon + 1..])
}

/// Asserts that each threshold is shown as met or crossed, and exported accordingly: `true` means that it was
/// crossed.
fn assert_all(ended: &Ended, thresholds: &[&str], hold: bool) {
    let exported = ended.exported();
    for threshold in thresholds {
        let (metric, expression) = split(threshold);
        let crossed = &exported["metrics"][metric]["thresholds"][expression];
        assert_eq!(*crossed, !hold, "{threshold}, exported");
        let shown = format!("{} '{expression}' ", if hold { '✓' } else { '✗' });
        assert!(ended.output.stdout.iter().any(|l| l.trim_start().starts_with(&shown)), "no `{shown}`");
    }
}

/// Every aggregation of every kind of metric, and every operator. All of them are met.
const HOLD: &[&str] = &[
    "http_req_duration:avg>0",
    "http_req_duration:min>0",
    "http_req_duration:med<10000",
    "http_req_duration:max<10000",
    "http_req_duration:p(0)>0",
    "http_req_duration:p(95)<10000",
    "http_req_duration:p(99.9)<=10000",
    "http_req_duration:p(100)<10000",
    "http_req_duration{expected_response:true}:p(95)<10000",
    "http_req_schedule_delay:p(99)<10000",
    "http_req_scheduled_duration:p(99)<10000",
    "iteration_duration:avg>0",
    "http_reqs:count==10",
    "http_reqs:count===10",
    "http_reqs:count!=11",
    "http_reqs:count<11",
    "http_reqs:count<=10",
    "http_reqs:count>9",
    "http_reqs:count>=10",
    "http_reqs:count > 9.5",
    "iterations:rate>1",
    "dropped_iterations:count==0",
    "http_req_failed:rate<0.11",
    "checks:rate>=0.9",
    "vus:value==0",
    "vus_max:value==50",
];

/// Thresholds that are crossed, each for a different reason.
const CROSSED: &[&str] = &[
    "http_req_duration:p(95)<0.000001",
    "http_req_duration:avg>10000",
    "http_req_duration{expected_response:true}:max>10000",
    "http_reqs:count==9",
    "http_reqs:count===11",
    "http_reqs:count!=10",
    "http_reqs:count<10",
    "http_reqs:count<=9",
    "http_reqs:count>10",
    "http_reqs:count>=11",
    "iterations:rate<1",
    "http_req_failed:rate<0.01",
    "checks:rate>0.99",
    "vus_max:value<50",
];

#[tokio::test(flavor = "multi_thread")]
async fn thresholds_that_are_met_do_not_change_the_exit_status() {
    let ended = run(HOLD).await;
    ended.assert_code(0);
    assert_all(&ended, HOLD, true);
    assert!(ended.output.stderr.is_empty(), "no message");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_threshold_that_is_crossed_is_marked_and_the_exit_status_is_99() {
    let ended = run(CROSSED).await;
    ended.assert_code(99);
    assert_all(&ended, CROSSED, false);
    assert_eq!(ended.messages("thresholds"), 1, "reported once");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_crossed_threshold_among_others_is_enough() {
    let ended = run(&["http_req_failed:rate<0.5", "http_req_failed:rate<0.01", "checks:rate>0.5"]).await;
    ended.assert_code(99);
    assert_all(&ended, &["http_req_failed:rate<0.5", "checks:rate>0.5"], true);
    assert_all(&ended, &["http_req_failed:rate<0.01"], false);
    // Sorted by metric, and within a metric in the given order.
    let start = ended.output.stdout.iter().position(|line| line.trim() == "█ THRESHOLDS").expect("a section");
    let shown: Vec<&str> = ended.output.stdout[start + 1..start + 8].iter().map(|line| line.trim()).collect();
    let expected = [
        "",
        "checks",
        "✓ 'rate>0.5' rate=90.00%",
        "",
        "http_req_failed",
        "✓ 'rate<0.5' rate=10.00%",
        "✗ 'rate<0.01' rate=10.00%",
    ];
    assert_eq!(shown, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variable_accepts_several_thresholds_separated_by_commas() {
    let target = start_target(|_| Reaction::Answer);
    let setup = Setup::against(&target, "--rate 50 --duration 100ms").exporting();
    let thresholds = "http_req_duration:p(95)<10000,http_reqs:count>5,checks:rate>0.99";
    let ended = setup.variable("LOADTEST_THRESHOLD", thresholds).run().await;
    ended.assert_code(99);
    assert_all(&ended, &["http_req_duration:p(95)<10000", "checks:rate>0.99"], true);
    assert_all(&ended, &["http_reqs:count>5"], false);
}

//! Compares `loadtest` with k6: the same load on the same service must give the same summary. The test runs a
//! real k6 with the workshop's script: `.ci/run k6`.

#![allow(clippy::unwrap_used)] // A test that cannot continue should panic.

mod generators;
mod service;
mod summary;

use generators::{Load, k6, loadtest};
use service::Service;
use summary::{assert_same_counts, assert_same_keys, assert_same_thresholds};

/// Thresholds that are met, in every spelling that k6 accepts.
const HELD: &[(&str, &str)] = &[
    ("http_req_duration", "p(95)<2000"),
    ("http_req_duration", "avg <= 2000"),
    ("http_req_duration", "p(99.9)<2000"),
    ("http_req_duration", "med!=0"),
    ("http_req_duration{expected_response:true}", "max<5000"),
    ("http_req_failed", "rate<0.01"),
    ("http_reqs", "count>=1"),
    ("http_reqs", "rate > 1"),
    ("checks", "rate===1"),
    ("dropped_iterations", "count==0"),
    ("vus_max", "value<=50"),
];

#[test]
#[ignore = "needs k6: .ci/run k6"]
fn the_same_load_gives_the_same_summary() {
    let service = Service::start(&[]);
    let load = Load { rate: 20, seconds: 10, thresholds: HELD, ..Load::on(&service) };
    let (theirs, ours) = (k6(&load), loadtest(&load));

    assert_eq!((theirs.status, ours.status), (0, 0), "{theirs}{ours}");
    assert_same_keys(&theirs, &ours);
    assert_same_thresholds(&theirs, &ours);
    assert_same_counts(&theirs, &ours, 200);
    for metric in ["http_req_duration", "iteration_duration"] {
        let [theirs, ours] =
            [&theirs, &ours].map(|run| run.summary["metrics"][metric]["med"].as_f64().unwrap());
        let apart = (theirs - ours).abs();
        assert!(
            apart < 5.0 || apart < theirs.min(ours),
            "median of {metric}: k6 {theirs} ms, ours {ours} ms"
        );
    }
}

#[test]
#[ignore = "needs k6: .ci/run k6"]
fn a_crossed_threshold_ends_both_with_status_99() {
    let service = Service::start(&[]);
    let thresholds = &[
        ("http_req_duration", "p(95)<0.001"),
        ("http_req_duration", "p(95)<2000"),
        ("checks", "rate>0.99"),
        ("iterations", "count<1"),
    ];
    let load = Load { thresholds, ..Load::on(&service) };
    let (theirs, ours) = (k6(&load), loadtest(&load));

    assert_eq!((theirs.status, ours.status), (99, 99), "{theirs}{ours}");
    assert_same_keys(&theirs, &ours);
    assert_same_thresholds(&theirs, &ours);
    assert_eq!(theirs.verdicts(), ours.verdicts(), "{theirs}{ours}");
    assert_eq!(theirs.verdicts().len(), thresholds.len(), "{theirs}");
}

#[test]
#[ignore = "needs k6: .ci/run k6"]
fn failed_requests_are_reported_in_the_same_way() {
    let service = Service::start(&[("RANDOM_ERROR_RATE", "1")]);
    let load = Load::on(&service);
    let (theirs, ours) = (k6(&load), loadtest(&load));

    assert_eq!((theirs.status, ours.status), (0, 0), "{theirs}{ours}");
    assert_same_keys(&theirs, &ours);
    assert_same_counts(&theirs, &ours, 40);
    for run in [&theirs, &ours] {
        let number = |metric: &str, field: &str| run.summary["metrics"][metric][field].as_f64();
        assert_eq!(
            (number("http_req_failed", "value"), number("http_req_failed", "fails")),
            (Some(1.0), Some(0.0))
        );
        assert_eq!((number("checks", "value"), number("checks", "passes")), (Some(0.0), Some(0.0)), "{run}");
    }
}

#[test]
#[ignore = "needs k6: .ci/run k6"]
fn iterations_without_a_free_vu_are_dropped_and_counted_in_the_same_way() {
    let httpbin = Service::start_httpbin("100ms");
    // A request takes at least 200 ms, so a VU runs fewer than five iterations per second, and twenty are
    // needed.
    let service = Service::start(&[("HTTPBIN_URL", httpbin.origin())]);
    let load = Load { seconds: 3, vus: 2, ..Load::on(&service) };
    let (theirs, ours) = (k6(&load), loadtest(&load));

    assert_eq!((theirs.status, ours.status), (0, 0), "{theirs}{ours}");
    assert_same_keys(&theirs, &ours);
    let count =
        |run: &generators::Run, metric: &str| run.summary["metrics"][metric]["count"].as_i64().unwrap();
    for run in [&theirs, &ours] {
        let offered = count(run, "iterations") + count(run, "dropped_iterations");
        assert!((60..=61).contains(&offered), "{offered} offered: {run}");
    }
    let apart = count(&theirs, "dropped_iterations").abs_diff(count(&ours, "dropped_iterations"));
    assert!(apart <= 6, "{apart} apart: {theirs}{ours}");
}

#[test]
#[ignore = "needs k6: .ci/run k6"]
fn a_threshold_that_k6_refuses_is_refused() {
    let service = Service::start(&[]);
    for refused in [
        ("nonsense", "avg<1"),
        ("http_req_duration", "p95<200"),
        ("http_req_duration", "p(95)<"),
        ("http_req_duration", "p(95)<abc"),
        ("http_req_duration", "p(95)=<5"),
        ("http_req_duration", "rate<1"),
        ("http_req_failed", "p(95)<1"),
        ("checks", "count>5"),
        ("http_reqs", "avg>5"),
        ("vus_max", "max<3"),
    ] {
        let load = Load { thresholds: &[refused], seconds: 1, ..Load::on(&service) };
        let (theirs, ours) = (k6(&load), loadtest(&load));
        // k6's exit status for an invalid configuration, and ours for an invalid option.
        assert_eq!((theirs.status, ours.status), (104, 2), "{refused:?}: {theirs}{ours}");
    }
}

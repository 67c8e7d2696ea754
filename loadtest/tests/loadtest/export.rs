//! `--summary-export`: the JSON of k6's option of this name.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::program::Setup;
use crate::support::start_target;
use upstream::Reaction;

const TREND: &[&str] = &["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)"];
const COUNTER: &[&str] = &["count", "rate"];
const RATE: &[&str] = &["passes", "fails", "value"];
const GAUGE: &[&str] = &["value", "min", "max"];

/// All metrics, with the keys that k6 has for their kind.
const METRICS: &[(&str, &[&str])] = &[
    ("checks", RATE),
    ("dropped_iterations", COUNTER),
    ("http_req_duration", TREND),
    ("http_req_duration{expected_response:true}", TREND),
    ("http_req_failed", RATE),
    ("http_req_schedule_delay", TREND),
    ("http_req_scheduled_duration", TREND),
    ("http_reqs", COUNTER),
    ("iteration_duration", TREND),
    ("iterations", COUNTER),
    ("vus", GAUGE),
    ("vus_max", GAUGE),
];

/// Ten requests, of which one gets a 500.
async fn exported(thresholds: &str) -> Value {
    let target = start_target(|call| match call.number {
        3 => Reaction::Status(500),
        _ => Reaction::Answer,
    });
    let setup = Setup::against(&target, "--rate 50 --duration 200ms").and(thresholds).exporting();
    setup.run().await.exported()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap_or_else(|| panic!("an object: {object}")).keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_has_the_keys_of_its_kind_and_all_are_numbers() {
    let exported = exported("").await;
    assert_eq!(keys(&exported), BTreeSet::from(["metrics", "root_group"]));
    let metrics = &exported["metrics"];
    assert_eq!(keys(metrics), METRICS.iter().map(|(name, _)| *name).collect());
    for (name, expected) in METRICS {
        assert_eq!(keys(&metrics[name]), expected.iter().copied().collect(), "{name}");
        for (key, value) in metrics[name].as_object().unwrap() {
            assert!(value.is_number(), "{name} {key}: {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passes_of_http_req_failed_are_the_failures() {
    let exported = exported("").await;
    assert_eq!(exported["metrics"]["http_req_failed"], json!({ "passes": 1, "fails": 9, "value": 0.1 }));
    assert_eq!(exported["metrics"]["checks"], json!({ "passes": 9, "fails": 1, "value": 0.9 }));
    assert_eq!(exported["metrics"]["dropped_iterations"]["count"], 0);
    assert_eq!(exported["metrics"]["http_reqs"]["count"], 10);
    assert_eq!(exported["metrics"]["vus_max"], json!({ "value": 50, "min": 50, "max": 50 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_milliseconds_in_order() {
    let exported = exported("").await;
    let metrics = exported["metrics"].as_object().unwrap();
    for (name, metric) in metrics.iter().filter(|(_, metric)| metric.get("p(95)").is_some()) {
        let number = |key: &str| metric[key].as_f64().unwrap();
        let rising = ["min", "med", "p(90)", "p(95)", "p(99)", "max"].map(number);
        assert!(rising.is_sorted(), "{name}: {metric}");
        assert!((number("min")..=number("max")).contains(&number("avg")), "{name}: {metric}");
    }
    let request = exported["metrics"]["http_req_duration"]["med"].as_f64().unwrap();
    assert!((0.01..1000.0).contains(&request), "{request} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_that_is_true_was_crossed() {
    let thresholds = "--threshold http_req_failed:rate<0.01 --threshold http_req_failed:rate<0.5 \
                      --threshold http_req_duration{expected_response:true}:p(95)<10000";
    let exported = exported(thresholds).await;
    let metrics = &exported["metrics"];
    assert_eq!(metrics["http_req_failed"]["thresholds"], json!({ "rate<0.01": true, "rate<0.5": false }));
    let tagged = &metrics["http_req_duration{expected_response:true}"];
    assert_eq!(tagged["thresholds"], json!({ "p(95)<10000": false }));
    let with: Vec<&String> = metrics
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, m)| m.get("thresholds").is_some())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(with.len(), 2, "no other metric has the key: {with:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_group_contains_the_checks() {
    let exported = exported("").await;
    let group = &exported["root_group"];
    assert_eq!((&group["name"], &group["path"], &group["groups"]), (&json!(""), &json!(""), &json!({})));
    let check = &group["checks"]["status is 200"];
    assert_eq!(check["name"], "status is 200", "{check}");
    assert_eq!(check["path"], "::status is 200", "{check}");
    assert_eq!((&check["passes"], &check["fails"]), (&json!(9), &json!(1)), "{check}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_signal_ends_is_also_exported() {
    let target = start_target(|_| Reaction::Answer);
    let program = Setup::against(&target, "--rate 50").exporting().start();
    target.until_called(5).await;
    program.signal("TERM").await;
    let ended = program.ended().await;
    assert!(ended.assert_code(0).exported_number("iterations", "count") >= 5.0);
}

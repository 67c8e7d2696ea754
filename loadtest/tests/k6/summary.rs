//! What two summaries must have in common.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::generators::Run;

/// The metrics of k6 that `loadtest` also has, and that users read in a summary.
const COMMON: &[&str] = &[
    "checks",
    "http_req_duration",
    "http_req_failed",
    "http_reqs",
    "iteration_duration",
    "iterations",
    "vus",
    "vus_max",
];

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// The keys without `id`, which only k6 has: it is the MD5 of the path.
fn keys_without_id(value: &Value) -> BTreeSet<&str> {
    keys(value).into_iter().filter(|key| *key != "id").collect()
}

/// All common metrics must have the same keys, and so must the group with its checks.
pub fn assert_same_keys(theirs: &Run, ours: &Run) {
    let (theirs, ours) = (&theirs.summary, &ours.summary);
    assert_eq!(keys(theirs), keys(ours));
    let (their_metrics, our_metrics) = (&theirs["metrics"], &ours["metrics"]);
    let common: BTreeSet<&str> = keys(their_metrics).intersection(&keys(our_metrics)).copied().collect();
    assert!(COMMON.iter().all(|metric| common.contains(metric)), "only {common:?} are in both");
    for metric in common {
        let (theirs, ours) = (&their_metrics[metric], &our_metrics[metric]);
        assert_eq!(keys(theirs), keys(ours), "of {metric}: {theirs} and {ours}");
    }

    let (theirs, ours) = (&theirs["root_group"], &ours["root_group"]);
    assert_eq!(keys_without_id(theirs), keys_without_id(ours), "of root_group");
    assert_eq!(keys(&theirs["checks"]), keys(&ours["checks"]));
    for check in keys(&theirs["checks"]) {
        let (theirs, ours) = (&theirs["checks"][check], &ours["checks"][check]);
        assert_eq!(keys_without_id(theirs), keys_without_id(ours), "of the check {check}");
        for same in ["name", "path"] {
            assert_eq!(theirs[same], ours[same], "{same} of the check {check}");
        }
    }
}

/// Both must check the same thresholds with the same result.
pub fn assert_same_thresholds(theirs: &Run, ours: &Run) {
    let (their_metrics, our_metrics) = (&theirs.summary["metrics"], &ours.summary["metrics"]);
    for metric in keys(their_metrics).union(&keys(our_metrics)) {
        let [theirs, ours] = [their_metrics, our_metrics].map(|metrics| &metrics[*metric]["thresholds"]);
        assert_eq!(theirs, ours, "thresholds of {metric}");
    }
}

/// Both must have counted `expected` iterations. k6 usually starts one more at its end.
pub fn assert_same_counts(theirs: &Run, ours: &Run, expected: u64) {
    for (metric, fields) in [
        ("iterations", &["count"][..]),
        ("http_reqs", &["count"]),
        ("checks", &["passes", "fails"]),
        ("http_req_failed", &["passes", "fails"]),
    ] {
        for run in [theirs, ours] {
            let count: u64 = fields.iter().map(|f| run.summary["metrics"][metric][f].as_u64().unwrap()).sum();
            assert!(
                (expected..=expected + 1).contains(&count),
                "{metric}: {count}, expected {expected}: {run}"
            );
        }
    }
}

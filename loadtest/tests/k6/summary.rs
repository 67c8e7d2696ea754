//! What must be alike in two summaries.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::generators::Run;

/// Metrics of k6 that `loadtest` has too: those that a summary is read for.
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

/// Without the `id`, which says nothing new: it is the MD5 of the path, and only k6 has it.
fn keys_without_id(value: &Value) -> BTreeSet<&str> {
    keys(value).into_iter().filter(|key| *key != "id").collect()
}

/// Every metric that both have has the same keys, and so has the group with its checks.
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

/// Both judge the same thresholds, and come to the same verdict.
pub fn assert_same_thresholds(theirs: &Run, ours: &Run) {
    let (their_metrics, our_metrics) = (&theirs.summary["metrics"], &ours.summary["metrics"]);
    for metric in keys(their_metrics).union(&keys(our_metrics)) {
        let [theirs, ours] = [their_metrics, our_metrics].map(|metrics| &metrics[*metric]["thresholds"]);
        assert_eq!(theirs, ours, "thresholds of {metric}");
    }
}

/// Both have counted `expected`. k6 mostly starts one more as its time is over.
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

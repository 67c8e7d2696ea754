//! The checks, in both directions: the answer's own telemetry passes them all, each plausible mistake fails the step that it
//! is about, with the words meant for it, and right answers that differ from ours pass.
//!
//! The telemetry is that of the answer, built and run once; a mistake is a change of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alert;
mod canary;
mod datadog;
mod delivery;
mod deployment;
mod different;
mod mutations;
mod other_languages;
mod own_deployment;
mod patches;
mod recording;
mod wrong_correlation;
mod wrong_fields;
mod wrong_logs;
mod wrong_metrics;
mod wrong_spans;
mod wrong_unusual;

use otlp::model::Span;
use workshop::checks;
use workshop::evidence::Evidence;

/// The answer's evidence, changed.
fn with(change: impl FnOnce(&mut Evidence)) -> Evidence {
    let mut evidence = recording::right().clone();
    change(&mut evidence);
    evidence
}

/// The answer's evidence, with a change of each span that `which` picks.
fn with_spans(which: impl Fn(&Span) -> bool, change: impl Fn(&mut Span)) -> Evidence {
    with(|evidence| {
        for run in [&mut evidence.calm, &mut evidence.errors] {
            run.telemetry.spans.iter_mut().filter(|span| which(span)).for_each(&change);
        }
    })
}

fn named(name: &'static str) -> impl Fn(&Span) -> bool {
    move |span| span.name == name
}

/// What is wrong by `step`, in all words; nothing where the evidence has nothing on it.
fn failures(step: &str, evidence: &Evidence) -> String {
    let is_left_out = match step {
        "deploy" | "canary" => evidence.backend.deployment.is_none(),
        "datadog-sdk" => evidence.datadog.is_none(),
        "delivery" => evidence.delivery.is_none(),
        _ => false,
    };
    if is_left_out {
        return String::new();
    }
    let expectations = checks::judge(step, evidence).unwrap();
    let failed =
        expectations.into_iter().filter_map(|expectation| Some((expectation.expected, expectation.failure?)));
    failed
        .map(|(expected, why)| format!("{expected}\n  seen: {}\n  cause: {}\n", why.seen, why.cause))
        .collect()
}

/// `step` fails with these words, and no step before it fails.
#[track_caller]
fn assert_fails(step: &str, evidence: &Evidence, words: &str) {
    let told = failures(step, evidence);
    assert!(told.contains(words), "{step} should say {words:?}, and says:\n{told}");
    for before in checks::ids().take_while(|before| *before != step) {
        let told = failures(before, evidence);
        assert!(told.is_empty(), "{before} fails too:\n{told}");
    }
}

#[track_caller]
fn assert_passes(evidence: &Evidence) {
    for step in checks::ids() {
        let told = failures(step, evidence);
        assert!(told.is_empty(), "{step} fails:\n{told}");
    }
}

#[test]
fn the_answer_passes_every_step() {
    assert_passes(recording::right());
}

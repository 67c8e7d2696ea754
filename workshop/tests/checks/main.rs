//! The checks, in both directions: the answer's own telemetry passes all of them, each plausible mistake
//! fails its step with the intended message, and right answers that differ from ours pass.
//!
//! The telemetry is recorded once from the answer, built and run; a mistake is a change of this recording.

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
mod strays;
mod wrong_correlation;
mod wrong_fields;
mod wrong_logs;
mod wrong_lost;
mod wrong_metrics;
mod wrong_run;
mod wrong_spans;
mod wrong_unusual;

use otlp::model::Span;
use workshop::checks;
use workshop::evidence::Evidence;
use workshop::verdict::Expectation;

/// The answer's evidence, changed.
fn with(change: impl FnOnce(&mut Evidence)) -> Evidence {
    let mut evidence = recording::right().clone();
    change(&mut evidence);
    evidence
}

/// The answer's evidence, with a change of each span that `which` selects.
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

/// Everything that `step` reports as wrong; empty if it passes or has no evidence.
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

/// The advice of `step`.
fn advice(step: &str, evidence: &Evidence) -> String {
    advice_of(&checks::judge(step, evidence).unwrap())
}

fn advice_of(expectations: &[Expectation]) -> String {
    expectations.iter().filter_map(|it| Some(format!("{}\n", it.advice.as_ref()?))).collect()
}

/// Asserts that `step` fails with these words, and that no step before it fails.
#[track_caller]
fn assert_fails(step: &str, evidence: &Evidence, words: &str) {
    let reported = failures(step, evidence);
    assert!(reported.contains(words), "{step} should report {words:?}, but reports:\n{reported}");
    for before in checks::ids().take_while(|before| *before != step) {
        let reported = failures(before, evidence);
        assert!(reported.is_empty(), "{before} fails too:\n{reported}");
    }
}

#[track_caller]
fn assert_passes(evidence: &Evidence) {
    for step in checks::ids() {
        let reported = failures(step, evidence);
        assert!(reported.is_empty(), "{step} fails:\n{reported}");
    }
}

#[test]
fn the_answer_passes_every_step() {
    assert_passes(recording::right());
}

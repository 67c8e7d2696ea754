//! The report as JSON, for editors and scripts.

use serde_json::{Value, json};

use super::{Report, Verdict};

/// `{backend, steps: [{number, id, title, state, expectations: [{expected, failure: {seen, cause} | null}], hint, chapter}]}`;
/// `state` is `passed`, `failed`, `not_judged` or `not_yet`.
pub fn json(report: &Report) -> Value {
    let step = |verdict: &Verdict| {
        json!({
            "number": verdict.step.number,
            "id": verdict.step.id,
            "title": verdict.step.title.in_(report.lang),
            "state": verdict.state,
            "expectations": verdict.expectations,
            "hint": verdict.step.hint.in_(report.lang),
            "chapter": verdict.step.chapter,
        })
    };
    json!({ "backend": report.backend, "steps": report.verdicts.iter().map(step).collect::<Vec<_>>() })
}

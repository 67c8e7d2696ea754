//! The report as JSON, for editors and scripts.

use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

use super::{Report, Verdict};
use crate::messages::Message;
use crate::verdict::Expectation;

/// `{backend, steps: [{number, id, title, state, expectations, hint, chapter}]}`: `state` is `passed`,
/// `failed` or `not_judged`, and an expectation is `{expected, advice: string | null, failure: {seen, cause}
/// | null}`. Texts are in the report's language.
pub fn json(report: &Report) -> Value {
    let text = |message: &Message| message.in_lang(report.lang);
    let expectation = |Expectation { expected, advice, failure }: &Expectation| {
        let failure = failure.as_ref();
        json!({
            "expected": text(expected),
            "advice": advice.as_ref().map(text),
            "failure": failure.map(|failure| json!({ "seen": text(&failure.seen), "cause": text(&failure.cause) })),
        })
    };
    let step = |verdict: &Verdict| {
        json!({
            "number": verdict.step.number,
            "id": verdict.step.id,
            "title": verdict.step.title.in_(report.lang),
            "state": verdict.state,
            "expectations": verdict.expectations.iter().map(expectation).collect::<Vec<_>>(),
            "hint": verdict.step.hint.in_(report.lang),
            "chapter": verdict.step.chapter,
        })
    };
    json!({ "backend": report.backend, "steps": report.verdicts.iter().map(step).collect::<Vec<_>>() })
}

/// Writes the report to `file`. Steps that are not part of the report stay in the file as they are.
///
/// # Errors
///
/// The file cannot be written.
pub fn keep(report: &Report, file: &Path) -> io::Result<()> {
    let new = json(report);
    let before = fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let steps = |report: &Value| report["steps"].as_array().cloned().unwrap_or_default();
    let mut all = steps(&new);
    for step in before.as_ref().map(steps).unwrap_or_default() {
        if !all.iter().any(|judged| judged["id"] == step["id"]) {
            all.push(step);
        }
    }
    all.sort_by_key(|step| step["number"].as_u64());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    // Written to another file and renamed, so that the console never reads an incomplete report.
    let whole = file.with_extension("new");
    fs::write(&whole, json!({ "backend": report.backend, "steps": all }).to_string())?;
    fs::rename(whole, file)
}

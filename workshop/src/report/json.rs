//! The report as JSON, for editors and scripts.

use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

use super::{Report, Verdict};

/// `{backend, steps: [{number, id, title, state, expectations: [{expected, failure: {seen, cause} | null}], hint, chapter}]}`;
/// `state` is `passed`, `failed` or `not_judged`.
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

/// Writes the report to `file`. Of steps that it does not judge, the file keeps what it said.
///
/// # Errors
///
/// Where the file cannot be written.
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
    // At once, for the console may read it.
    let whole = file.with_extension("new");
    fs::write(&whole, json!({ "backend": report.backend, "steps": all }).to_string())?;
    fs::rename(whole, file)
}

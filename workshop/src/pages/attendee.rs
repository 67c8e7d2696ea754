//! The attendee whose steps the console shows.

use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::messages::Message;
use crate::steps::{Lang, Step};

/// Checks all steps, and writes the report; the error says why there is no report.
pub type Check = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), Message>> + Send>> + Send + Sync>;

/// An attendee's backend, and the results of its last check.
pub struct Attendee {
    /// `backend-sakura`, or the command.
    pub backend: String,
    /// What `cargo workshop check` needs as arguments for it, with a space in front; empty for a backend.
    pub arguments: String,
    /// The language of titles and hints.
    pub lang: Lang,
    /// The steps that can be checked.
    pub steps: Vec<Step>,
    /// The file with the last report, in the form of [`crate::report::json`].
    pub report: PathBuf,
    /// Checks the steps again.
    pub check: Check,
    /// Whether a check is running.
    pub progress: Progress,
    /// The compiler's first error, if the last build failed.
    pub build_error: BuildError,
}

/// The compiler's first error if the attendee's last build failed, or `None` if it succeeded.
#[derive(Default)]
pub struct BuildError(Mutex<Option<String>>);

impl BuildError {
    /// Sets it, and returns whether it has changed.
    pub fn set(&self, error: Option<String>) -> bool {
        let mut known = lock(&self.0);
        let is_new = *known != error;
        *known = error;
        is_new
    }

    pub(super) fn get(&self) -> Option<String> {
        lock(&self.0).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a check that the console started is running, and why the last one failed.
#[derive(Default)]
pub struct Progress(Mutex<(bool, Option<Message>)>);

impl Progress {
    /// Marks a check as running; `false` if one is already running.
    pub(super) fn begin(&self) -> bool {
        let mut progress = lock(&self.0);
        !std::mem::replace(&mut progress.0, true)
    }

    pub(super) fn end(&self, error: Option<Message>) {
        *lock(&self.0) = (false, error);
    }

    /// Whether a check is running, and why the last one gave no result.
    pub(super) fn now(&self) -> (bool, Option<Message>) {
        lock(&self.0).clone()
    }
}

impl Attendee {
    /// The results of the last check, one for each step; empty before the first check.
    pub(super) fn verdicts(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.report).unwrap_or_default();
        let report: Value = serde_json::from_str(&text).unwrap_or_default();
        with_begun(report["steps"].as_array().cloned().unwrap_or_default())
    }
}

/// Marks steps that have not been begun, as the report on the terminal does: they fail after another one, and
/// meet no expectation.
fn with_begun(mut verdicts: Vec<Value>) -> Vec<Value> {
    let first_failed = verdicts.iter().position(|verdict| verdict["state"] == "failed");
    for verdict in verdicts.iter_mut().skip(first_failed.map_or(usize::MAX, |first| first + 1)) {
        let expectations = verdict["expectations"].as_array();
        let meets_any =
            expectations.into_iter().flatten().any(|expectation| expectation["failure"].is_null());
        if verdict["state"] == "failed" && !meets_any {
            verdict["state"] = "not_begun".into();
        }
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::with_begun;

    #[test]
    fn a_step_that_fails_after_another_and_meets_nothing_has_not_been_begun() {
        let verdict = |state: &str, failures: &[bool]| {
            let expectation =
                |failed: &bool| json!({ "failure": failed.then(|| json!({ "seen": "nothing" })) });
            json!({ "state": state, "expectations": failures.iter().map(expectation).collect::<Vec<_>>() })
        };
        let verdicts = vec![
            verdict("passed", &[false]),
            verdict("failed", &[true, true]),
            verdict("failed", &[false, true]),
            verdict("failed", &[true, true]),
            verdict("passed", &[false]),
        ];
        let states: Vec<Value> =
            with_begun(verdicts).iter().map(|verdict| verdict["state"].clone()).collect();
        assert_eq!(states, ["passed", "failed", "failed", "not_begun", "passed"]);
    }
}

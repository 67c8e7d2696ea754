//! Reports the verdicts as text for people, and as JSON.

mod code;
mod json;
mod text;

use std::path::PathBuf;

use serde::Serialize;

use crate::checks;
use crate::evidence::{Backend, Evidence, Origin};
use crate::run::RunError;
use crate::steps::{Lang, Step, Steps};
use crate::text;
use crate::verdict::Expectation;

pub(crate) use code::parts;
pub use json::{json, keep};
pub(crate) use text::with_code;
pub use text::{expectations, text};

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All expectations are met.
    Passed,
    /// At least one expectation is not met.
    Failed,
    /// There was nothing to check: the backend gave no evidence, or its deployment files do not exist yet.
    NotJudged,
}

/// The verdict on one step.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The step.
    pub step: Step,
    /// Its result.
    pub state: State,
    /// Its expectations; empty if it was not checked.
    pub expectations: Vec<Expectation>,
}

/// The verdicts on a backend.
#[derive(Debug, Clone)]
pub struct Report {
    /// `backend-sakura`, or the command.
    pub backend: String,
    /// The language of titles, hints and labels.
    pub lang: Lang,
    /// The selected steps, in order.
    pub verdicts: Vec<Verdict>,
    /// Show all failed steps, not only the first.
    pub keep_going: bool,
    /// The folder of the guide, with a subfolder for each language.
    pub guide: PathBuf,
    /// Optional steps that were not selected.
    pub left_out: Vec<Step>,
}

impl Verdict {
    /// The verdict without what holds only for a backend in Rust.
    fn for_any_language(mut self) -> Self {
        self.expectations = self.expectations.iter().map(Expectation::for_any_language).collect();
        if let Some(hint) = self.step.hint_any.take() {
            self.step.hint = hint;
        }
        self
    }
}

impl Report {
    /// Checks the evidence for the selected steps. If there is no evidence, step `run` fails.
    pub fn new(
        backend: &Backend,
        lang: Lang,
        keep_going: bool,
        guide: PathBuf,
        selected: &[&Step],
        outcome: &Result<Evidence, RunError>,
        steps: &Steps,
    ) -> Self {
        let mut verdicts: Vec<Verdict> =
            selected.iter().map(|step| judge(step, outcome.as_ref().ok())).collect();
        if let Err(error) = outcome
            && let Some(run) = steps.all().first()
        {
            let failed = Expectation::new(text!("the service starts, answers, and ends"), Err(error.into()));
            verdicts.retain(|verdict| verdict.step.id != run.id);
            verdicts
                .insert(0, Verdict { step: run.clone(), state: State::Failed, expectations: vec![failed] });
        }
        if backend.origin == Origin::Command {
            verdicts = verdicts.into_iter().map(Verdict::for_any_language).collect();
        }
        let is_left_out = |step: &&Step| step.optional && !selected.iter().any(|other| other.id == step.id);
        // If steps were named, the report does not mention any other.
        let left_out = if selected.len() < steps.required().len() {
            Vec::new()
        } else {
            steps.all().iter().filter(is_left_out).cloned().collect()
        };
        Self { backend: backend.name.clone(), lang, verdicts, keep_going, guide, left_out }
    }

    /// The first step that failed.
    pub fn first_failed(&self) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| verdict.state == State::Failed)
    }

    /// 0 if all steps passed, 1 if a step failed, 2 if a step that the user named could not be checked.
    pub fn exit_status(&self, by_name: bool) -> u8 {
        if self.first_failed().is_some() {
            return 1;
        }
        let is_open = |verdict: &Verdict| verdict.state == State::NotJudged;
        if by_name && self.verdicts.iter().any(is_open) { 2 } else { 0 }
    }
}

fn judge(step: &Step, evidence: Option<&Evidence>) -> Verdict {
    let expectations = evidence.and_then(|evidence| checks::judge(&step.id, evidence));
    let state = match &expectations {
        None => State::NotJudged,
        Some(all) if all.iter().all(Expectation::is_met) => State::Passed,
        Some(_) => State::Failed,
    };
    Verdict { step: step.clone(), state, expectations: expectations.unwrap_or_default() }
}

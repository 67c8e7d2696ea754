//! `check`: builds and runs a backend, and checks its steps.

use std::io;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

use super::repository::Repository;
use super::{fail, first_build};
use crate::checks;
use crate::deployment;
use crate::report::{self, Report};
use crate::run::{self, RunError};
use crate::steps::{Kind, Lang, Step};
use crate::text;

/// The step that needs more runs, with collectors that are down, hang or refuse.
const DELIVERY: &str = "delivery";

/// The steps to check.
pub(super) struct SelectedSteps<'a> {
    steps: Vec<&'a Step>,
    /// Whether the user named them.
    by_name: bool,
}

impl<'a> SelectedSteps<'a> {
    /// All steps that are not optional.
    pub(super) fn required(repository: &'a Repository) -> Self {
        Self { steps: repository.steps.required(), by_name: false }
    }

    /// Whether a selected step needs another build and another run.
    fn has_feature(&self) -> bool {
        self.steps.iter().any(|step| step.kind == Kind::BuildFeature)
    }

    /// The number of selected steps.
    pub(super) fn count(&self) -> usize {
        self.steps.len()
    }
}

pub(super) fn check(
    repository: &Repository,
    arguments: &[String],
    json: bool,
    keep_going: bool,
    lang: Option<Lang>,
) -> Result<u8> {
    let (name, steps) = repository.backend_and_steps(arguments)?;
    let selected = match steps.is_empty() {
        true => SelectedSteps::required(repository),
        false => SelectedSteps { steps, by_name: true },
    };
    let runtime = Runtime::new().context("cannot start threads")?;
    let lang = lang.unwrap_or_else(|| repository.language(&name));
    let judged = runtime
        .block_on(run::unless_interrupted(check_steps(repository, &name, lang, keep_going, &selected)));
    match judged.and_then(|report| report) {
        Ok(report) => {
            if json {
                anstream::println!("{}", report::json(&report));
            } else {
                anstream::print!("{}", report::text(&report));
            }
            Ok(report.exit_status(selected.by_name))
        }
        Err(error) => {
            Err(fail(text!("cannot check backend-{name}: {error}", name = &name, error = error.text())))
        }
    }
}

/// Builds and runs the backend, and checks the selected steps.
///
/// # Errors
///
/// There is no result: the backend does not build, or this machine refuses.
pub(super) async fn check_steps(
    repository: &Repository,
    name: &str,
    lang: Lang,
    keep_going: bool,
    selected: &SelectedSteps<'_>,
) -> Result<Report, RunError> {
    let folder = repository.folder(name);
    first_build::announce(&format!("backend-{name}"), lang);
    let built = run::build(&folder).await?;
    let mut backend = run::backend(&built, &folder);
    // Most attendees have no AWS account. Without deployment files, those steps are checked only if they are named.
    let files = deployment::read(&repository.root, name)
        .map_err(|error| RunError::Machine(io::Error::other(format!("{:#}", anyhow::Error::from(error)))))?;
    backend.deployment = (selected.by_name || deployment::is_begun(&files, name)).then_some(files);
    let mut outcome = run::gather(&backend, &built.executable).await;
    if let Ok(evidence) = &mut outcome
        && selected.has_feature()
        && (selected.count() == 1 || checks::passes_without_datadog(evidence))
    {
        evidence.datadog = Some(run::gather_datadog(&backend, &folder).await.map_err(Into::into));
    }
    if let Ok(evidence) = &mut outcome
        && selected.steps.iter().any(|step| step.id == DELIVERY)
    {
        let runs = run::gather_delivery(&backend, &built.executable).await;
        evidence.delivery = Some(runs.map_err(Into::into));
    }
    match outcome {
        Err(error) if !error.is_of_the_service() => Err(error),
        outcome => {
            let guide = repository.root.join(crate::guide::FOLDER);
            let report = Report::new(
                &built.name,
                lang,
                keep_going,
                guide,
                &selected.steps,
                &outcome,
                &repository.steps,
            );
            // For the console. If it cannot be written, the command still works.
            let _ = report::keep(&report, &repository.report(name));
            Ok(report)
        }
    }
}

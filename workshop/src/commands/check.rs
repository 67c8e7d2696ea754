//! `check`: builds and runs a backend or a command, and checks its steps.

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

use super::fail;
use super::repository::Repository;
use super::subject::{CommandOptions, Subject};
use crate::checks;
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
    /// All steps of `subject` that are not optional.
    pub(super) fn required(repository: &'a Repository, subject: &Subject) -> Self {
        Self { steps: subject.required_steps(repository), by_name: false }
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
    command: &CommandOptions,
    json: bool,
    keep_going: bool,
    lang: Option<Lang>,
) -> Result<u8> {
    let (subject, steps) = Subject::with_steps(repository, command, arguments)?;
    let selected = match steps.is_empty() {
        true => SelectedSteps::required(repository, &subject),
        false => SelectedSteps { steps, by_name: true },
    };
    let runtime = Runtime::new().context("cannot start threads")?;
    let lang = lang.unwrap_or_else(|| subject.language(repository));
    if let Subject::Command(command) = &subject {
        let starting = text!(
            "Starting {command}: it has {time} to compile and to listen.",
            command = command.text(),
            time = humantime::format_duration(command.start_timeout()).to_string()
        );
        anstream::eprintln!("{}", starting.in_lang(lang));
    }
    let judged = runtime
        .block_on(run::unless_interrupted(check_steps(repository, &subject, lang, keep_going, &selected)));
    match judged.and_then(|report| report) {
        Ok(report) => {
            if json {
                anstream::println!("{}", report::json(&report));
            } else {
                anstream::print!("{}", report::text(&report));
            }
            Ok(report.exit_status(selected.by_name))
        }
        Err(error) => Err(fail(text!(
            "cannot check {subject}: {error}",
            subject = subject.label(),
            error = error.text()
        ))),
    }
}

/// Runs `subject`, which is built before if it is a backend, and checks the selected steps.
///
/// # Errors
///
/// There is no result: the backend does not build, the command cannot be started, or this machine refuses.
pub(super) async fn check_steps(
    repository: &Repository,
    subject: &Subject,
    lang: Lang,
    keep_going: bool,
    selected: &SelectedSteps<'_>,
) -> Result<Report, RunError> {
    let (backend, program) = subject.prepare(repository, lang, selected.by_name).await?;
    let mut outcome = run::gather(&backend, &program).await;
    if let Ok(evidence) = &mut outcome {
        if selected.has_feature() && (selected.count() == 1 || checks::passes_without_datadog(evidence)) {
            let runs = run::gather_datadog(&backend, &subject.folder(repository)).await;
            evidence.datadog = Some(runs.map_err(Into::into));
        }
        if selected.steps.iter().any(|step| step.id == DELIVERY) {
            let runs = run::gather_delivery(&backend, &program).await;
            evidence.delivery = Some(runs.map_err(Into::into));
        }
    }
    match outcome {
        Err(error) if !error.is_caused_by_service() => Err(error),
        outcome => {
            let report = Report::new(
                &backend,
                lang,
                keep_going,
                repository.root.join(crate::guide::FOLDER),
                &selected.steps,
                &outcome,
                &repository.steps,
            );
            // For the console. If it cannot be written, the command still works.
            let _ = report::keep(&report, &subject.report(repository));
            Ok(report)
        }
    }
}

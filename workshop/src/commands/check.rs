//! `check`: builds, runs, judges.

use std::io;

use tokio::runtime::Runtime;

use super::place::Place;
use crate::checks;
use crate::deployment;
use crate::report::{self, Report};
use crate::run::{self, Trouble};
use crate::steps::{Lang, Step};

/// The step that takes another build and another run: only where it is asked for, or the steps before it pass.
const DATADOG: &str = "datadog-sdk";

pub(super) fn check(
    place: &Place,
    words: &[String],
    json: bool,
    keep_going: bool,
    lang: Option<Lang>,
) -> Result<u8, String> {
    let (name, steps) = place.backend_and_steps(words)?;
    let asked_for = !steps.is_empty();
    let steps = if asked_for { steps } else { place.steps.all().iter().collect() };
    let runtime = Runtime::new().map_err(|error| format!("no threads can be started: {error}"))?;
    let lang = lang.unwrap_or_else(|| place.language(&name));
    let judged = runtime.block_on(run::unless_interrupted(judge(place, &name, lang, keep_going, &steps)));
    match judged.and_then(|report| report) {
        Ok(report) => {
            if json {
                anstream::println!("{}", report::json(&report));
            } else {
                anstream::print!("{}", report::text(&report));
            }
            Ok(report.exit_status(asked_for))
        }
        Err(trouble) => {
            Err(format!("backend-{name} could not be judged: {}. {}", trouble.seen(), trouble.cause()))
        }
    }
}

/// Builds and runs the backend, and judges it by `steps`.
///
/// # Errors
///
/// Where there is no verdict: it does not build, or this machine refuses.
pub(super) async fn judge(
    place: &Place,
    name: &str,
    lang: Lang,
    keep_going: bool,
    steps: &[&Step],
) -> Result<Report, Trouble> {
    let folder = place.folder(name);
    let built = run::build(&folder).await?;
    let mut backend = run::backend(&built, &folder);
    // Most attendees have no account: who does not ask for it, and has not begun, is told no more than that.
    let files =
        deployment::read(&place.root, name).map_err(|error| Trouble::Machine(io::Error::other(error)))?;
    let is_asked_for = steps.len() < place.steps.all().len();
    backend.deployment = (is_asked_for || deployment::is_begun(&files, name)).then_some(files);
    let mut outcome = run::gather(&backend, &built.executable).await;
    if let Ok(evidence) = &mut outcome
        && steps.iter().any(|step| step.id == DATADOG)
        && (steps.len() == 1 || checks::passes_without_datadog(evidence))
    {
        evidence.datadog = Some(run::gather_datadog(&backend, &folder).await);
    }
    match outcome {
        Err(trouble) if !trouble.is_of_the_service() => Err(trouble),
        outcome => {
            let guide = place.root.join(crate::guide::FOLDER);
            let report = Report::new(&built.name, lang, keep_going, guide, steps, &outcome, &place.steps);
            // For the console; who has none does without.
            let _ = report::keep(&report, &place.report(name));
            Ok(report)
        }
    }
}

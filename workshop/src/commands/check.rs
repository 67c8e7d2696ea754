//! `check`: builds, runs, judges.

use std::io;

use anyhow::{Context, Result, bail};
use tokio::runtime::Runtime;

use super::first_build;
use super::place::Place;
use crate::checks;
use crate::deployment;
use crate::report::{self, Report};
use crate::run::{self, Trouble};
use crate::steps::{Kind, Lang, Step};

/// The step that takes further runs, with collectors that are down, hang or refuse.
const DELIVERY: &str = "delivery";

/// The steps that are to be judged.
pub(super) struct Asked<'a> {
    steps: Vec<&'a Step>,
    /// Whether the user named them.
    by_name: bool,
}

impl<'a> Asked<'a> {
    /// The steps that a plain check judges: all but the optional ones.
    pub(super) fn required(place: &'a Place) -> Self {
        Self { steps: place.steps.required(), by_name: false }
    }

    /// Whether a step is judged that takes another build and another run.
    fn has_feature(&self) -> bool {
        self.steps.iter().any(|step| step.kind == Kind::BuildFeature)
    }

    /// How many steps are judged.
    pub(super) fn count(&self) -> usize {
        self.steps.len()
    }
}

pub(super) fn check(
    place: &Place,
    words: &[String],
    json: bool,
    keep_going: bool,
    lang: Option<Lang>,
) -> Result<u8> {
    let (name, steps) = place.backend_and_steps(words)?;
    let asked = match steps.is_empty() {
        true => Asked::required(place),
        false => Asked { steps, by_name: true },
    };
    let runtime = Runtime::new().context("cannot start threads")?;
    let lang = lang.unwrap_or_else(|| place.language(&name));
    let judged = runtime.block_on(run::unless_interrupted(judge(place, &name, lang, keep_going, &asked)));
    match judged.and_then(|report| report) {
        Ok(report) => {
            if json {
                anstream::println!("{}", report::json(&report));
            } else {
                anstream::print!("{}", report::text(&report));
            }
            Ok(report.exit_status(asked.by_name))
        }
        Err(trouble) => bail!("cannot check backend-{name}: {}. {}", trouble.seen(), trouble.cause()),
    }
}

/// Builds and runs the backend, and judges the steps of `asked`.
///
/// # Errors
///
/// Where there is no verdict: it does not build, or this machine refuses.
pub(super) async fn judge(
    place: &Place,
    name: &str,
    lang: Lang,
    keep_going: bool,
    asked: &Asked<'_>,
) -> Result<Report, Trouble> {
    let folder = place.folder(name);
    first_build::announce(&format!("backend-{name}"));
    let built = run::build(&folder).await?;
    let mut backend = run::backend(&built, &folder);
    // Most attendees have no AWS account: without files of their own, the deployment is judged only if it is named.
    let files = deployment::read(&place.root, name)
        .map_err(|error| Trouble::Machine(io::Error::other(format!("{:#}", anyhow::Error::from(error)))))?;
    backend.deployment = (asked.by_name || deployment::is_begun(&files, name)).then_some(files);
    let mut outcome = run::gather(&backend, &built.executable).await;
    if let Ok(evidence) = &mut outcome
        && asked.has_feature()
        && (asked.count() == 1 || checks::passes_without_datadog(evidence))
    {
        evidence.datadog = Some(run::gather_datadog(&backend, &folder).await);
    }
    if let Ok(evidence) = &mut outcome
        && asked.steps.iter().any(|step| step.id == DELIVERY)
    {
        evidence.delivery = Some(run::gather_delivery(&backend, &built.executable).await);
    }
    match outcome {
        Err(trouble) if !trouble.is_of_the_service() => Err(trouble),
        outcome => {
            let guide = place.root.join(crate::guide::FOLDER);
            let report =
                Report::new(&built.name, lang, keep_going, guide, &asked.steps, &outcome, &place.steps);
            // For the console; who has none does without.
            let _ = report::keep(&report, &place.report(name));
            Ok(report)
        }
    }
}

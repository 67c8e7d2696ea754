//! Runs the examples in other languages, and a program that is instrumented without a line of code.
//! `.ci/run examples` installs what they need: Go, Python with the packages of
//! `examples/python/requirements.txt`, and Node with those of `node/package-lock.json`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod console;
mod node;
#[path = "../shared/console.rs"]
mod shared;
mod states;

use std::path::{Path, PathBuf};
use std::time::Duration;

use workshop::checks;
use workshop::evidence::Evidence;
use workshop::run::{self, CommandLine, Program};
use workshop::verdict::Expectation;

/// For the first start, which compiles.
const START_TIMEOUT: Duration = Duration::from_secs(120);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What `command` does in `folder`.
fn evidence(command: &str, folder: &Path) -> Evidence {
    let command = CommandLine::parse(command, folder, START_TIMEOUT).unwrap();
    let backend = run::command_backend(&command);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gathered = runtime.block_on(run::gather(&backend, &Program::Command(command)));
    gathered.unwrap_or_else(|error| panic!("in {}: {error}", folder.display()))
}

/// The expectations of the step with this id that `evidence` does not meet.
fn failures(step: &str, evidence: &Evidence) -> Vec<Expectation> {
    let expectations = checks::judge(step, evidence).unwrap();
    expectations.into_iter().filter(|expectation| !expectation.is_met()).collect()
}

/// What was expected and what was seen, for a panic.
fn report(failures: &[Expectation]) -> String {
    let report = failures.iter().map(|Expectation { expected, failure, .. }| {
        let seen = failure.as_ref().map(|failure| failure.seen.to_string()).unwrap_or_default();
        format!("expected: {expected}\nseen: {seen}\n")
    });
    report.collect()
}

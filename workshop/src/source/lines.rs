//! The number of lines that an attendee types in each step.

use std::path::Path;

use similar::{ChangeTag, TextDiff};

use super::{Tree, derive, derive_example};
use crate::error::Result;
use crate::steps::{Kind, Lang, Step, Steps};

/// The lines that a step's answer adds to the state before it.
#[derive(Debug, Clone)]
pub struct TypedLines {
    /// The step.
    pub step: Step,
    /// Lines that are neither blank nor a comment.
    pub lines: usize,
}

impl TypedLines {
    /// Whether the step counts towards the sum: its answer is typed, and it is not optional.
    pub fn is_required(&self) -> bool {
        self.step.kind == Kind::Telemetry && !self.step.optional
    }
}

/// The number of lines to type in each step, by comparing the derived states. Generated files are left out:
/// the manifest, the lock file, the README and Cargo's configuration. The files of a deployment are not part
/// of these states, so a deployment step has no lines.
///
/// # Errors
///
/// The same as for [`derive()`].
pub fn typed_lines(root: &Path, steps: &Steps) -> Result<Vec<TypedLines>> {
    count(steps, |at| derive(root, steps, at, "backend-NAME", Lang::En))
}

/// The same for the example in `language`.
///
/// # Errors
///
/// As [`derive_example()`].
pub fn example_lines(root: &Path, steps: &Steps, language: &str) -> Result<Vec<TypedLines>> {
    count(steps, |at| derive_example(root, steps, at, language))
}

fn count(steps: &Steps, state: impl Fn(usize) -> Result<Tree>) -> Result<Vec<TypedLines>> {
    let mut counts = Vec::new();
    let mut before = None;
    for step in steps.all() {
        let after = state(step.number)?;
        let lines = before.as_ref().map_or(0, |before| added(before, &after));
        counts.push(TypedLines { step: step.clone(), lines });
        before = Some(after);
    }
    Ok(counts)
}

fn added(before: &Tree, after: &Tree) -> usize {
    let typed = after.files.keys().filter(|file| is_typed(file));
    typed.map(|file| added_to_file(before.text(file).unwrap_or_default(), after, file)).sum()
}

fn added_to_file(before: &str, after: &Tree, file: &Path) -> usize {
    let after = after.text(file).unwrap_or_default();
    let changes = TextDiff::from_lines(before, after);
    let is_added = |change: &similar::Change<&str>| change.tag() == ChangeTag::Insert;
    changes.iter_all_changes().filter(is_added).filter(|change| is_code(change.value(), file)).count()
}

fn is_typed(file: &Path) -> bool {
    let generated = ["Cargo.toml", "Cargo.lock", "README.md"];
    !file.starts_with(".cargo") && !generated.iter().any(|generated| file == Path::new(generated))
}

fn is_code(line: &str, file: &Path) -> bool {
    let comment = match file.extension().and_then(|extension| extension.to_str()) {
        Some("rs" | "go") => "//",
        Some("sql") => "--",
        _ => "#",
    };
    let line = line.trim();
    !line.is_empty() && !line.starts_with(comment)
}

//! `answer --lines`: the number of lines to type in each step.

use anyhow::Result;

use super::repository::Repository;
use crate::source::{TypedLines, typed_lines};
use crate::steps::Kind;

/// Prints the number of lines of each step, and the sum over the required steps.
pub(super) fn line_counts(repository: &Repository) -> Result<u8> {
    let counts = typed_lines(&repository.root, &repository.steps)?;
    anstream::println!("{:<20} {:>5}", "step", "lines");
    for TypedLines { step, lines } in &counts {
        let note = match step.kind {
            Kind::Deployment => "  (`cargo workshop infra` writes the files)",
            _ if step.optional => "  (optional)",
            _ => "",
        };
        anstream::println!("{:>2} {:<17} {lines:>5}{note}", step.number, step.id);
    }
    let required: Vec<&TypedLines> = counts.iter().filter(|count| count.is_required()).collect();
    let sum: usize = required.iter().map(|count| count.lines).sum();
    if let (Some(first), Some(last)) = (required.first(), required.last()) {
        let range = format!("steps {} to {}", first.step.number, last.step.number);
        anstream::println!("{range:<20} {sum:>5}");
    }
    Ok(0)
}

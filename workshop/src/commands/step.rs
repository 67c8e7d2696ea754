//! `step new`: creates the files of a new step.

use anyhow::{Context, Result};

use super::repository::Repository;
use crate::new_step;

/// Writes the files of a new step, and prints what to do with them.
pub(super) fn new(repository: &Repository, id: &str) -> Result<u8> {
    let tree = new_step::new_step(&repository.root, &repository.steps, id)?;
    let is_new = |file: &&std::path::PathBuf| !repository.root.join(file).exists();
    let new: Vec<_> = tree.files.keys().filter(is_new).cloned().collect();
    tree.write_to(&repository.root).context("cannot write the files of the new step")?;
    for file in tree.files.keys() {
        anstream::println!("{} {}", if new.contains(file) { "new    " } else { "changed" }, file.display());
    }
    anstream::println!(
        "
Step {id} was added as the last one. Next:
  1. Set kind, needs, title and hint in workshop/steps.toml.
  2. Mark its code in src/ with `// BEFORE {id}: // TODO {id}: …` above it, or list its files in workshop/steps.toml.
  3. Write its check, wrong answers as tests, and its chapters; link the chapters in the contents of the guide.
  cargo test -p workshop --test states missing    # lists what is still missing"
    );
    Ok(0)
}

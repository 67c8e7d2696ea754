//! `base`: writes `backend-base/` again from `src/`, and the examples' `before` from their `after`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::repository::Repository;
use crate::source::{self, EXAMPLES};
use crate::steps::Lang;

pub(super) fn base(repository: &Repository) -> Result<u8> {
    let folder = repository.folder("base");
    let tree = source::derive(&repository.root, &repository.steps, 0, "backend-base", Lang::En)?;
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove backend-base")?;
    }
    tree.write_to(&folder).context("cannot write backend-base")?;
    // The root's versions; Cargo leaves out what only the root's other packages and tests need.
    fs::copy(repository.root.join("Cargo.lock"), folder.join("Cargo.lock"))
        .context("cannot copy Cargo.lock to backend-base")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["update", "--workspace", "--offline", "--quiet"])
        .current_dir(&folder)
        .status()
        .context("cannot start `cargo update`")?;
    if !status.success() {
        bail!("`cargo update` could not write backend-base/Cargo.lock; see its messages above");
    }
    anstream::println!("backend-base was written from src/.");
    for language in EXAMPLES {
        write_before(repository, language)?;
        anstream::println!("examples/{language}/before was written from examples/{language}/after.");
    }
    Ok(0)
}

/// Writes the example as it is without telemetry.
fn write_before(repository: &Repository, language: &str) -> Result<()> {
    let folder = repository.root.join("examples").join(language).join("before");
    let tree = source::derive_example(&repository.root, &repository.steps, 0, language)?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    tree.write_to(&folder).with_context(|| format!("cannot write {}", folder.display()))
}

//! Work is never lost: what is taken away lies under `.workshop/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::repository::Repository;

/// Moves the folder of `name`, where there is one, to `.workshop/NAME/N`, and gives that place.
pub(super) fn back_up(repository: &Repository, name: &str) -> Result<PathBuf> {
    let backup = next(repository, name)?;
    if repository.folder(name).exists() {
        rename(&repository.folder(name), &backup)?;
    }
    Ok(backup)
}

/// The same with all that is in the folder, which itself stays where it is: a shell or an editor may be in it.
pub(super) fn back_up_content(repository: &Repository, name: &str) -> Result<PathBuf> {
    let backup = next(repository, name)?;
    move_content(&repository.folder(name), &backup)?;
    Ok(backup)
}

/// Moves what is in `from` into `to`, which is made where it is missing.
pub(super) fn move_content(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let unreadable = || format!("cannot read {}", from.display());
    for entry in fs::read_dir(from).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        rename(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// `.workshop/NAME/N`, where nothing lies so far.
fn next(repository: &Repository, name: &str) -> Result<PathBuf> {
    let backup = repository.root.join(".workshop").join(name);
    let numbers = fs::read_dir(&backup).into_iter().flatten().flatten();
    let last = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    fs::create_dir_all(&backup).with_context(|| format!("cannot create {}", backup.display()))?;
    Ok(backup.join((last.unwrap_or(0) + 1).to_string()))
}

/// Renames a file or a folder.
pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot move {} to {}", from.display(), to.display()))
}

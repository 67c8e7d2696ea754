//! Work is never lost: removed files are kept under `.workshop/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::repository::Repository;

/// Moves the folder of `name`, if it exists, to `.workshop/NAME/N`, and returns that path.
pub(super) fn back_up(repository: &Repository, name: &str) -> Result<PathBuf> {
    let backup = next(repository, name)?;
    if repository.folder(name).exists() {
        rename(&repository.folder(name), &backup)?;
    }
    Ok(backup)
}

/// Moves only the content of the folder. The folder itself stays, because a shell or an editor may be open in
/// it.
pub(super) fn back_up_content(repository: &Repository, name: &str) -> Result<PathBuf> {
    let backup = next(repository, name)?;
    move_content(&repository.folder(name), &backup)?;
    Ok(backup)
}

/// Moves the content of `from` to `to`, which is created if it does not exist.
pub(super) fn move_content(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let unreadable = || format!("cannot read {}", from.display());
    for entry in fs::read_dir(from).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        rename(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The first `.workshop/NAME/N` that does not exist yet.
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

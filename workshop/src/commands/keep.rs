//! Work is never lost: what is taken away lies under `.workshop/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::place::Place;

/// Moves the folder of `name` to `.workshop/NAME/N`, and gives that place.
pub(super) fn keep(place: &Place, name: &str) -> Result<PathBuf, String> {
    let kept = place.root.join(".workshop").join(name);
    let numbers = fs::read_dir(&kept).into_iter().flatten().flatten();
    let last = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    let place_for_it = kept.join((last.unwrap_or(0) + 1).to_string());
    fs::create_dir_all(&kept).map_err(|error| format!("{} cannot be made: {error}", kept.display()))?;
    rename(&place.folder(name), &place_for_it)?;
    Ok(place_for_it)
}

/// Renames a folder.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), String> {
    fs::rename(from, to)
        .map_err(|error| format!("{} cannot be moved to {}: {error}", from.display(), to.display()))
}

//! Saves of a backend's files.

use std::path::Path;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Editors write a file in several strokes; what follows begins when they are over.
pub(super) const STROKES: Duration = Duration::from_millis(200);

/// Calls `saved` at every change of a file, as long as the watcher lives.
pub(super) fn watch(
    folder: &Path,
    mut saved: impl FnMut() + Send + 'static,
) -> Result<RecommendedWatcher, String> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_change = |event: notify::Event| !matches!(event.kind, EventKind::Access(_) | EventKind::Other);
        if event.is_ok_and(is_change) {
            saved();
        }
    })
    .map_err(|error| format!("saves cannot be watched: {error}"))?;
    // Not the whole folder: a target folder in it may be large.
    for part in ["src", "Cargo.toml", "migrations", "build.rs"] {
        let mode = if part == "src" { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        if folder.join(part).exists() {
            watcher
                .watch(&folder.join(part), mode)
                .map_err(|error| format!("{part} cannot be watched: {error}"))?;
        }
    }
    Ok(watcher)
}

//! Watches the files of a backend for saves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Editors write a file in several steps. This much time without a change means that the save is complete.
pub(super) const SAVE_DEBOUNCE: Duration = Duration::from_millis(200);

/// Reports every change of a file until it is dropped.
pub(super) struct SaveWatcher {
    folder: PathBuf,
    saved: Arc<dyn Fn() + Send + Sync>,
    watcher: RecommendedWatcher,
}

impl SaveWatcher {
    /// Calls `saved` at changes of the backend in `folder`.
    pub(super) fn watch(folder: &Path, saved: impl Fn() + Send + Sync + 'static) -> Result<Self> {
        let saved: Arc<dyn Fn() + Send + Sync> = Arc::new(saved);
        Ok(Self { folder: folder.to_owned(), watcher: recommended(folder, Arc::clone(&saved))?, saved })
    }

    /// Watches the folders that exist now: `goto` and some editors replace folders, and the old ones report nothing.
    pub(super) fn renew(&mut self) {
        // If this fails, a folder is just being replaced, and the new one causes another event.
        if let Ok(watcher) = recommended(&self.folder, Arc::clone(&self.saved)) {
            self.watcher = watcher;
        }
    }
}

fn recommended(folder: &Path, saved: Arc<dyn Fn() + Send + Sync>) -> Result<RecommendedWatcher> {
    let parent = folder.parent().unwrap_or(folder).to_owned();
    // Events contain paths without symbolic links.
    let own = match (parent.canonicalize(), folder.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => folder.to_owned(),
    };
    let also = folder.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_change = |event: notify::Event| {
            !matches!(event.kind, EventKind::Access(_) | EventKind::Other)
                && event.paths.iter().any(|path| path.starts_with(&own) || path.starts_with(&also))
        };
        if event.is_ok_and(is_change) {
            saved();
        }
    })
    .context("cannot watch files")?;
    // Only the parent folder reports that the folder itself was renamed or created again.
    watcher
        .watch(&parent, RecursiveMode::NonRecursive)
        .with_context(|| format!("cannot watch {}", parent.display()))?;
    // Not the whole folder: a target folder in it may be large.
    for part in ["", "src", "Cargo.toml", "migrations", "build.rs"] {
        let mode = if part == "src" { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        if folder.join(part).exists() {
            watcher
                .watch(&folder.join(part), mode)
                .with_context(|| format!("cannot watch {}", folder.join(part).display()))?;
        }
    }
    Ok(watcher)
}

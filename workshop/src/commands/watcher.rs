//! Watches the files of a backend, or of a program in any language, for saves.

mod snapshot;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use snapshot::Snapshot;

/// Editors write a file in several steps. This much time without a change means that the save is complete.
pub(super) const SAVE_DEBOUNCE: Duration = Duration::from_millis(200);

/// Which files are watched.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    /// The sources of a backend.
    Backend,
    /// All files that git does not ignore.
    AllFiles,
}

/// Reports every change of a file until it is dropped.
pub(super) struct SaveWatcher {
    folder: PathBuf,
    scope: Scope,
    saved: Saved,
    watcher: RecommendedWatcher,
}

type Saved = Arc<dyn Fn() + Send + Sync>;

impl SaveWatcher {
    /// Calls `saved` at changes of the files in `folder`.
    pub(super) fn watch(
        folder: &Path,
        scope: Scope,
        saved: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self> {
        let saved: Saved = Arc::new(saved);
        let watcher = scope.watcher(folder, Arc::clone(&saved))?;
        Ok(Self { folder: folder.to_owned(), scope, saved, watcher })
    }

    /// Watches the folders that exist now: `goto` and some editors replace folders, and the old ones report
    /// nothing.
    pub(super) fn renew(&mut self) {
        // If this fails, a folder is just being replaced, and the new one causes another event.
        if let Ok(watcher) = self.scope.watcher(&self.folder, Arc::clone(&self.saved)) {
            self.watcher = watcher;
        }
    }
}

impl Scope {
    fn watcher(self, folder: &Path, saved: Saved) -> Result<RecommendedWatcher> {
        match self {
            Self::Backend => watch_backend(folder, saved),
            Self::AllFiles => watch_all_files(folder, saved),
        }
    }
}

/// A change is a difference between two snapshots, so that changes of files that git ignores do not count.
fn watch_all_files(folder: &Path, saved: Saved) -> Result<RecommendedWatcher> {
    let before = Arc::new(Mutex::new(Snapshot::take(folder)));
    let folders = lock(&before).folders.clone();
    let root = folder.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| is_change(&event)) {
            let now = Snapshot::take(&root);
            let mut before = lock(&before);
            if *before != now {
                *before = now;
                saved();
            }
        }
    })
    .context("cannot watch files")?;
    for folder in folders {
        add(&mut watcher, &folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn lock(snapshot: &Mutex<Snapshot>) -> MutexGuard<'_, Snapshot> {
    snapshot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_change(event: &Event) -> bool {
    !matches!(event.kind, EventKind::Access(_) | EventKind::Other)
}

fn add(watcher: &mut RecommendedWatcher, path: &Path, mode: RecursiveMode) -> Result<()> {
    watcher.watch(path, mode).with_context(|| format!("cannot watch {}", path.display()))
}

fn watch_backend(folder: &Path, saved: Saved) -> Result<RecommendedWatcher> {
    let parent = folder.parent().unwrap_or(folder).to_owned();
    // Events contain paths without symbolic links.
    let own = match (parent.canonicalize(), folder.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => folder.to_owned(),
    };
    let also = folder.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let is_own = |path: &PathBuf| path.starts_with(&own) || path.starts_with(&also);
        if event.is_ok_and(|event| is_change(&event) && event.paths.iter().any(is_own)) {
            saved();
        }
    })
    .context("cannot watch files")?;
    // Only the parent folder reports that the folder itself was renamed or created again.
    add(&mut watcher, &parent, RecursiveMode::NonRecursive)?;
    // Not the whole folder: a target folder in it may be large.
    for part in ["", "src", "Cargo.toml", "migrations", "build.rs"] {
        let mode = if part == "src" { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        if folder.join(part).exists() {
            add(&mut watcher, &folder.join(part), mode)?;
        }
    }
    Ok(watcher)
}

//! The files of a program in any language, and when they were written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ignore::WalkBuilder;

/// Folders in which tools write, also if git does not ignore them.
const TOOL_FOLDERS: [&str; 7] =
    [".git", ".venv", ".workshop", "__pycache__", "node_modules", "target", "venv"];

/// All folders and files below a folder that git does not ignore.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) folders: Vec<PathBuf>,
    /// Each with the time of its last change and its length.
    files: BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
}

impl Snapshot {
    /// The files that exist now. A file that cannot be read is left out, because it is just being replaced.
    pub(super) fn take(folder: &Path) -> Self {
        let walk = WalkBuilder::new(folder)
            .hidden(false)
            .require_git(false)
            .sort_by_file_path(Path::cmp)
            .filter_entry(|entry| !TOOL_FOLDERS.iter().any(|folder| entry.file_name() == *folder))
            .build();
        let mut snapshot = Self { folders: Vec::new(), files: BTreeMap::new() };
        for entry in walk.filter_map(Result::ok) {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                snapshot.folders.push(entry.into_path());
            } else {
                snapshot.files.insert(entry.into_path(), (metadata.modified().ok(), metadata.len()));
            }
        }
        snapshot
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::fs;

    use super::Snapshot;

    #[test]
    fn a_snapshot_differs_after_a_save_and_not_after_a_change_of_what_git_or_a_tool_ignores() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let snapshot = || Snapshot::take(folder.path());
        write(".gitignore", "*.log\n/dist\n");
        write("main.go", "package main");
        let before = snapshot();
        for ignored in
            ["out.log", "dist/main.js", "node_modules/a/index.js", ".venv/b.py", "app/__pycache__/c.pyc"]
        {
            write(ignored, "");
        }
        // The folder `app` is new.
        let with_app = snapshot();
        assert_eq!(with_app.files, before.files);
        assert_eq!(with_app.folders.len(), before.folders.len() + 1);
        write("node_modules/a/index.js", "changed");
        write("out.log", "changed");
        assert_eq!(snapshot(), with_app);
        write("main.go", "package main // changed");
        assert_ne!(snapshot(), with_app);
        let with_change = snapshot();
        write("app/new.go", "");
        assert_ne!(snapshot(), with_change);
    }
}

//! The files of a folder, by their paths in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, Result};

/// The files of a folder, by their paths in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Content by path.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Tree {
    pub(crate) fn add(&mut self, path: &Path, text: String) {
        self.files.insert(path.to_owned(), text.into_bytes());
    }

    /// The text of a file; `None` if there is no such file, or it is not UTF-8.
    pub fn text(&self, path: &Path) -> Option<&str> {
        std::str::from_utf8(self.files.get(path)?).ok()
    }

    /// Writes the files below `folder`, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// A file cannot be written. The files before it were written.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        for (path, content) in &self.files {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        Ok(())
    }
}

/// The files below `root/folder`, as paths relative to `root`, sorted; hidden ones are left out.
pub(crate) fn files_below(root: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |source| Error::Read { path: root.join(folder), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join(folder)).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = folder.join(entry.file_name());
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(unreadable)?.is_dir() {
            files.extend(files_below(root, &path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

//! The files below `src/` that exist only from a later step on, and the `mod` lines that name them; files
//! that a later step replaces.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::steps::Steps;

/// The files that do not exist yet at a step.
pub(super) struct Files(HashSet<PathBuf>);

impl Files {
    /// The files below `src/` of all steps after `at`.
    ///
    /// # Errors
    ///
    /// A step lists a file that the repository at `root` does not have.
    pub(super) fn new(root: &Path, steps: &Steps, at: usize) -> Result<Self> {
        let mut files = HashSet::new();
        for step in &steps.all()[at + 1..] {
            for file in step.files.iter().map(PathBuf::from).filter(|file| file.starts_with("src")) {
                if !root.join(&file).is_file() {
                    let (id, file) = (&step.id, file.display());
                    let reason = format!("step '{id}' lists {file}, which does not exist");
                    return Err(Error::invalid("workshop/steps.toml", reason));
                }
                files.insert(file);
            }
        }
        Ok(Self(files))
    }

    pub(super) fn contains(&self, file: &Path) -> bool {
        self.0.contains(file)
    }

    /// The text of `file` without the `mod` lines of the left-out files, and without the doc comments and
    /// attributes directly above those lines.
    pub(super) fn without_mod_lines(&self, file: &Path, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let mut kept: Vec<&str> = Vec::new();
        for line in text.lines() {
            if module(line).is_some_and(|name| self.contains(&of_module(file, name))) {
                while kept.last().is_some_and(|above| is_attached(above)) {
                    kept.pop();
                }
            } else {
                kept.push(line);
            }
        }
        kept.iter().flat_map(|line| [line, "\n"]).collect()
    }
}

/// Where `file` is as it is after step `at`: below `workshop/before` until the step that replaces it, else at
/// its own place.
pub(super) fn version(root: &Path, steps: &Steps, at: usize, file: &Path) -> PathBuf {
    let later = steps.all()[at + 1..].iter();
    let mut before = later.map(|step| root.join("workshop/before").join(&step.id).join(file));
    before.find(|version| version.is_file()).unwrap_or_else(|| root.join(file))
}

/// The name in `mod NAME;`, with any visibility.
fn module(line: &str) -> Option<&str> {
    let declaration = line.trim().strip_suffix(';')?;
    let (visibility, name) = match declaration.strip_prefix("mod ") {
        Some(name) => ("", name),
        None => declaration.split_once(" mod ")?,
    };
    let is_visibility = visibility.is_empty() || visibility == "pub" || visibility.starts_with("pub(");
    is_visibility.then_some(name)
}

/// The file of module `name`, which `file` declares.
fn of_module(file: &Path, name: &str) -> PathBuf {
    let is_root = ["src/main.rs", "src/lib.rs"].iter().any(|root| file == Path::new(root));
    let folder = if is_root { PathBuf::from("src") } else { file.with_extension("") };
    folder.join(name).with_extension("rs")
}

/// Whether a line belongs to the item below it: a doc comment or an attribute.
fn is_attached(line: &str) -> bool {
    let code = line.trim_start();
    code.starts_with("///") || code.starts_with("#[")
}

//! The guide: Markdown in `workshop/guide`, one folder per language, with code from the source.
//!
//! [`sync`] fills in each Rust fence that follows a mark:
//!
//! ````text
//! <!-- code: client-spans src/main.rs let client = client.with -->
//! ```rust
//! …
//! ```
//! ````
//!
//! The mark names a step, a file of the backend as it is after that step, and the beginning of the item or
//! statement to show; without it, the whole file is shown. With `crate` instead of a step, the file is one of
//! the repository: `<!-- code: crate instrumentation/src/exception.rs pub(crate) fn record_on -->`.

mod excerpt;

use std::collections::HashMap;
use std::path::Path;

use crate::error::{Error, LineError, read_to_string};
use crate::source::{self, Tree};
use crate::steps::{Lang, Steps};

/// The folder of the guide, relative to the repository.
pub const FOLDER: &str = "workshop/guide";

const MARK: &str = "<!-- code: ";
const FENCE: &str = "```rust";
/// Instead of a step: the file is not part of the service.
const CRATE: &str = "crate";

/// Why there is no code for a mark.
#[derive(Debug, thiserror::Error)]
enum MarkError {
    #[error("expected `code: STEP FILE [ITEM]`")]
    Form,
    #[error("there is no {file} after step '{step}'")]
    NoFile { file: String, step: String },
    #[error("this code already exists before step '{step}'")]
    NotNew { step: String },
    #[error("expected {FENCE} on the next line")]
    NoFence,
    #[error("the fence is not closed")]
    OpenFence,
    #[error(transparent)]
    Excerpt(#[from] excerpt::ExcerptError),
    #[error(transparent)]
    Source(#[from] Error),
}

/// The states of the source, each derived when it is first needed.
pub struct Code<'a> {
    root: &'a Path,
    steps: &'a Steps,
    states: HashMap<usize, Tree>,
}

impl<'a> Code<'a> {
    /// The code of the repository at `root`.
    pub fn new(root: &'a Path, steps: &'a Steps) -> Self {
        Self { root, steps, states: HashMap::new() }
    }

    /// The code for a mark: `server-spans src/app.rs let router`.
    fn marked(&mut self, mark: &str) -> Result<String, MarkError> {
        let mut words = mark.splitn(3, ' ');
        let (Some(id), Some(file)) = (words.next(), words.next()) else {
            return Err(MarkError::Form);
        };
        if id == CRATE {
            let text = read_to_string(&self.root.join(file))?;
            return match words.next() {
                Some(item) => Ok(excerpt::item(&text, item)?),
                None => Ok(text),
            };
        }
        let step = self.steps.find(id)?.number;
        let missing = || MarkError::NoFile { file: file.to_owned(), step: id.to_owned() };
        let text = self.file(step, file)?.ok_or_else(missing)?;
        let before = match step {
            0 => None,
            _ => self.file(step - 1, file)?,
        };
        let shown = match words.next() {
            Some(item) => excerpt::item(&text, item)?,
            None => text,
        };
        // Without blank lines and indentation; otherwise, an item that was moved would look new.
        if before.is_some_and(|before| excerpt::contains(&before, &shown)) {
            return Err(MarkError::NotNew { step: id.to_owned() });
        }
        Ok(shown)
    }

    fn file(&mut self, step: usize, file: &str) -> Result<Option<String>, Error> {
        if !self.states.contains_key(&step) {
            let tree = source::derive(self.root, self.steps, step, "backend-NAME", Lang::En)?;
            self.states.insert(step, tree);
        }
        let content = self.states.get(&step).and_then(|tree| tree.files.get(Path::new(file)));
        Ok(content.map(|content| String::from_utf8_lossy(content).into_owned()))
    }
}

/// `chapter` with the current code of the source below its marks.
///
/// # Errors
///
/// There is no code for a mark.
pub fn sync(chapter: &str, code: &mut Code<'_>) -> Result<String, LineError> {
    let mut synced = String::with_capacity(chapter.len());
    let mut lines = chapter.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        synced.push_str(line);
        synced.push('\n');
        let Some(mark) = line.trim().strip_prefix(MARK).and_then(|mark| mark.strip_suffix(" -->")) else {
            continue;
        };
        let refuse = |error: MarkError| LineError::new(index + 1, format!("{mark}: {error}"));
        let shown = code.marked(mark).map_err(refuse)?;
        if lines.next().is_none_or(|(_, line)| line != FENCE) {
            return Err(refuse(MarkError::NoFence));
        }
        if !lines.any(|(_, line)| line == "```") {
            return Err(refuse(MarkError::OpenFence));
        }
        synced.push_str(&format!("{FENCE}\n{}\n```\n", shown.trim_end()));
    }
    Ok(synced)
}

//! The guide: Markdown in `workshop/guide`, a folder a language, with code that comes from the source.
//!
//! A fence of Rust under a mark is not typed: [`sync`] fills it in.
//!
//! ````text
//! <!-- code: client-spans src/main.rs let client = client.with -->
//! ```rust
//! …
//! ```
//! ````
//!
//! The mark names a step, a file of the backend as it is after that step, and the beginning of the item or statement that
//! is shown, without which it is the whole file. With `crate` instead of a step, it is a file of the repository as it is:
//! `<!-- code: crate instrumentation/src/exception.rs pub(crate) fn record_on -->`.

mod excerpt;

use std::collections::HashMap;
use std::path::Path;

use crate::source::{self, Tree};
use crate::steps::{Lang, Steps};

/// The folder of the guide, relative to the repository.
pub const FOLDER: &str = "workshop/guide";

const MARK: &str = "<!-- code: ";
const FENCE: &str = "```rust";
/// Instead of a step: the file is not one of the service.
const CRATE: &str = "crate";

/// The states of the source, derived when they are first asked for.
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

    /// What a mark asks for: `server-spans src/app.rs let router`.
    fn marked(&mut self, mark: &str) -> Result<String, String> {
        let mut words = mark.splitn(3, ' ');
        let (Some(id), Some(file)) = (words.next(), words.next()) else {
            return Err("a mark is `code: STEP FILE [ITEM]`".to_owned());
        };
        if id == CRATE {
            let text = std::fs::read_to_string(self.root.join(file))
                .map_err(|error| format!("{file} cannot be read: {error}"))?;
            return words.next().map_or(Ok(text.clone()), |item| excerpt::item(&text, item));
        }
        let step = self.steps.find(id)?.number;
        let text = self.file(step, file)?.ok_or_else(|| format!("there is no {file} after step {id}"))?;
        let before = match step {
            0 => None,
            _ => self.file(step - 1, file)?,
        };
        let shown = match words.next() {
            Some(item) => excerpt::item(&text, item)?,
            None => text,
        };
        // Blank lines and indentation aside, or an item that moved would seem new.
        if before.is_some_and(|before| excerpt::contains(&before, &shown)) {
            return Err(format!("it is there before step {id} already"));
        }
        Ok(shown)
    }

    fn file(&mut self, step: usize, file: &str) -> Result<Option<String>, String> {
        if !self.states.contains_key(&step) {
            let tree = source::derive(self.root, self.steps, step, "backend-NAME", Lang::En)?;
            self.states.insert(step, tree);
        }
        let content = self.states.get(&step).and_then(|tree| tree.files.get(Path::new(file)));
        Ok(content.map(|content| String::from_utf8_lossy(content).into_owned()))
    }
}

/// `chapter` with the code under its marks as the source has it now.
///
/// # Errors
///
/// `12: …`: the line of a mark, and why there is no code for it.
pub fn sync(chapter: &str, code: &mut Code<'_>) -> Result<String, String> {
    let mut synced = String::with_capacity(chapter.len());
    let mut lines = chapter.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        synced.push_str(line);
        synced.push('\n');
        let Some(mark) = line.trim().strip_prefix(MARK).and_then(|mark| mark.strip_suffix(" -->")) else {
            continue;
        };
        let refuse = |why: &str| format!("{}: {mark}: {why}", index + 1);
        let shown = code.marked(mark).map_err(|why| refuse(&why))?;
        if lines.next().is_none_or(|(_, line)| line != FENCE) {
            return Err(refuse(&format!("no {FENCE} follows")));
        }
        if !lines.any(|(_, line)| line == "```") {
            return Err(refuse("the fence is not closed"));
        }
        synced.push_str(&format!("{FENCE}\n{}\n```\n", shown.trim_end()));
    }
    Ok(synced)
}

//! The guide: Markdown in `workshop/guide`, one folder per language, with code from the source.
//!
//! [`sync`] fills in each fence that follows a mark:
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
//!
//! A file of an example in another language is named by its path in the repository, and the paragraph that
//! begins with the last words is shown: `<!-- code: errors examples/go/after/failure.go func newFailure -->`.

mod excerpt;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use crate::error::{Error, LineError, read_to_string};
use crate::source::{self, EXAMPLES, Tree};
use crate::steps::{Lang, Steps};

/// The folder of the guide, relative to the repository.
pub const FOLDER: &str = "workshop/guide";

/// The headings of level 3 below which a chapter has the same in each language. The console shows them as
/// tabs.
pub const LANGUAGES: [&str; 3] = ["Rust", "Go", "Python"];

const MARK: &str = "<!-- code: ";
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
    #[error("expected a file that ends in .rs, .go or .py")]
    NotCode,
    #[error("expected ```{0} on the next line")]
    NoFence(&'static str),
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
    /// By step, and by language if they are those of an example.
    states: HashMap<(usize, Option<&'static str>), Tree>,
}

/// The code for a mark.
struct Shown {
    /// What follows the opening backticks.
    fence: &'static str,
    text: String,
}

impl<'a> Code<'a> {
    /// The code of the repository at `root`.
    pub fn new(root: &'a Path, steps: &'a Steps) -> Self {
        Self { root, steps, states: HashMap::new() }
    }

    /// The code for a mark: `server-spans src/app.rs let router`.
    fn marked(&mut self, mark: &str) -> Result<Shown, MarkError> {
        let mut words = mark.splitn(3, ' ');
        let (Some(id), Some(file)) = (words.next(), words.next()) else {
            return Err(MarkError::Form);
        };
        let item = words.next();
        let (fence, excerpt): (_, fn(&str, &str) -> _) = match file.rsplit_once('.') {
            Some((_, "rs")) => ("rust", excerpt::item),
            Some((_, "go")) => ("go", excerpt::paragraph),
            Some((_, "py")) => ("python", excerpt::paragraph),
            _ => return Err(MarkError::NotCode),
        };
        let show = |text: String| match item {
            Some(item) => excerpt(&text, item),
            None => Ok(text),
        };
        if id == CRATE {
            let text = show(read_to_string(&self.root.join(file))?)?;
            return Ok(Shown { fence, text });
        }
        let step = self.steps.find(id)?.number;
        let missing = || MarkError::NoFile { file: file.to_owned(), step: id.to_owned() };
        let text = show(self.file(step, file)?.ok_or_else(missing)?)?;
        let before = match step {
            0 => None,
            _ => self.file(step - 1, file)?,
        };
        // Without blank lines and indentation; otherwise, an item that was moved would look new.
        if before.is_some_and(|before| excerpt::contains(&before, &text)) {
            return Err(MarkError::NotNew { step: id.to_owned() });
        }
        Ok(Shown { fence, text })
    }

    /// A file as it is after `step`: of the backend, or of an example.
    fn file(&mut self, step: usize, file: &str) -> Result<Option<String>, Error> {
        let in_example = EXAMPLES.into_iter().find_map(|language| {
            Some((language, file.strip_prefix("examples/")?.strip_prefix(language)?.strip_prefix("/after/")?))
        });
        let (language, file) = in_example.map_or((None, file), |(language, file)| (Some(language), file));
        let state = match self.states.entry((step, language)) {
            Entry::Occupied(state) => state.into_mut(),
            Entry::Vacant(state) => state.insert(match language {
                Some(language) => source::derive_example(self.root, self.steps, step, language)?,
                None => source::derive(self.root, self.steps, step, "backend-NAME", Lang::En)?,
            }),
        };
        Ok(state.text(Path::new(file)).map(str::to_owned))
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
        let Shown { fence, text } = code.marked(mark).map_err(refuse)?;
        if lines.next().is_none_or(|(_, line)| line.strip_prefix("```") != Some(fence)) {
            return Err(refuse(MarkError::NoFence(fence)));
        }
        if !lines.any(|(_, line)| line == "```") {
            return Err(refuse(MarkError::OpenFence));
        }
        synced.push_str(&format!("```{fence}\n{}\n```\n", text.trim_end()));
    }
    Ok(synced)
}

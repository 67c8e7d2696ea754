//! `TODO`s in the attendee's language.

use std::collections::HashMap;

/// Japanese by step and English text, as `workshop/todo.ja.toml` has them.
pub(super) struct Todos(HashMap<String, HashMap<String, String>>);

impl Todos {
    /// # Errors
    ///
    /// Where the file is not what it should be.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map(Self).map_err(|error| error.to_string())
    }

    /// `text` with each `// TODO step: …` translated; one that is not known stays as it is.
    pub(super) fn translate(&self, text: &str) -> String {
        let lines = text.lines().map(|line| {
            let translated = line.split_once("// TODO ").and_then(|(before, todo)| {
                let (step, english) = todo.split_once(": ")?;
                Some(format!("{before}// TODO {step}: {}", self.0.get(step)?.get(english)?))
            });
            translated.unwrap_or_else(|| line.to_owned()) + "\n"
        });
        lines.collect()
    }
}

//! `TODO`s in the attendee's language.

use std::collections::HashMap;

/// Japanese by step and English text, as `workshop/todo.ja.toml` has them.
pub(super) struct Todos(HashMap<String, HashMap<String, String>>);

impl Todos {
    /// # Errors
    ///
    /// The file is not valid.
    pub(super) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text).map(Self)
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

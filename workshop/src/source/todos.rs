//! `TODO`s in the attendee's language.

use std::collections::HashMap;

/// The table in `workshop/todo.ja.toml`: Japanese by step and English text.
pub(super) struct Todos(HashMap<String, HashMap<String, String>>);

impl Todos {
    /// # Errors
    ///
    /// The file is not valid.
    pub(super) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text).map(Self)
    }

    /// `text` with each `// TODO step: …` translated. One that is not in the table stays English.
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

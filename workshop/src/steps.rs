//! The steps of the hands-on, as `workshop/steps.toml` lists them.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// The file, relative to the repository.
const FILE: &str = "workshop/steps.toml";

/// The language of titles, hints and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
#[allow(missing_docs)]
pub enum Lang {
    #[default]
    En,
    Ja,
}

impl Lang {
    /// As `--lang` takes it: `en`, `ja`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }
}

/// A text in each language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Text {
    pub en: String,
    pub ja: String,
}

impl Text {
    /// The text in `lang`.
    pub fn in_(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => self.en.trim_end(),
            Lang::Ja => self.ja.trim_end(),
        }
    }
}

/// A step of the hands-on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its place in the order, from 0.
    #[serde(skip)]
    pub number: usize,
    /// `first-span`; the name of its regions in `src/`.
    pub id: String,
    /// Ids of the steps without which it cannot pass.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What the attendee does.
    pub title: Text,
    /// What to try.
    pub hint: Text,
    /// The guide's chapter: a file name without language, `02-first-span.md`.
    pub chapter: String,
    /// Files of its own, which stand at the root for the finished service, and in a backend from this step on.
    #[serde(default)]
    pub files: Vec<String>,
}

/// All steps.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    step: Vec<Step>,
}

impl Steps {
    /// Reads `workshop/steps.toml` of the repository at `root`.
    ///
    /// # Errors
    ///
    /// In words for people: the file cannot be read or understood, or a step needs one that does not come before it.
    pub fn load(root: &Path) -> Result<Self, String> {
        let path = root.join(FILE);
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut steps: Self = toml::from_str(text).map_err(|error| format!("{FILE}: {error}"))?;
        for (number, step) in steps.step.iter_mut().enumerate() {
            step.number = number;
        }
        for step in &steps.step {
            for needed in &step.needs {
                if !steps.step[..step.number].iter().any(|before| before.id == *needed) {
                    return Err(format!("{FILE}: {} needs {needed}, which is no step before it", step.id));
                }
            }
        }
        Ok(steps)
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Step] {
        &self.step
    }

    /// The step with this id or number.
    ///
    /// # Errors
    ///
    /// That there is none, and which there are.
    pub fn find(&self, text: &str) -> Result<&Step, String> {
        let number = text.parse().ok();
        self.step.iter().find(|step| step.id == text || Some(step.number) == number).ok_or_else(|| {
            let known: Vec<String> =
                self.step.iter().map(|step| format!("{} {}", step.number, step.id)).collect();
            format!("{text} is no step; there are: {}", known.join(", "))
        })
    }
}

//! The steps of the workshop, from `workshop/steps.toml`.

use std::path::Path;

use serde::Deserialize;

use crate::error::{self, Error, Result};
use crate::messages::Message;
use crate::text;

/// The file, relative to the repository.
const FILE: &str = "workshop/steps.toml";

/// The similarity, from 0 to 1, at which a value counts as mistyped: one or two wrong letters.
const MIN_SIMILARITY: f32 = 0.7;

/// The language of titles, hints and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Lang {
    #[default]
    En,
    Ja,
}

impl Lang {
    /// The value of `--lang`: `en` or `ja`.
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

/// What the answer to a step consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Code that makes the service emit telemetry, or a file that uses it.
    Telemetry,
    /// Files that deploy the backend to ECS.
    Deployment,
    /// Code behind a Cargo feature, so that the check needs a build of its own.
    BuildFeature,
}

/// A step of the workshop.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its number, counted from 0.
    #[serde(skip)]
    pub number: usize,
    /// The id, such as `first-span`; also the name of its regions in `src/`.
    pub id: String,
    /// What its answer consists of.
    pub kind: Kind,
    /// Whether it is checked only if it is named.
    #[serde(default)]
    pub optional: bool,
    /// Ids of the steps that must pass before this one can.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What the attendee does in this step.
    pub title: Text,
    /// What to try in a backend if the step fails.
    pub hint: Text,
    /// What to try in a program in any language; `None` if only a backend can be checked.
    pub hint_any: Option<Text>,
    /// Its chapter in the guide, without the folder of the language: `02-first-span.md`.
    pub chapter: String,
    /// Files that exist only from this step on: below `src/`, or at the root of the repository.
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
    /// The file cannot be read, is not valid, or a step needs one that does not come before it.
    pub fn load(root: &Path) -> Result<Self> {
        let mut steps: Self = toml::from_str(&error::read_to_string(&root.join(FILE))?)
            .map_err(|error| Error::invalid(FILE, error))?;
        for (number, step) in steps.step.iter_mut().enumerate() {
            step.number = number;
        }
        for step in &steps.step {
            for needed in &step.needs {
                if !steps.step[..step.number].iter().any(|before| before.id == *needed) {
                    let reason =
                        format!("step '{}' needs '{needed}', which is not a step before it", step.id);
                    return Err(Error::invalid(FILE, reason));
                }
            }
        }
        Ok(steps)
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Step] {
        &self.step
    }

    /// The steps that are checked if none is named: all that are not optional.
    pub fn required(&self) -> Vec<&Step> {
        self.step.iter().filter(|step| !step.optional).collect()
    }

    /// The step with this id or number.
    ///
    /// # Errors
    ///
    /// There is no such step: the message lists all of them, and suggests the one with the most similar id.
    pub fn find(&self, text: &str) -> Result<&Step> {
        let number = text.parse().ok();
        self.step.iter().find(|step| step.id == text || Some(step.number) == number).ok_or_else(|| {
            let known: Vec<String> =
                self.step.iter().map(|step| format!("{} {}", step.number, step.id)).collect();
            let ids: Vec<&str> = self.step.iter().map(|step| step.id.as_str()).collect();
            let (known, similar) = (known.join(", "), did_you_mean(text, &ids));
            Error::value(text, "STEP", text!("expected a step: {known}{similar}", known, similar))
        })
    }
}

/// `; did you mean 'server-spans'?` with the most similar of `candidates`; empty if none is similar.
pub(crate) fn did_you_mean(word: &str, candidates: &[&str]) -> Message {
    let closest = similar::get_close_matches(word, candidates, 1, MIN_SIMILARITY);
    match closest.first() {
        Some(closest) => text!("; did you mean '{closest}'?", closest = *closest),
        None => Message::verbatim(""),
    }
}

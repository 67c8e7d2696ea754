//! Finds what is missing for a step.

use std::fs;
use std::path::Path;

use super::{CHAPTERS, TESTS};
use crate::error::{Error, Result, read_to_string};
use crate::steps::{Kind, Lang, Step, Steps};
use crate::{checks, guide, source};

/// What is missing for each step, as `STEP: WHAT`: its check, its chapter in each language, a `TODO` or a
/// file, or a test with a wrong answer.
///
/// # Errors
///
/// A file of the repository at `root` cannot be read, or the states of the source cannot be derived.
pub fn missing(root: &Path, steps: &Steps) -> Result<Vec<String>> {
    let todos = todos(root, steps)?;
    let tests = texts(&root.join(TESTS), "rs")?;
    let mut missing = Vec::new();
    for step in steps.all() {
        let id = &step.id;
        let mut lacks = |what: String| missing.push(format!("{id}: {what}"));
        if !checks::ids().any(|check| check == id) {
            lacks("workshop/src/checks.rs has no check of this id".to_owned());
        }
        for (lang, _) in CHAPTERS {
            let chapter = Path::new(guide::FOLDER).join(lang.code()).join(&step.chapter);
            if !root.join(&chapter).is_file() {
                lacks(format!("{} does not exist", chapter.display()));
            }
        }
        if needs_code(step) && step.files.is_empty() && !todos.contains(&format!("// TODO {id}: ")) {
            lacks(format!(
                "no `// BEFORE {id}: // TODO {id}: …` in src/, and no `files` in workshop/steps.toml"
            ));
        }
        if !tests.contains(&format!("\"{id}\"")) {
            lacks(format!("no wrong answer among the tests in {TESTS}"));
        }
    }
    Ok(missing)
}

/// Step 0 needs no code, and `infra` adds the files of a deployment.
fn needs_code(step: &Step) -> bool {
    step.number > 0 && step.kind != Kind::Deployment
}

/// The source of all states, in one text.
fn todos(root: &Path, steps: &Steps) -> Result<String> {
    let mut text = String::new();
    for step in steps.all() {
        let tree = source::derive(root, steps, step.number, "backend-NAME", Lang::En)?;
        text.extend(tree.files.keys().filter_map(|file| tree.text(file)));
    }
    Ok(text)
}

/// The files in a folder with this extension, in one text, except `main.rs`, which lists all ids.
fn texts(folder: &Path, extension: &str) -> Result<String> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    let mut text = String::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|found| found == extension) && !path.ends_with("main.rs") {
            text.push_str(&read_to_string(&path)?);
        }
    }
    Ok(text)
}

//! The files of a step: creates those of a new one, and finds missing ones.

mod insert;
mod missing;

use std::path::Path;

use crate::error::{Error, Result, read_to_string};
use crate::guide;
use crate::source::Tree;
use crate::steps::{Lang, Steps};

pub use missing::missing;

const CHECK: &str = include_str!("../data/new-step/check.rs");
const TEST: &str = include_str!("../data/new-step/test.rs");
const CHAPTERS: [(Lang, &str); 2] = [
    (Lang::En, include_str!("../data/new-step/chapter.en.md")),
    (Lang::Ja, include_str!("../data/new-step/chapter.ja.md")),
];

const STEPS: &str = "workshop/steps.toml";
const CHECKS: &str = "workshop/src/checks";
const TABLE: &str = "workshop/src/checks.rs";
const TESTS: &str = "workshop/tests/checks";

/// The new and changed files for a new step `id`, which becomes the last one.
///
/// # Errors
///
/// The id is not allowed or already used, one of its files already exists, or a file to change has an
/// unexpected form.
pub fn new_step(root: &Path, steps: &Steps, id: &str) -> Result<Tree> {
    refuse(steps, id)?;
    let module = id.replace('-', "_");
    let number = steps.all().len();
    let title = title(id);
    let chapter = format!("{number:02}-{id}.md");
    let fill = |template: &str| {
        let words = [("NUMBER", number.to_string()), ("TITLE", title.clone()), ("MODULE", module.clone())];
        let filled = words.iter().fold(template.to_owned(), |text, (word, value)| text.replace(word, value));
        // Last, because `ID` may be part of another word.
        filled.replace("`TODO ID`", &format!("`TODO {id}`")).replace("ID", id)
    };

    let mut tree = Tree::default();
    for (path, template) in [(format!("{CHECKS}/{module}.rs"), CHECK), (format!("{TESTS}/{module}.rs"), TEST)]
    {
        tree.add(Path::new(&path), fill(template));
    }
    for (lang, template) in CHAPTERS {
        tree.add(&Path::new(guide::FOLDER).join(lang.code()).join(&chapter), fill(template));
    }
    if let Some(there) = tree.files.keys().find(|file| root.join(file).exists()) {
        return Err(Error::value(id, "ID", format!("{} already exists", there.display())));
    }

    let read = |file: &str| read_to_string(&root.join(file));
    let checks = insert::module(&read(TABLE)?, &module)
        .and_then(|text| insert::row(&text, &format!("    (\"{id}\", Always({module}::judge)),\n")))
        .map_err(|error| Error::invalid(TABLE, error))?;
    tree.add(Path::new(TABLE), checks);
    let tests = format!("{TESTS}/main.rs");
    let text = insert::module(&read(&tests)?, &module).map_err(|error| Error::invalid(&tests, error))?;
    tree.add(Path::new(&tests), text);
    tree.add(Path::new(STEPS), read(STEPS)? + &entry(id, &title, &chapter));
    Ok(tree)
}

fn refuse(steps: &Steps, id: &str) -> Result<()> {
    let is_allowed = id.len() > 1
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        && !id.ends_with('-')
        && !id.contains("--");
    if !is_allowed {
        let expected = "expected lower-case letters, digits and single dashes, starting with a letter";
        return Err(Error::value(id, "ID", expected.to_owned()));
    }
    match steps.all().iter().find(|step| step.id == id) {
        Some(step) => Err(Error::value(id, "ID", format!("this is already step {}", step.number))),
        None => Ok(()),
    }
}

/// A first title: `Queue metrics` for `queue-metrics`.
fn title(id: &str) -> String {
    let words = id.replace('-', " ");
    words[..1].to_uppercase() + &words[1..]
}

fn entry(id: &str, title: &str, chapter: &str) -> String {
    format!(
        "
[[step]]
id = \"{id}\"
kind = \"telemetry\"
needs = [\"run\"]
chapter = \"{chapter}\"
title.en = \"{title}\"
title.ja = \"{title}\"
hint.en = \"What to use, and where.\"
hint.ja = \"使うものと場所を書きます。\"
"
    )
}

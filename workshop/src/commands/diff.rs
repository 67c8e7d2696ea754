//! `answer` and `diff`: two states of the folder, compared.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use similar::{ChangeTag, TextDiff};

use super::print;
use super::repository::Repository;
use crate::deployment;
use crate::source::{self, Tree};
use crate::steps::Lang;
use crate::text;

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const HEADING: Style = Style::new().bold();

/// Shows what a step adds to the state before it.
pub(super) fn answer(repository: &Repository, step: &str, lang: Option<Lang>) -> Result<u8> {
    let step = repository.steps.find(step)?;
    anstream::print!("{}", answer_to(repository, step.number, repository.output_language(lang))?);
    Ok(0)
}

/// The same, as text.
pub(super) fn answer_to(repository: &Repository, number: usize, lang: Lang) -> Result<String> {
    let state = |at| -> Result<Tree> {
        let mut tree = source::derive(&repository.root, &repository.steps, at, "backend-NAME", Lang::En)?;
        tree.files.extend(deployment::at(&repository.root, &repository.steps, "NAME", at)?.files);
        Ok(tree)
    };
    if number == 0 {
        return Ok(text!("This step needs no change: the base passes it as it is.").in_lang(lang) + "\n");
    }
    Ok(compare(&state(number - 1)?, &state(number)?, lang))
}

/// Shows what a backend has changed since the state `at`.
pub(super) fn diff(repository: &Repository, name: Option<&str>, at: &str, lang: Option<Lang>) -> Result<u8> {
    let name = repository.backend(name)?;
    let step = repository.steps.find(at)?;
    let package = format!("backend-{name}");
    let state = source::derive(
        &repository.root,
        &repository.steps,
        step.number,
        &package,
        repository.language(&name),
    )?;
    let mut own = Tree::default();
    read(&repository.folder(&name), Path::new(""), &mut own)?;
    let lang = lang.unwrap_or_else(|| repository.language(&name));
    let text = compare(&state, &own, lang);
    if text.is_empty() {
        let message = text!(
            "{package} does not differ from the state after step {number} {id}.",
            package,
            number = step.number,
            id = &step.id
        );
        print(lang, &message);
    }
    anstream::print!("{text}");
    Ok(0)
}

fn read(root: &Path, below: &Path, tree: &mut Tree) -> Result<()> {
    let folder = root.join(below);
    let unreadable = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(&folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let path = below.join(entry.file_name());
        if path == Path::new("target") || path == Path::new(".git") {
            continue;
        }
        if entry.file_type().with_context(unreadable)?.is_dir() {
            read(root, &path, tree)?;
        } else {
            tree.files.insert(path, fs::read(entry.path()).with_context(unreadable)?);
        }
    }
    Ok(())
}

/// A unified diff of all files, with colours.
fn compare(before: &Tree, after: &Tree, lang: Lang) -> String {
    let paths: BTreeSet<_> = before.files.keys().chain(after.files.keys()).collect();
    let mut text = String::new();
    for path in paths {
        let content = |tree: &Tree| {
            let text = String::from_utf8_lossy(tree.files.get(path).map_or(&[], Vec::as_slice)).into_owned();
            // Editors on Windows may save with CRLF, which changes nothing that anybody has written.
            text.replace("\r\n", "\n")
        };
        let (old, new) = (content(before), content(after));
        if old == new {
            continue;
        }
        let status = match (before.files.contains_key(path), after.files.contains_key(path)) {
            (false, _) => text!("new file"),
            (_, false) => text!("deleted"),
            _ => text!("changed"),
        };
        let status = status.in_lang(lang);
        text.push_str(&format!("{HEADING}{} ({status}){HEADING:#}\n", path.display()));
        for hunk in TextDiff::from_lines(&old, &new).unified_diff().context_radius(3).iter_hunks() {
            text.push_str(&format!("{}\n", hunk.header()));
            for change in hunk.iter_changes() {
                let line = change.value().trim_end_matches('\n');
                text.push_str(&match change.tag() {
                    ChangeTag::Insert => format!("{ADDED}+{line}{ADDED:#}\n"),
                    ChangeTag::Delete => format!("{REMOVED}-{line}{REMOVED:#}\n"),
                    ChangeTag::Equal => format!(" {line}\n"),
                });
            }
        }
        text.push('\n');
    }
    text
}

//! Checks for names of other backends, and for more than one account or region.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{CLUSTER, Files};
use crate::checks::assert::{Check, ensure, fail};
use crate::deployment::{self, PREFIXES, lists};
use crate::messages::Message;
use crate::text;

/// No file may name another backend, and all files must have the same account and region.
pub(super) fn are_of_one_backend(files: &Files) -> Check {
    let mut texts = Vec::new();
    for file in files.tree.files.keys().filter(|file| deployment::is_own(file, files.name)) {
        strings(&files.yaml(file)?, &mut |text| texts.push((file, text.to_owned())));
    }
    name_no_other(&texts, files)?;
    are_one(&texts, text!("Everything is in one account: repositories, roles and logs."), |text| {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.filter(|word| is_account(word)).map(str::to_owned).collect()
    })?;
    are_one(&texts, text!("Everything is in one region: repositories, roles and logs."), |text| {
        text.split(['.', ':', '/']).filter(|word| is_region(word)).map(str::to_owned).collect()
    })
}

fn name_no_other(texts: &[(&PathBuf, String)], files: &Files) -> Check {
    let lists = PREFIXES.iter().filter_map(|list| files.tree.text(Path::new(list)));
    let others: Vec<&str> = lists
        .flat_map(lists::names)
        .filter_map(|name| name.strip_prefix("backend-"))
        .filter(|other| *other != files.name)
        .collect();
    let of_all = ["handson-api", "handson-task", "handson-task-execution", CLUSTER];
    for (file, text) in texts {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        for word in words.filter(|word| !of_all.contains(word) && !is_name_of(word, files.name)) {
            ensure!(
                !others.iter().any(|other| is_name_of(word, other)),
                format!("{}: {text}", file.display()),
                text!("{word} belongs to another backend.", word)
            );
        }
    }
    Ok(())
}

/// Whether the word is a name that is derived from the name of a backend.
fn is_name_of(word: &str, name: &str) -> bool {
    let forms = ["handson-api-", "loadtest-handson-", "distribute-backend-", "backend-", "handson-"];
    let ends = ["", "-server-image", "-loadtest-image", "-github-actions", "-primary", "-canary"];
    let rest = |form: &&str| word.strip_prefix(*form)?.strip_prefix(name);
    forms.iter().filter_map(rest).any(|rest| ends.contains(&rest))
}

/// All values that `values` finds in the texts must be the same.
fn are_one(texts: &[(&PathBuf, String)], cause: Message, values: impl Fn(&str) -> Vec<String>) -> Check {
    let mut found =
        texts.iter().flat_map(|(file, text)| values(text).into_iter().map(move |value| (file, value)));
    let Some((first_file, first)) = found.next() else { return Ok(()) };
    match found.find(|(_, value)| *value != first) {
        None => Ok(()),
        Some((file, other)) => {
            fail(format!("{}: {first}\n{}: {other}", first_file.display(), file.display()), cause)
        }
    }
}

fn strings(value: &Value, take: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, take)),
        Value::Object(object) => object.values().for_each(|item| strings(item, take)),
        _ => {}
    }
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts[0].len() == 2
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()))
        && parts[parts.len() - 1].parse::<u8>().is_ok()
}

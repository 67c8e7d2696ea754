//! Names of other backends, and two values of what should be one.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{CLUSTER, Files, misread};
use crate::checks::words::{Wrong, wrong};
use crate::deployment::{self, PREFIXES, lists};

/// What every file says of others, and what they say of each other.
pub(super) fn others_are_named(files: &Files) -> Option<Wrong> {
    let own = files.tree.files.keys().filter(|file| deployment::is_own(file, files.name));
    let mut texts = Vec::new();
    for file in own {
        match deployment::yaml::<Value>(files.tree, file) {
            Ok(value) => strings(&value, &mut |text| texts.push((file, text.to_owned()))),
            Err(seen) => return Some(misread(seen)),
        }
    }
    let lists = PREFIXES.iter().filter_map(|list| files.tree.text(Path::new(list)));
    let others: Vec<&str> = lists
        .flat_map(lists::names)
        .filter_map(|name| name.strip_prefix("backend-"))
        .filter(|other| *other != files.name)
        .collect();
    let of_all = ["handson-api", "handson-task", "handson-task-execution", CLUSTER];
    for (file, text) in &texts {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        for word in words.filter(|word| !of_all.contains(word) && !is_of(word, files.name)) {
            if others.iter().any(|other| is_of(word, other)) {
                return wrong(
                    format!("{}: {text}", file.display()),
                    format!("{word} is of another backend."),
                );
            }
        }
    }
    differ("account", &texts, |text| {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| is_account(word))
            .map(str::to_owned)
            .collect()
    })
    .or_else(|| {
        differ("region", &texts, |text| {
            text.split(['.', ':', '/']).filter(|word| is_region(word)).map(str::to_owned).collect()
        })
    })
}

/// Whether the word is a name that follows from that of a backend.
fn is_of(word: &str, name: &str) -> bool {
    let forms = ["handson-api-", "loadtest-handson-", "distribute-backend-", "backend-", "handson-"];
    let ends = ["", "-server-image", "-loadtest-image", "-github-actions", "-primary", "-canary"];
    let rest = |form: &&str| word.strip_prefix(*form)?.strip_prefix(name);
    forms.iter().filter_map(rest).any(|rest| ends.contains(&rest))
}

/// Two values of what should be one.
fn differ(what: &str, texts: &[(&PathBuf, String)], values: impl Fn(&str) -> Vec<String>) -> Option<Wrong> {
    let mut found =
        texts.iter().flat_map(|(file, text)| values(text).into_iter().map(move |value| (file, value)));
    let (first_file, first) = found.next()?;
    let (file, other) = found.find(|(_, value)| *value != first)?;
    wrong(
        format!("{}: {first}\n{}: {other}", first_file.display(), file.display()),
        format!("One {what} has all of it: repositories, roles, logs."),
    )
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

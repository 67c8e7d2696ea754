//! The name of a backend: what is allowed, and why a name is refused.

use std::fs;

use super::repository::{FINISHED, Repository};
use crate::error::Error;
use crate::messages::Message;
use crate::text;

/// NAME from `NAME`, `backend-NAME` or `backend-NAME/`: the name of the folder works like the name of the
/// backend.
pub(super) fn plain(word: &str) -> &str {
    let word = word.trim_end_matches('/');
    word.strip_prefix("backend-").unwrap_or(word)
}

/// Whether `name` can be the name of a new backend.
///
/// # Errors
///
/// It cannot: the message says why, and what is allowed.
pub(super) fn validate(repository: &Repository, name: &str) -> Result<(), Error> {
    let refuse = |reason: Message| Err(Error::value(name, "NAME", reason));
    let is_allowed = (2..=15).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
        // The name of an ECR repository must not contain two dashes in a row.
        && !name.contains("--");
    if !is_allowed {
        return refuse(text!(
            "expected 2 to 15 lower-case letters, digits and single dashes, starting with a letter and not ending with a dash"
        ));
    }
    if name.starts_with("backend-") {
        return refuse(text!("the prefix 'backend-' is added automatically; leave it out"));
    }
    if ["base", "canary", FINISHED].contains(&name) {
        return refuse(text!("this name is reserved for the workshop; choose another one"));
    }
    if repository.steps.find(name).is_ok() {
        return refuse(text!(
            "this is the id of a step, which `check` could not distinguish from a name; choose another one"
        ));
    }
    let lock = fs::read_to_string(repository.root.join("Cargo.lock")).unwrap_or_default();
    if lock.lines().any(|line| line == format!("name = \"backend-{name}\"")) {
        return refuse(text!("the service depends on a package backend-{name}; choose another name", name));
    }
    let folder = repository.folder(name);
    if folder.symlink_metadata().is_ok() {
        let shown = repository.shown(&folder);
        return refuse(text!(
            "{shown} already exists; `cargo workshop remove {name}` moves it to .workshop/",
            shown,
            name
        ));
    }
    Ok(())
}

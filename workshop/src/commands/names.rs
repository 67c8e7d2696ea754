//! The name of a backend: what is allowed, and the words in which anything else is refused.

use std::fs;

use super::place::{FINISHED, Place};

/// NAME of `NAME`, `backend-NAME` and `backend-NAME/`: the folder's name is as good as the backend's.
pub(super) fn plain(word: &str) -> &str {
    let word = word.trim_end_matches('/');
    word.strip_prefix("backend-").unwrap_or(word)
}

/// Why `name` cannot be the name of a new backend.
pub(super) fn refusal(place: &Place, name: &str) -> Option<String> {
    let allowed = "2 to 15 lower-case letters, digits and single dashes, beginning with a letter and not ending with a dash";
    let is_allowed = (2..=15).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
        // A repository of ECR may not have two.
        && !name.contains("--");
    if !is_allowed {
        return Some(format!("{name:?} is no name for a backend; allowed: {allowed}"));
    }
    if name.starts_with("backend-") {
        return Some(format!(
            "{name:?} repeats the prefix of the folder, which is added by itself; allowed: {allowed}"
        ));
    }
    if ["base", "canary", FINISHED].contains(&name) {
        return Some(format!("{name} is taken by the workshop itself; choose another name: {allowed}"));
    }
    if place.steps.find(name).is_ok() {
        return Some(format!(
            "{name} is the id of a step, and `check {name}` would mean that; choose another name"
        ));
    }
    let lock = fs::read_to_string(place.root.join("Cargo.lock")).unwrap_or_default();
    if lock.lines().any(|line| line == format!("name = \"backend-{name}\"")) {
        return Some(format!("backend-{name} is a package that the service depends on; choose another name"));
    }
    let folder = place.folder(name);
    folder.symlink_metadata().is_ok().then(|| {
        let shown = place.shown(&folder);
        format!("{shown} exists already; `cargo workshop remove {name}` takes it away, and keeps it")
    })
}

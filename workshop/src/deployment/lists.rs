//! Lists of backends in Terraform: one name per line, sorted, so that two branches that add a name rarely
//! conflict.

use std::collections::BTreeSet;

/// A text that is not a list of backends.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// No line contains `]`.
    #[error("expected a list that ends with ']' on a line of its own")]
    NoEnd,
    /// There is something other than names between the brackets.
    #[error("expected one name per line, such as \"backend-sakura\", but found {0:?}")]
    NotAName(String),
}

/// The names in the list, in their order.
pub fn names(text: &str) -> Vec<&str> {
    text.lines().filter_map(name).collect()
}

/// The text with a line for `new`, each name once, sorted.
///
/// # Errors
///
/// The text is not a list.
pub fn with(text: &str, new: &str) -> Result<String, ListError> {
    arranged(text, Some(new))
}

/// The text with each name once, sorted.
///
/// # Errors
///
/// The text is not a list.
pub fn sorted(text: &str) -> Result<String, ListError> {
    arranged(text, None)
}

fn arranged(text: &str, new: Option<&str>) -> Result<String, ListError> {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().position(|line| line.trim() == "]").ok_or(ListError::NoEnd)?;
    let start = lines[..end].iter().position(|line| name(line).is_some()).unwrap_or(end);
    if let Some(other) = lines[start..end].iter().find(|line| name(line).is_none()) {
        return Err(ListError::NotAName((*other).to_owned()));
    }
    let names: BTreeSet<&str> = lines[start..end].iter().filter_map(|line| name(line)).chain(new).collect();
    let names = names.iter().map(|name| format!("    \"{name}\","));
    let all = lines[..start].iter().map(|line| (*line).to_owned()).chain(names);
    Ok(all.chain(lines[end..].iter().map(|line| (*line).to_owned())).map(|line| line + "\n").collect())
}

/// The text without the line of `old`.
pub fn without(text: &str, old: &str) -> String {
    text.lines().filter(|line| name(line) != Some(old)).map(|line| format!("{line}\n")).collect()
}

fn name(line: &str) -> Option<&str> {
    line.trim().strip_prefix('"')?.strip_suffix("\",")
}

//! Lists of backends in Terraform: one name a line, sorted, so that two branches that add one each seldom conflict.

use std::collections::BTreeSet;

/// The names in the list, in their order.
pub fn names(text: &str) -> Vec<&str> {
    text.lines().filter_map(name).collect()
}

/// The text with a line for `new`, each name once, sorted.
///
/// # Errors
///
/// Where there is no list.
pub fn with(text: &str, new: &str) -> Result<String, String> {
    arranged(text, Some(new))
}

/// The text with each name once, sorted.
///
/// # Errors
///
/// Where there is no list.
pub fn sorted(text: &str) -> Result<String, String> {
    arranged(text, None)
}

fn arranged(text: &str, new: Option<&str>) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let end =
        lines.iter().position(|line| line.trim() == "]").ok_or("there is no list: a name a line, then ]")?;
    let start = lines[..end].iter().position(|line| name(line).is_some()).unwrap_or(end);
    if let Some(other) = lines[start..end].iter().find(|line| name(line).is_none()) {
        return Err(format!(
            "between the names there is {other:?}; allowed is a name a line, as in \"backend-sakura\","
        ));
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

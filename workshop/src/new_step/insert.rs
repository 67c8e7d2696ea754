//! Inserts lines into a Rust file.

/// A file that has no place for the new line.
#[derive(Debug, thiserror::Error)]
pub(super) enum InsertError {
    #[error("expected at least one `mod` line")]
    NoModule,
    #[error("expected a table `static CHECKS` that ends with `];`")]
    NoTable,
}

/// `text` with `mod NAME;` among its other modules, in order.
pub(super) fn module(text: &str, name: &str) -> Result<String, InsertError> {
    let is_module = |line: &&str| line.starts_with("mod ") && line.ends_with(';');
    let new = format!("mod {name};");
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(&is_module).ok_or(InsertError::NoModule)?;
    let after = lines[..=last].iter().rposition(|line| is_module(line) && *line < new.as_str());
    let first = lines.iter().position(is_module).unwrap_or(last);
    lines.insert(after.map_or(first, |after| after + 1), &new);
    Ok(lines.join("\n") + "\n")
}

/// `text` with `row` at the end of the table of checks.
pub(super) fn row(text: &str, row: &str) -> Result<String, InsertError> {
    let (before, table) = text.split_once("static CHECKS").ok_or(InsertError::NoTable)?;
    let (rows, after) = table.split_once("\n];\n").ok_or(InsertError::NoTable)?;
    Ok(format!("{before}static CHECKS{rows}\n{row}];\n{after}"))
}

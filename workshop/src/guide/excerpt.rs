//! Extracts one item or statement from a Rust file that rustfmt has formatted, or one paragraph from a file
//! in another language.

use crate::source;

/// Why there is no such item.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExcerptError {
    #[error("expected one line that begins with this item, got {0}")]
    NotOne(usize),
    #[error("the end of this item was not found")]
    NoEnd,
}

/// The item or statement whose first line begins with `beginning`, with the comments and attributes above it,
/// without indentation.
///
/// # Errors
///
/// No line begins like this, or several do.
pub(super) fn item(text: &str, beginning: &str) -> Result<String, ExcerptError> {
    let lines: Vec<&str> = text.lines().collect();
    let start = start(&lines, beginning)?;
    let above = above(&lines, start, &["//", "#["]);
    let end = end(&lines, start).ok_or(ExcerptError::NoEnd)?;
    Ok(without_indentation(&lines[start - above..=end]))
}

/// The paragraph whose first line of code begins with `beginning`, with the comments and decorators above it,
/// without indentation: up to a blank line of its block, or the end of the block.
///
/// # Errors
///
/// No line begins like this, or several do.
pub(super) fn paragraph(text: &str, beginning: &str) -> Result<String, ExcerptError> {
    let lines: Vec<&str> = text.lines().collect();
    let start = start(&lines, beginning)?;
    let above = above(&lines, start, &["//", "#", "@"]);
    let length = source::paragraph(&lines[start..]);
    Ok(without_indentation(&lines[start - above..start + length]))
}

/// The line that begins with `beginning`.
fn start(lines: &[&str], beginning: &str) -> Result<usize, ExcerptError> {
    let begins = |index: &usize| lines[*index].trim_start().starts_with(beginning);
    let found: Vec<usize> = (0..lines.len()).filter(begins).collect();
    let [start] = found[..] else {
        return Err(ExcerptError::NotOne(found.len()));
    };
    Ok(start)
}

/// The number of lines directly above `start` that begin with one of `signs`.
fn above(lines: &[&str], start: usize, signs: &[&str]) -> usize {
    let belongs = |line: &&&str| {
        let code = line.trim_start();
        indentation(line) == indentation(lines[start]) && signs.iter().any(|sign| code.starts_with(sign))
    };
    lines[..start].iter().rev().take_while(belongs).count()
}

fn without_indentation(lines: &[&str]) -> String {
    let indent = lines.first().map_or(0, |line| indentation(line));
    let shown = lines.iter().map(|line| line.get(indent..).unwrap_or_default());
    shown.collect::<Vec<_>>().join("\n") + "\n"
}

/// Whether `text` contains `shown`, with any indentation.
pub(super) fn contains(text: &str, shown: &str) -> bool {
    let bare = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let (text, shown) = (bare(text), bare(shown));
    text.windows(shown.len()).any(|lines| lines == shown)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The line on which all brackets are closed and the statement or item ends. An element of a list ends with a
/// comma.
fn end(lines: &[&str], start: usize) -> Option<usize> {
    let ends: &[char] = if lines[start].ends_with(',') { &[','] } else { &[';', '}'] };
    let mut depth = 0i32;
    (start..lines.len()).find(|index| {
        let code = lines[*index].split("// ").next().unwrap_or_default().trim_end();
        for letter in code.chars() {
            match letter {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
        }
        depth <= 0 && code.ends_with(ends)
    })
}

//! `ANCHOR`, `ANCHOR_END` and `BEFORE`: which lines belong to a step.

use crate::error::LineError;
use crate::steps::Steps;

/// The text as it is after step `at`; `None` if no code is left.
///
/// # Errors
///
/// A marker is wrong.
pub(super) fn derive(text: &str, steps: &Steps, at: usize) -> Result<Option<String>, LineError> {
    let number = |id: &str, line: usize| {
        let step = steps.all().iter().find(|step| step.id == id);
        let unknown = || LineError::new(line, format!("'{id}' is not a step in workshop/steps.toml"));
        step.map(|step| step.number).ok_or_else(unknown)
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut kept: Vec<String> = Vec::new();
    let mut has_left_out = false;
    let mut index = 0;
    while let Some(&line) = lines.get(index) {
        let line_number = index + 1;
        let comment = line.trim_start();
        let hidden = open.iter().any(|(_, step)| *step > at);
        if let Some(id) = comment.strip_prefix(ANCHOR) {
            open.push((id, number(id, line_number)?));
            has_left_out = true;
        } else if let Some(id) = comment.strip_prefix(ANCHOR_END) {
            match open.pop() {
                Some((opened, _)) if opened == id => {}
                Some((opened, _)) => {
                    let reason = format!("expected ANCHOR_END of the open region '{opened}', got '{id}'");
                    return Err(LineError::new(line_number, reason));
                }
                None => {
                    return Err(LineError::new(
                        line_number,
                        format!("ANCHOR_END of '{id}' without its ANCHOR"),
                    ));
                }
            }
        } else if comment.starts_with(BEFORE) {
            let (id, _) = replacement(comment, line_number)?;
            let is_later = number(id, line_number)? > at;
            let indent = &line[..indentation(line)];
            while let Some(line) = lines.get(index).filter(|line| line.trim_start().starts_with(BEFORE)) {
                let (next, code) = replacement(line.trim_start(), index + 1)?;
                if next != id {
                    break;
                }
                if is_later && !hidden {
                    kept.push(format!("{indent}{code}"));
                }
                index += 1;
            }
            if is_later {
                index += paragraph(&lines[index..]);
            }
            continue;
        } else if !hidden {
            kept.push(line.to_owned());
        }
        index += 1;
    }
    if let Some((id, _)) = open.pop() {
        return Err(LineError::new(lines.len(), format!("the region '{id}' is not closed")));
    }
    let has_code = kept.iter().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
    if has_left_out && !has_code {
        return Ok(None);
    }
    Ok(Some(without_double_blanks(&kept)))
}

const ANCHOR: &str = "// ANCHOR: ";
const ANCHOR_END: &str = "// ANCHOR_END: ";
const BEFORE: &str = "// BEFORE ";

/// The step and the code of a `BEFORE` line.
fn replacement(comment: &str, line_number: usize) -> Result<(&str, &str), LineError> {
    let parts = comment.strip_prefix(BEFORE).and_then(|before| before.split_once(": "));
    parts.ok_or_else(|| LineError::new(line_number, "expected `// BEFORE STEP: CODE`"))
}

/// The length of the paragraph that a `BEFORE` directly above `lines` stands for: up to a blank line of this
/// block, or the end of the block. An attribute is a paragraph of its own, because the item below it exists
/// without it, too. A region has its own markers.
fn paragraph(lines: &[&str]) -> usize {
    let first = lines.first().map_or("", |line| line.trim());
    if first.is_empty() || first.starts_with(ANCHOR) {
        return 0;
    }
    if first.starts_with("#[") {
        return 1;
    }
    let indent = indentation(lines[0]);
    let ends = |index: &usize| match lines[*index].trim() {
        "" => {
            let next = lines[*index..].iter().find(|line| !line.trim().is_empty());
            next.is_none_or(|line| indentation(line) <= indent)
        }
        _ => indentation(lines[*index]) < indent,
    };
    (0..lines.len()).find(ends).unwrap_or(lines.len())
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Joins blank lines that follow each other, and removes them at the beginning and the end of a block.
fn without_double_blanks(lines: &[String]) -> String {
    let mut text = String::new();
    let mut previous: Option<&str> = None;
    for (index, line) in lines.iter().enumerate() {
        if line.trim().is_empty() {
            let opens = previous
                .is_none_or(|line| line.trim().is_empty() || line.trim_end().ends_with(['{', '(', '[']));
            let next = lines[index..].iter().find(|line| !line.trim().is_empty());
            let closes = next.is_none_or(|line| line.trim_start().starts_with(['}', ')', ']']));
            if opens || closes {
                continue;
            }
        }
        text.push_str(line);
        text.push('\n');
        previous = Some(line);
    }
    text
}

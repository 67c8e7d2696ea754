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
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut kept: Vec<String> = Vec::new();
    let mut has_left_out = false;
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let comment = line.trim_start();
        let hidden = open.iter().any(|(_, step)| *step > at);
        if let Some(id) = comment.strip_prefix("// ANCHOR: ") {
            open.push((id, number(id, line_number)?));
            has_left_out = true;
        } else if let Some(id) = comment.strip_prefix("// ANCHOR_END: ") {
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
        } else if let Some(before) = comment.strip_prefix("// BEFORE ") {
            let (id, code) = before
                .split_once(": ")
                .ok_or_else(|| LineError::new(line_number, "expected `// BEFORE STEP: CODE`"))?;
            if number(id, line_number)? > at && !hidden {
                let indent = &line[..line.len() - comment.len()];
                kept.push(format!("{indent}{code}"));
            }
        } else if !hidden {
            kept.push(line.to_owned());
        }
    }
    if let Some((id, _)) = open.pop() {
        return Err(LineError::new(text.lines().count(), format!("the region '{id}' is not closed")));
    }
    let has_code = kept.iter().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
    if has_left_out && !has_code {
        return Ok(None);
    }
    Ok(Some(without_double_blanks(&kept)))
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

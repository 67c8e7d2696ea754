//! `ANCHOR`, `ANCHOR_END` and `BEFORE`: which lines belong to a step.

use crate::error::LineError;
use crate::steps::Steps;

/// The text as it is after step `at`; `None` if no code is left. `sign` begins a comment, and so a marker, in
/// the language of the text.
///
/// # Errors
///
/// A marker is wrong.
pub(super) fn derive(text: &str, sign: &str, steps: &Steps, at: usize) -> Result<Option<String>, LineError> {
    let markers = Markers::in_comments(sign);
    let number = |id: &str, line: usize| {
        let step = steps.all().iter().find(|step| step.id == id);
        let unknown = || LineError::new(line, format!("'{id}' is not a step in workshop/steps.toml"));
        step.map(|step| step.number).ok_or_else(unknown)
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut open: Vec<(&str, usize)> = Vec::new();
    // `None` is a line that was left out.
    let mut kept: Vec<Option<String>> = Vec::new();
    let mut has_left_out = false;
    let mut index = 0;
    while let Some(&line) = lines.get(index) {
        let line_number = index + 1;
        let comment = line.trim_start();
        let hidden = open.iter().any(|(_, step)| *step > at);
        if let Some(id) = comment.strip_prefix(&markers.anchor) {
            open.push((id, number(id, line_number)?));
            has_left_out = true;
        } else if let Some(id) = comment.strip_prefix(&markers.anchor_end) {
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
        } else if comment.starts_with(&markers.before) {
            let (id, _) = markers.replacement(comment, line_number)?;
            let is_later = number(id, line_number)? > at;
            let indent = &line[..indentation(line)];
            while let Some(line) =
                lines.get(index).filter(|line| line.trim_start().starts_with(&markers.before))
            {
                let (next, code) = markers.replacement(line.trim_start(), index + 1)?;
                if next != id {
                    break;
                }
                if is_later && !hidden {
                    kept.push(Some(format!("{indent}{code}")));
                }
                index += 1;
            }
            if is_later {
                index += markers.paragraph(&lines[index..]);
            }
            kept.push(None);
            continue;
        }
        let is_marker = comment.starts_with(&markers.anchor) || comment.starts_with(&markers.anchor_end);
        kept.push((!hidden && !is_marker).then(|| line.to_owned()));
        index += 1;
    }
    if let Some((id, _)) = open.pop() {
        return Err(LineError::new(lines.len(), format!("the region '{id}' is not closed")));
    }
    let has_code =
        kept.iter().flatten().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with(sign));
    if has_left_out && !has_code {
        return Ok(None);
    }
    Ok(Some(without_gaps(&kept, if sign == "#" { 2 } else { 1 })))
}

/// The markers in comments of a language.
struct Markers {
    anchor: String,
    anchor_end: String,
    before: String,
}

impl Markers {
    fn in_comments(sign: &str) -> Self {
        let marker = |name: &str| format!("{sign} {name}");
        Self { anchor: marker("ANCHOR: "), anchor_end: marker("ANCHOR_END: "), before: marker("BEFORE ") }
    }

    /// The step and the code of a `BEFORE` line.
    fn replacement<'a>(&self, comment: &'a str, line_number: usize) -> Result<(&'a str, &'a str), LineError> {
        let parts = comment.strip_prefix(&self.before).and_then(|before| before.split_once(": "));
        parts.ok_or_else(|| LineError::new(line_number, format!("expected `{}STEP: CODE`", self.before)))
    }

    /// The length of the paragraph that a `BEFORE` directly above `lines` stands for. An attribute is a
    /// paragraph of its own, because the item below it exists without it, too. A region has its own markers.
    fn paragraph(&self, lines: &[&str]) -> usize {
        let first = lines.first().map_or("", |line| line.trim());
        if first.is_empty() || first.starts_with(&self.anchor) {
            return 0;
        }
        if first.starts_with("#[") || first.starts_with('@') {
            return 1;
        }
        paragraph(lines)
    }
}

/// The length of the paragraph that begins with the first of `lines`: up to a blank line of this block, or
/// the end of the block.
pub(crate) fn paragraph(lines: &[&str]) -> usize {
    let indent = lines.first().map_or(0, |line| indentation(line));
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

/// The lines, without the blank lines that are too many where others were left out. Of the blank lines before
/// and after them, the longer run stays, up to the `max_blanks` that the formatters of the language keep:
/// Python has two blank lines between functions. No blank line stays at the beginning and the end of a block.
fn without_gaps(lines: &[Option<String>], max_blanks: usize) -> String {
    let mut text = String::new();
    let mut previous: Option<&str> = None;
    let (mut run, mut longest) = (0, 0);
    for line in lines {
        match line.as_deref() {
            None => run = 0,
            Some(line) if line.trim().is_empty() => {
                run += 1;
                longest = longest.max(run);
            }
            Some(line) => {
                let opens = previous.is_none_or(|line| line.trim_end().ends_with(['{', '(', '[']));
                let closes = line.trim_start().starts_with(['}', ')', ']']);
                if !opens && !closes {
                    text.push_str(&"\n".repeat(longest.min(max_blanks)));
                }
                text.push_str(line);
                text.push('\n');
                previous = Some(line);
                (run, longest) = (0, 0);
            }
        }
    }
    text
}

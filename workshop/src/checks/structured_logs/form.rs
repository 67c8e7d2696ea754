//! Lines that are no JSON object: which, and where JSON breaks.

use serde_json::Value;
use serde_json::error::Category;

use crate::checks::words::{Wrong, wrong};
use crate::evidence::Evidence;

pub(super) fn not_json(evidence: &Evidence) -> Option<Wrong> {
    let runs = [&evidence.calm, &evidence.errors];
    // Numbered as an editor would, in each run from 1.
    let lines =
        || runs.iter().flat_map(|run| (1..).zip(&run.stdout)).filter(|(_, line)| !line.trim().is_empty());
    let all = lines().count();
    if all == 0 {
        return wrong("no line at all", "Logs go to stdout, at LOG_LEVEL=info.");
    }
    let broken: Vec<(usize, &String, Broken)> =
        lines().filter_map(|(number, line)| Some((number, line, broken(line)?))).collect();
    let (number, line, first) = broken.first()?;
    let count = broken.len();
    let seen = format!("{count} of {all} lines are not, first line {number}, {}:\n{line}", first.place);
    let cause = match first.kind {
        Kind::LineBreak => {
            "The object goes on in the next line. One object is one line: write it compact and not pretty-printed, and let a JSON \
             library escape strings, so that a line break in a message becomes \\n."
        }
        Kind::Syntax => {
            "The line begins as an object and breaks there. Let a JSON library write names and values: text that is escaped by hand, or \
             not at all, breaks at quotes, backslashes and control characters."
        }
        Kind::OtherJson => "It is JSON, but not an object: each line is {…} with named members.",
        Kind::Text if count == all => {
            "The lines are text: in src/logs.rs, give the layer an event format that writes JSON: instrumentation::json_lines::JsonLines."
        }
        Kind::Text => {
            "Most lines are JSON, so this one takes another way: a println!, or a library that writes to stdout itself."
        }
    };
    wrong(seen, cause)
}

struct Broken {
    kind: Kind,
    /// In words.
    place: String,
}

enum Kind {
    /// An object that does not end in this line.
    LineBreak,
    /// An object that is broken inside the line.
    Syntax,
    /// A string, number or array.
    OtherJson,
    /// No JSON at all.
    Text,
}

fn broken(line: &str) -> Option<Broken> {
    let error = match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(_)) => return None,
        Ok(_) => return Some(Broken { kind: Kind::OtherJson, place: "column 1".to_owned() }),
        Err(error) => error,
    };
    let kind = match error.classify() {
        _ if !line.trim_start().starts_with('{') => Kind::Text,
        Category::Eof => Kind::LineBreak,
        _ => Kind::Syntax,
    };
    // serde_json appends the place to the reason: "EOF while parsing a string at line 1 column 20".
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    let place = match kind {
        Kind::Text => "column 1".to_owned(),
        _ => format!("column {} ({reason})", error.column()),
    };
    Some(Broken { kind, place })
}

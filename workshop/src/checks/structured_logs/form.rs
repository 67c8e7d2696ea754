//! Lines that are not JSON objects, and the position of the first error in them.

use serde_json::Value;
use serde_json::error::Category;

use crate::checks::assert::{Check, fail};
use crate::evidence::Evidence;
use crate::messages::Message;
use crate::text;

pub(super) fn is_json(evidence: &Evidence) -> Check {
    let runs = [&evidence.calm, &evidence.errors];
    // Line numbers start at 1 in each run.
    let lines =
        || runs.iter().flat_map(|run| (1..).zip(&run.stdout)).filter(|(_, line)| !line.trim().is_empty());
    let all = lines().count();
    if all == 0 {
        return fail(
            text!("no line at all"),
            text!(
                "Logs go to stdout, at LOG_LEVEL=info. If they are written to a buffer first, flush it at the end, also after SIGTERM."
            ),
        );
    }
    let broken: Vec<(usize, &String, Broken)> =
        lines().filter_map(|(number, line)| Some((number, line, broken(line)?))).collect();
    let Some((number, line, first)) = broken.first() else { return Ok(()) };
    let count = broken.len();
    fail(
        text!(
            "{count} of {all} lines are not JSON objects, first line {number}, {place}:\n{line}",
            count,
            all,
            number = *number,
            place = first.place(),
            line = *line
        ),
        match first.kind {
            Kind::LineBreak => text!(
                "The object continues on the next line. One object is one line: write it compact, not pretty-printed, and let a \
                 JSON library escape strings, so that a line break in a message becomes \\n."
            ),
            Kind::Syntax => text!(
                "The line begins as an object and breaks there. Let a JSON library write names and values: text that is escaped \
                 by hand, or not at all, breaks at quotes, backslashes and control characters."
            ),
            Kind::OtherJson => text!("It is JSON, but not an object: each line is {{…}} with named members."),
            Kind::Text if count == all => text!(
                "The lines are text: in src/logs.rs, give the layer an event format that writes JSON: \
                 instrumentation::json_lines::JsonLines."
            ),
            Kind::Text => text!(
                "Most lines are JSON, so this one was written in another way: by println!, or by a library that writes to stdout."
            ),
        },
    )
}

struct Broken {
    kind: Kind,
    /// The column, counted from 1.
    column: usize,
    /// The message of the JSON parser; `None` for lines that do not begin like JSON.
    reason: Option<String>,
}

impl Broken {
    fn place(&self) -> Message {
        match &self.reason {
            None => text!("column {column}", column = self.column),
            Some(reason) => text!("column {column} ({reason})", column = self.column, reason),
        }
    }
}

enum Kind {
    /// An object that does not end on this line.
    LineBreak,
    /// An object with a syntax error.
    Syntax,
    /// Other JSON: a string, number or array.
    OtherJson,
    /// Not JSON.
    Text,
}

fn broken(line: &str) -> Option<Broken> {
    let error = match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(_)) => return None,
        Ok(_) => return Some(Broken { kind: Kind::OtherJson, column: 1, reason: None }),
        Err(error) => error,
    };
    let kind = match error.classify() {
        _ if !line.trim_start().starts_with('{') => Kind::Text,
        Category::Eof => Kind::LineBreak,
        _ => Kind::Syntax,
    };
    if matches!(kind, Kind::Text) {
        return Some(Broken { kind, column: 1, reason: None });
    }
    // serde_json appends the position to the reason: "EOF while parsing a string at line 1 column 20".
    let reason = error.to_string().split(" at line ").next().map(str::to_owned);
    Some(Broken { kind, column: error.column(), reason })
}

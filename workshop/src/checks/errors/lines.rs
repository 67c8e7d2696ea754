//! Log lines and log records of failures.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{EXCEPTION, cause_of_no_stack, exceptions, is_descriptive, is_stack};
use crate::checks::assert::{Check, ensure, fail};
use crate::checks::attributes::is_kind;
use crate::checks::log_lines::Logged;
use crate::checks::requests::Served;
use crate::messages::Message;
use crate::text;
use otlp::model::LogRecord;

/// The members of `error` in a line, in the order of [`EXCEPTION`].
const MEMBERS: [&str; 3] = ["kind", "message", "stack"];

/// The lines at ERROR by trace id.
pub(super) type ErrorLines<'a> = BTreeMap<&'a str, Vec<&'a Json>>;

pub(super) fn errors<'a>(logged: &'a [Logged<'_>]) -> ErrorLines<'a> {
    let mut errors = ErrorLines::new();
    for line in logged.iter().flat_map(Logged::objects).filter(|line| line["level"] == "ERROR") {
        errors.entry(line["trace_id"].as_str().unwrap_or_default()).or_default().push(line);
    }
    errors
}

fn of_request<'a>(served: &Served<'_>, lines: &'a ErrorLines<'a>) -> &'a [&'a Json] {
    lines.get(served.trace.id.as_str()).map_or(&[], Vec::as_slice)
}

pub(super) fn is_logged_once(served: &Served<'_>, lines: &ErrorLines<'_>) -> Check {
    has_one_line(served, lines)?;
    let found = exceptions(served);
    let (Some(line), Some((_, event))) = (of_request(served, lines).first(), found.first()) else {
        return Ok(());
    };
    let on_span = |key: &str| event.attributes.text(key).unwrap_or_default();
    ensure!(
        is_kind(on_span("exception.type"), member(line, "kind")),
        Message::verbatim(line),
        text!(
            "error.kind and exception.type should be the same; the span has {seen}.",
            seen = on_span("exception.type")
        )
    );
    // An error may get more context on its way up.
    ensure!(
        member(line, "message").contains(on_span("exception.message")),
        Message::verbatim(line),
        text!(
            "error.message should be, or contain, the exception.message of the span: {seen}.",
            seen = on_span("exception.message")
        )
    );
    Ok(())
}

/// The stack in the line of a failure.
pub(super) fn stack<'a>(served: &Served<'_>, lines: &'a ErrorLines<'a>) -> Option<&'a str> {
    of_request(served, lines).first().map(|line| member(line, "stack"))
}

fn member<'a>(line: &'a Json, name: &str) -> &'a str {
    line["error"][name].as_str().unwrap_or_default()
}

/// A failure must have one line, which says what happened and where.
pub(super) fn has_one_line(served: &Served<'_>, lines: &ErrorLines<'_>) -> Check {
    let own = of_request(served, lines);
    let [line] = *own else {
        return match own.first() {
            None => fail(
                text!("no ERROR line with trace_id {id}", id = &served.trace.id),
                text!(
                    "The error is logged at the level ERROR, inside the request's context, so that the line has its ids."
                ),
            ),
            Some(line) => fail(
                text!("{count} lines, such as\n{line}", count = own.len(), line = *line),
                text!("Log an error once, at the edge: Error::into_response."),
            ),
        };
    };
    ensure!(
        MEMBERS.iter().all(|name| !member(line, name).is_empty()),
        Message::verbatim(line),
        text!(
            "error is an object with kind, message and stack, as Datadog's Error Tracking reads it: log the fields exception.type, \
             exception.message and exception.stacktrace, in src/error.rs."
        )
    );
    ensure!(
        is_descriptive(member(line, "message")),
        Message::verbatim(line),
        text!("One word does not say what happened: the message is that of the error.")
    );
    ensure!(
        is_stack(member(line, "stack"), member(line, "kind"), member(line, "message")),
        Message::verbatim(line),
        cause_of_no_stack()
    );
    Ok(())
}

/// The record must have the same content as the line, in the fields that OTLP has for it.
pub(super) fn is_sent_once(served: &Served<'_>, lines: &ErrorLines<'_>) -> Check {
    let own = of_request(served, lines);
    let Some(line) = own.first() else { return Ok(()) };
    let is_own = |record: &&LogRecord| {
        record.severity_number >= 17 && record.trace_id.as_deref() == Some(&served.trace.id)
    };
    let records: Vec<&LogRecord> = served.run.telemetry.log_records.iter().filter(is_own).collect();
    let [record] = records[..] else {
        return fail(
            text!(
                "{count} log records at ERROR in the trace {id}",
                count = records.len(),
                id = &served.trace.id
            ),
            text!(
                "Each ERROR line is also one log record: is the bridge on the subscriber exactly once, and does it accept ERROR?"
            ),
        );
    };
    for (member, key) in MEMBERS.iter().zip(EXCEPTION) {
        let of_record = record.attributes.text(key).unwrap_or_default();
        let of_line = line["error"][member].as_str().unwrap_or_default();
        ensure!(
            // One of them may name the module or package of the type.
            of_record == of_line || (*member == "kind" && is_kind(of_record, of_line)),
            text!(
                "{key} = {seen} in the record of the line\n{line}",
                key,
                seen = record.attributes.get(key).map_or("(none)".to_owned(), ToString::to_string),
                line = *line
            ),
            text!(
                "The record has the fields of the event under their names in the conventions: {key} is error.{member} of the line.",
                key,
                member = *member
            )
        );
    }
    Ok(())
}

/// A request that succeeded must have no line at ERROR.
pub(super) fn is_not_logged(served: &Served<'_>, lines: &ErrorLines<'_>) -> Check {
    match of_request(served, lines).first() {
        None => Ok(()),
        Some(line) => fail(
            Message::verbatim(line),
            text!("The request was answered with {status}: ERROR is for failures.", status = served.status),
        ),
    }
}

//! Log records over OTLP.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::lines::{CLOCK_TOLERANCE, Queries, is_after_each_answer};
use serde_json::Value as Json;

use crate::checks::assert::{Check, each, ensure, fail};
use crate::checks::log_lines::{Logged, object, time};
use crate::checks::requests::Served;
use crate::evidence::{Evidence, Run};
use crate::messages::Message;
use crate::text;
use otlp::model::{LogRecord, Value};

/// OTLP's severity number.
const INFO: i32 = 9;

/// The name of an event in formats that have no field of their own for it; the second is the older one.
const EVENT_NAMES: [&str; 2] = ["otel.event.name", "event.name"];

pub(super) fn query_is_sent(evidence: &Evidence, served: &Served<'_>, queries: &Queries<'_>) -> Check {
    let records = &served.run.telemetry.log_records;
    let mut runs = [&evidence.calm, &evidence.errors].into_iter();
    let others_arrive = runs.any(|run| !run.telemetry.log_records.is_empty());
    ensure!(
        !records.is_empty() || !others_arrive,
        text!("no log record was received in this run, but in a longer one"),
        cause_of_lost_records()
    );
    let is_query = |record: &&LogRecord| record.body.to_string().contains("dbQuery");
    ensure!(
        !records.is_empty(),
        text!("no log record was received"),
        text!(
            "Build a logger provider with an OTLP exporter; in src/telemetry.rs, add instrumentation::log_records::layer to the \
             subscriber, and let on_flush shut the provider down."
        )
    );
    let id = &served.trace.id;
    let own = records.iter().filter(|record| record.trace_id.as_deref() == Some(id)).find(is_query);
    let Some(record) = own else {
        let seen = records.iter().find(is_query).or(records.first()).map(outline).unwrap_or_default();
        let cause = if is_lost_at_the_end(served.run, served.exchange.answered) {
            cause_of_lost_records()
        } else if records.iter().all(|record| record.trace_id.is_none()) {
            text!(
                "The line of this event has ids, but no log record has any: is the record made in another thread, behind a queue, in which no \
                 span is current? Let the bridge take the event where it happens; only the export belongs into another thread."
            )
        } else {
            text!(
                "The bridge takes the ids from the current context: is the event inside the request's span, and the bridge on the \
                 same subscriber?"
            )
        };
        return fail(text!("no log record has the trace id {id}; there is {seen}", id, seen), cause);
    };
    body_is_the_message(record)?;
    let Some(line) = queries.in_trace(id).first() else { return Ok(()) };
    ensure!(
        record.span_id.as_deref() == line["span_id"].as_str(),
        text!(
            "the record names span {record}, the line {line}",
            record = record.span_id.as_deref().unwrap_or("none"),
            line = &line["span_id"]
        ),
        text!("Line and record report the same event, and name the same span.")
    );
    let database = &served.run.database;
    let user_name = database.user_name_of(served.exchange);
    for (key, right) in [("user.id", database.user_id.as_str()), ("user.name", user_name)] {
        ensure!(
            record.attributes.text(key) == Some(right),
            text!(
                "{key} = {seen} in the record {outline}",
                key,
                seen = record.attributes.get(key).map_or("(none)".to_owned(), ToString::to_string),
                outline = outline(record)
            ),
            text!(
                "The fields of an event are attributes of its record, with their own types: {key} is {right}.",
                key,
                right = format!("{right:?}")
            )
        );
    }
    Ok(())
}

/// Whether all records that arrived were made before this time, in nanoseconds since 1970.
fn is_lost_at_the_end(run: &Run, time: u64) -> bool {
    let last = run.telemetry.log_records.iter().map(LogRecord::when).max();
    last.is_some_and(|last| last < time)
}

fn cause_of_lost_records() -> Message {
    text!(
        "The last log records are lost: shut the logger provider down when requests are over, and before the process ends. Without that, what \
         waits in the queue of its processor is never sent."
    )
}

/// The body must be the message of the event, and not the line with all its fields.
fn body_is_the_message(record: &LogRecord) -> Check {
    ensure!(
        object(&record.body.unquoted()).is_none(),
        outline(record),
        text!(
            "The body is the whole JSON line: the handler that makes log records has the formatter of the lines. Give it none, so that the body \
             is the message, and the fields become attributes."
        )
    );
    Ok(())
}

/// The levels of the log lines of an event, those of its log records, and the time of the last line.
type Levels = (Vec<&'static str>, Vec<&'static str>, u64);

/// Lines and records must report the same events, so each event must have the same number of both.
pub(super) fn are_the_lines(logged: &Logged<'_>) -> Check {
    let run = logged.run;
    if run.telemetry.log_records.is_empty() {
        // Another expectation reports it.
        return Ok(());
    }
    each(&run.telemetry.log_records, body_is_the_message)?;
    // Events are compared by trace id, span id and message; without ids, by message.
    let mut events: BTreeMap<[String; 3], Levels> = BTreeMap::new();
    for line in logged.objects() {
        let member = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let key = [member("trace_id"), member("span_id"), member("message")];
        let event = events.entry(key).or_default();
        event.0.push(level_of_name(line["level"].as_str().unwrap_or_default()));
        if let Some(time) = time(line) {
            event.2 = event.2.max(time.from);
        }
    }
    for record in &run.telemetry.log_records {
        let id = |id: &Option<String>| id.clone().unwrap_or_default();
        let key = [id(&record.trace_id), id(&record.span_id), record.body.unquoted()];
        events.entry(key).or_default().1.push(level_of_number(record.severity_number));
    }
    // Outside requests there are lines before the exporter starts and after it has stopped, and records of
    // libraries.
    let is_alone = |(trace, lines, records): (&str, &[&str], &[&str])| {
        trace.is_empty() && (lines.is_empty() || records.is_empty())
    };
    each(&mut events, |(key, (lines, records, last))| {
        lines.sort_unstable();
        records.sort_unstable();
        if lines == records || is_alone((&key[0], lines, records)) {
            return Ok(());
        }
        let cause = match records.len().cmp(&lines.len()) {
            Ordering::Equal => text!(
                "Line and record have different levels: the severity of a record is the level of its event."
            ),
            Ordering::Greater => text!(
                "A record without a line: is the event sent by two bridges or two processors, or is its message another?"
            ),
            Ordering::Less if is_lost_at_the_end(run, *last) => cause_of_lost_records(),
            Ordering::Less => text!(
                "A line has no log record: does the bridge have a filter that the lines do not have, or is the logger provider shut \
                 down too early?"
            ),
        };
        let [trace, span, message] = key;
        fail(
            text!(
                "{message} of span {span} in trace {trace}: {lines}; {records}",
                message = format!("{message:?}"),
                span,
                trace,
                lines =
                    counted(lines, text!("no line"), text!("1 line"), |count| text!("{count} lines", count)),
                records = counted(records, text!("no log record"), text!("1 log record"), |count| {
                    text!("{count} log records", count)
                })
            ),
            cause,
        )
    })
}

/// Members of a line for which OTLP has its own fields.
fn is_own_field(key: &str) -> bool {
    let prefixes = ["dd.", "git.", "trace.", "span.", "error.", "service."];
    key.contains('.') && !prefixes.iter().any(|prefix| key.starts_with(prefix))
}

/// The fields of an event must be attributes of its record, with the same names and types. Names without a
/// dot belong to the log format, such as the file, the thread and the target.
pub(super) fn fields_are_the_lines(logged: &Logged<'_>) -> Check {
    let text = |line: &Json, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let mut lines: BTreeMap<[String; 2], Vec<&Json>> = BTreeMap::new();
    for line in logged.objects() {
        lines.entry([text(line, "span_id"), text(line, "message")]).or_default().push(line);
    }
    // Members that every line has belong to the log format.
    let of_the_format: BTreeSet<&str> = logged
        .objects()
        .next()
        .into_iter()
        .flat_map(Json::as_object)
        .flatten()
        .map(|(key, _)| key.as_str())
        .filter(|key| logged.objects().all(|line| line.get(*key).is_some()))
        .collect();
    each(&logged.run.telemetry.log_records, |record| {
        let key = [record.span_id.clone().unwrap_or_default(), record.body.unquoted()];
        // If several lines have the same message, it is unknown which one belongs to the record.
        let Some([line]) = lines.get(&key).map(Vec::as_slice) else { return Ok(()) };
        let own = line.as_object().into_iter().flatten().filter(|(key, value)| {
            is_own_field(key)
                && !value.is_null()
                && !of_the_format.contains(key.as_str())
                && record.resource.get(key).is_none()
        });
        each(own, |(key, value)| {
            let seen = record.attributes.get(key);
            // A record has a field of its own for the name of the event.
            let is_event_name = EVENT_NAMES.contains(&key.as_str())
                && value.as_str().is_some_and(|name| name == record.event_name);
            ensure!(
                is_event_name || seen.is_some_and(|seen| is_equal(seen, value)),
                text!(
                    "{key} = {seen} in the record of the line\n{line}",
                    key,
                    seen = seen.map_or("(none)".to_owned(), ToString::to_string),
                    line = *line
                ),
                text!(
                    "The fields of an event are attributes of its record, with their own types: {key} is {right}.",
                    key,
                    right = value
                )
            );
            Ok(())
        })
    })
}

fn is_equal(value: &Value, json: &Json) -> bool {
    match (value, json) {
        (Value::Text(text), Json::String(right)) => **text == **right,
        (Value::Bool(bool), Json::Bool(right)) => bool == right,
        (Value::Int(int), Json::Number(right)) => right.as_i64() == Some(*int),
        (Value::Double(double), Json::Number(right)) => right.as_f64() == Some(*double),
        // Arrays and objects can be written in several ways.
        (Value::Array(_) | Value::Map(_), Json::Array(_) | Json::Object(_)) => true,
        _ => false,
    }
}

fn counted(levels: &[&str], none: Message, one: Message, many: fn(usize) -> Message) -> Message {
    let items = match levels.len() {
        0 => return none,
        1 => one,
        count => many(count),
    };
    text!("{items} at {levels}", items, levels = levels.join(", "))
}

fn level_of_name(level: &str) -> &'static str {
    match level {
        "ERROR" => "ERROR",
        "WARN" => "WARN",
        "INFO" => "INFO",
        _ => "DEBUG or TRACE",
    }
}

/// The names that libraries use for levels, such as `Information`, `WARNING`, `CRITICAL`; `None` for an
/// unknown name.
fn level_of_text(text: &str) -> Option<&'static str> {
    let text = text.to_uppercase();
    let levels = [
        ("INFO", "INFO"),
        ("WARN", "WARN"),
        ("ERR", "ERROR"),
        ("CRIT", "ERROR"),
        ("FATAL", "ERROR"),
        ("PANIC", "ERROR"),
    ];
    let known = levels.into_iter().find(|(prefix, _)| text.starts_with(prefix)).map(|(_, level)| level);
    known.or_else(|| ["DEBUG", "TRACE", "VERBOSE"].contains(&text.as_str()).then_some("DEBUG or TRACE"))
}

fn level_of_number(number: i32) -> &'static str {
    match number {
        17.. => "ERROR",
        13..17 => "WARN",
        INFO..13 => "INFO",
        _ => "DEBUG or TRACE",
    }
}

/// A line of the same event.
fn line_of<'a>(record: &LogRecord, logged: &'a Logged<'_>) -> Option<&'a Json> {
    let message = record.body.unquoted();
    logged.objects().find(|line| {
        line["span_id"].as_str() == record.span_id.as_deref() && line["message"].as_str() == Some(&message)
    })
}

pub(super) fn form_is_right(record: &LogRecord, logged: &Logged<'_>) -> Check {
    let run = logged.run;
    let copies = |key: &str| {
        matches!(key, "trace_id" | "span_id" | "trace.id" | "span.id" | "dd.trace_id" | "dd.span_id")
    };
    ensure!(
        record.severity_number != 0,
        outline(record),
        text!("It has no severity number; the bridge sets it from the event's level.")
    );
    ensure!(
        level_of_text(&record.severity_text)
            .is_none_or(|level| level == level_of_number(record.severity_number)),
        text!("severity text {seen} of {outline}", seen = &record.severity_text, outline = outline(record)),
        text!("Severity text and severity number say the same level.")
    );
    ensure!(
        matches!(record.body, Value::Text(_)) && !record.body.unquoted().is_empty(),
        outline(record),
        text!("It has no body; the bridge takes the event's message for it.")
    );
    body_is_the_message(record)?;
    ensure!(
        (run.started..=run.ended).contains(&record.when()),
        text!("time {time} of {outline}", time = record.when(), outline = outline(record)),
        text!(
            "The time of a record is the time of its event in nanoseconds since 1970, or else the time when it was observed."
        )
    );
    let span = record.trace_id.as_deref().zip(record.span_id.as_deref());
    let span = span.and_then(|(trace, span)| logged.span(trace, span));
    ensure!(
        span.is_none_or(|span| {
            record.when().saturating_add(CLOCK_TOLERANCE) >= span.start
                && (record.when() <= span.end.saturating_add(CLOCK_TOLERANCE)
                    || line_of(record, logged).is_some_and(|line| is_after_each_answer(logged, line)))
        }),
        text!("time {time} of {outline}", time = record.when(), outline = outline(record)),
        text!("Its span was not running at that time: a record has the time and the ids of its event.")
    );
    match record.attributes.iter().find(|(key, _)| copies(key)) {
        None => Ok(()),
        Some((key, _)) => fail(
            text!("attribute {key} of {outline}", key, outline = outline(record)),
            text!("A log record has its own fields for the ids; copies in attributes are redundant."),
        ),
    }
}

pub(super) fn scope_is_named(record: &LogRecord) -> Check {
    ensure!(
        !record.scope.name.is_empty(),
        text!("the scope of {outline} has no name", outline = outline(record)),
        text!("A logger has a name, of the library or the program that creates the records.")
    );
    Ok(())
}

/// Without a filter, the bridge also exports the exporter's own log records, and each export creates more of
/// them.
pub(super) fn is_at_the_level(record: &LogRecord) -> Check {
    ensure!(
        !(1..INFO).contains(&record.severity_number),
        text!("{outline} of {scope}", outline = outline(record), scope = &record.scope.name),
        text!(
            "The bridge needs its own filter (instrumentation::log_records::layer has it). Otherwise it sends what the exporter's \
             own client logs, and each export creates more records."
        )
    );
    Ok(())
}

fn outline(record: &LogRecord) -> String {
    let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "none".to_owned());
    format!(
        "{} (severity {}, trace id {}, span id {})",
        record.body,
        record.severity_number,
        id(&record.trace_id),
        id(&record.span_id)
    )
}

//! Log records over OTLP.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::checks::log_lines::objects;
use crate::checks::words::{Served, Wrong, first_of, wrong};
use crate::evidence::Run;
use otlp::model::{LogRecord, Value};

/// OTLP's severity number.
const INFO: i32 = 9;

pub(super) fn query_is_wrong(served: &Served<'_>, lines: &[Json]) -> Option<Wrong> {
    let records = &served.run.telemetry.log_records;
    let is_query = |record: &&LogRecord| record.body.to_string().contains("dbQuery");
    if records.is_empty() {
        return wrong(
            "no log record was received",
            "Build a logger provider with an OTLP exporter in src/telemetry.rs, add instrumentation::log_records::layer to the \
             subscriber, and let on_flush shut the provider down.",
        );
    }
    let own =
        records.iter().filter(is_query).find(|record| record.trace_id.as_deref() == Some(&served.trace.id));
    let Some(record) = own else {
        let seen = records.iter().find(is_query).or(records.first()).map(outline).unwrap_or_default();
        return wrong(
            format!("none with the trace id {}; there is {seen}", served.trace.id),
            "The bridge takes the ids from the current context: is the event inside the request's span, and the bridge on \
             the same subscriber?",
        );
    };
    let line = lines
        .iter()
        .find(|line| line["message"] == "dbQuery" && line["trace_id"] == served.trace.id.as_str())?;
    if record.span_id.as_deref() == line["span_id"].as_str() {
        return None;
    }
    wrong(
        format!("the record names span {:?}, the line {}", record.span_id, line["span_id"]),
        "Line and record tell of the same event, and name the same span.",
    )
}

/// The levels of an event's lines, and those of its log records.
type Levels = (Vec<&'static str>, Vec<&'static str>);

/// Lines and records are the same events, so that each has as many of one as of the other.
pub(super) fn differ_from_lines(run: &Run) -> Option<Wrong> {
    if run.telemetry.log_records.is_empty() {
        // Another expectation says so.
        return None;
    }
    // By trace id, span id and message.
    let mut events: BTreeMap<[String; 3], Levels> = BTreeMap::new();
    for line in objects(run) {
        let text = |key: &str| line[key].as_str().map(str::to_owned);
        if let (Some(trace), Some(span)) = (text("trace_id"), text("span_id")) {
            let event = events.entry([trace, span, text("message").unwrap_or_default()]).or_default();
            event.0.push(level_of_name(line["level"].as_str().unwrap_or_default()));
        }
    }
    for record in &run.telemetry.log_records {
        if let (Some(trace), Some(span)) = (&record.trace_id, &record.span_id) {
            let message = match &record.body {
                Value::Text(text) => text.clone(),
                other => other.to_string(),
            };
            let event = events.entry([trace.clone(), span.clone(), message]).or_default();
            event.1.push(level_of_number(record.severity_number));
        }
    }
    first_of(&mut events, |([trace, span, message], (lines, records))| {
        lines.sort_unstable();
        records.sort_unstable();
        let cause = match records.len().cmp(&lines.len()) {
            _ if lines == records => return None,
            Ordering::Equal => {
                "Line and record have different levels: the severity of a record is the level of its event."
            }
            Ordering::Greater => {
                "A record without a line: is the event sent by two bridges or two processors, or is its message another?"
            }
            Ordering::Less => {
                "A line without its record: does the bridge have a filter that the lines do not have, or is the logger provider shut \
                 down too early?"
            }
        };
        let listed = |items: &[&str], name: &str| match items {
            [] => format!("no {name}"),
            items => format!(
                "{} {name}{} at {}",
                items.len(),
                if items.len() == 1 { "" } else { "s" },
                items.join(", ")
            ),
        };
        let (lines, records) = (listed(lines, "line"), listed(records, "log record"));
        wrong(format!("{message:?} of span {span} in trace {trace}: {lines}; {records}"), cause)
    })
}

fn level_of_name(level: &str) -> &'static str {
    match level {
        "ERROR" => "ERROR",
        "WARN" => "WARN",
        "INFO" => "INFO",
        _ => "DEBUG or TRACE",
    }
}

fn level_of_number(number: i32) -> &'static str {
    match number {
        17.. => "ERROR",
        13..17 => "WARN",
        INFO..13 => "INFO",
        _ => "DEBUG or TRACE",
    }
}

pub(super) fn form_is_wrong(record: &LogRecord, service: &str) -> Option<Wrong> {
    let copies = |key: &str| {
        matches!(key, "trace_id" | "span_id" | "trace.id" | "span.id" | "dd.trace_id" | "dd.span_id")
    };
    if record.severity_number == 0 {
        return wrong(
            outline(record),
            "It has no severity number; the bridge sets it from the event's level.",
        );
    }
    if record.body.to_string().trim_matches('"').is_empty() {
        return wrong(outline(record), "It has no body; the bridge takes the event's message for it.");
    }
    if record.resource.text("service.name") != Some(service) {
        let seen = record.resource.get("service.name").map(ToString::to_string).unwrap_or_default();
        return wrong(
            format!("service.name = {seen}"),
            format!(
                "The logger provider needs the same resource as the tracer provider; service.name is {service:?}."
            ),
        );
    }
    let (key, _) = record.attributes.0.iter().find(|(key, _)| copies(key))?;
    wrong(
        format!("attribute {key} of {}", outline(record)),
        "A log record has fields of its own for the ids; a copy is noise.",
    )
}

/// Without a filter, the bridge takes the exporter's own lines too, and each export makes more of them.
pub(super) fn below_the_level(record: &LogRecord) -> Option<Wrong> {
    (1..INFO).contains(&record.severity_number).then(|| {
        (
            format!("{} of {}", outline(record), record.scope.name),
            "The bridge needs a filter of its own (instrumentation::log_records::layer has it). Otherwise it sends what the exporter's own client \
             logs, and each export makes more."
                .to_owned(),
        )
    })
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

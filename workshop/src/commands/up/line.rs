//! Takes a line of a program's output apart, as a log record.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anstream::adapter::strip_str;
use otlp::model::{Attributes, LogRecord, Scope, Value};
use serde_json::{Map, Value as Json};

/// The levels that programs write, with OTLP's numbers.
const LEVELS: [(&str, i32); 8] = [
    ("TRACE", 1),
    ("DEBUG", 5),
    ("INFO", 9),
    ("WARN", 13),
    ("WARNING", 13),
    ("ERROR", 17),
    ("CRITICAL", 21),
    ("FATAL", 21),
];

/// A line of a program's output.
pub(super) struct Line {
    pub(super) text: String,
    /// `stdout` or `stderr`.
    pub(super) stream: &'static str,
    /// When it was read, in nanoseconds since 1970.
    pub(super) read: u64,
}

impl Line {
    /// The line as a log record: a JSON object with the fields of the workshop's log lines, or a text, whose
    /// level nobody knows.
    pub(super) fn into_record(self, resource: &Arc<Attributes>, scope: &Arc<Scope>) -> LogRecord {
        let text = strip_str(&self.text).to_string();
        let mut record = LogRecord {
            resource: Arc::clone(resource),
            scope: Arc::clone(scope),
            time: 0,
            observed: self.read,
            severity_number: 0,
            severity_text: String::new(),
            body: Value::Empty,
            attributes: Attributes::default(),
            trace_id: None,
            span_id: None,
            event_name: String::new(),
        };
        let mut attributes = match serde_json::from_str(&text) {
            Ok(Json::Object(members)) => take_members(&mut record, members),
            _ => Vec::new(),
        };
        if record.body == Value::Empty {
            record.body = text.into();
        }
        attributes.push(("log.iostream".to_owned(), self.stream.into()));
        record.attributes = attributes.into_iter().collect();
        record
    }
}

/// Moves time, level, message and ids to their places in the record, and returns the other members. A member
/// with another type or form than a log line of the workshop has is not moved.
fn take_members(record: &mut LogRecord, mut members: Map<String, Json>) -> Vec<(String, Value)> {
    let mut take = |name: &str, accept: &mut dyn FnMut(&str) -> bool| {
        if members.get(name).and_then(Json::as_str).is_some_and(accept) {
            members.remove(name);
        }
    };
    take("time", &mut |text| nanoseconds(text).map(|time| record.time = time).is_some());
    take("level", &mut |text| {
        let level = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        record.severity_number = level.map_or(0, |(_, number)| *number);
        text.clone_into(&mut record.severity_text);
        true
    });
    take("message", &mut |text| {
        record.body = text.into();
        true
    });
    take("trace_id", &mut |text| id(text, 32).map(|id| record.trace_id = Some(id)).is_some());
    take("span_id", &mut |text| id(text, 16).map(|id| record.span_id = Some(id)).is_some());

    // What all lines of a service have comes last, so that a list shows the fields of the event.
    let (identity, own): (Vec<_>, Vec<_>) = members.into_iter().partition(|(name, _)| is_of_service(name));
    own.into_iter().chain(identity).map(|(name, value)| (name, value_from(value))).collect()
}

/// Whether the field says which service wrote the line.
fn is_of_service(name: &str) -> bool {
    ["service", "env", "version"].contains(&name) || name.starts_with("dd.") || name.starts_with("git.")
}

/// Nanoseconds since 1970 of a time in RFC 3339 and UTC.
fn nanoseconds(text: &str) -> Option<u64> {
    let utc = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let time = humantime::parse_rfc3339(&format!("{utc}Z")).ok()?;
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

/// The id in lower case, if it has this number of hex digits and is not zero.
fn id(text: &str, digits: usize) -> Option<String> {
    let is_hex = text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_id = text.len() == digits && is_hex && text.bytes().any(|digit| digit != b'0');
    is_id.then(|| text.to_ascii_lowercase())
}

fn value_from(json: Json) -> Value {
    match json {
        Json::Null => Value::Empty,
        Json::Bool(bool) => Value::Bool(bool),
        Json::Number(number) => match number.as_i64() {
            Some(int) => Value::Int(int),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => text.into(),
        Json::Array(values) => Value::Array(values.into_iter().map(value_from).collect()),
        Json::Object(members) => {
            Value::Map(members.into_iter().map(|(name, value)| (name, value_from(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: u64 = 1_800_000_000_000_000_000;

    fn record(text: &str) -> LogRecord {
        let line = Line { text: text.to_owned(), stream: "stdout", read: READ };
        line.into_record(&Arc::default(), &Arc::default())
    }

    #[test]
    fn a_text_line_is_a_body_with_the_time_at_which_it_was_read_and_no_level() {
        let text = "2026-11-24T12:24:53.702511Z  INFO dbQuery user.id=\"1\"";
        let record = record(text);
        assert_eq!(record.body, text);
        assert_eq!((record.time, record.observed, record.when()), (0, READ, READ));
        assert_eq!((record.severity_number, record.severity_text.as_str()), (0, ""));
        assert_eq!((record.trace_id, record.span_id), (None, None));
        assert_eq!(record.attributes.to_string(), r#"{"log.iostream": "stdout"}"#);
    }

    #[test]
    fn a_json_line_of_the_workshop_is_taken_apart() {
        let record = record(
            r#"{"time":"2026-11-24T12:25:10.550757Z","level":"WARN","message":"dbQuery","service":"handson-sakura",
            "dd.service":"handson-sakura","trace_id":"0AF7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331",
            "dd.trace_id":"0af7651916cd43dd8448eb211c80319c","user.id":"1","server.port":8080,"share":0.5,"cached":true,
            "none":null,"error":{"kind":"RandomError","lines":[1,2]}}"#,
        );
        assert_eq!(record.body, "dbQuery");
        assert_eq!((record.time, record.observed), (1_795_523_110_550_757_000, READ));
        assert_eq!((record.severity_number, record.severity_text.as_str()), (13, "WARN"));
        assert_eq!(record.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(record.span_id.as_deref(), Some("b7ad6b7169203331"));
        let attributes: Vec<String> =
            record.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let (own, of_service) = attributes.split_at(6);
        let mut own = own.to_vec();
        own.sort();
        assert_eq!(
            own,
            [
                "cached=true",
                r#"error={"kind": "RandomError", "lines": [1, 2]}"#,
                "none=null",
                "server.port=8080",
                "share=0.5",
                r#"user.id="1""#,
            ],
            "{attributes:#?}"
        );
        for field in ["service", "dd.service", "dd.trace_id", "log.iostream"] {
            assert!(of_service.iter().any(|attribute| attribute.starts_with(field)), "{attributes:#?}");
        }
        assert_eq!(attributes.len(), 10);
    }

    #[test]
    fn a_member_that_is_not_of_the_expected_form_stays_an_attribute() {
        let record = record(
            r#"{"time":"yesterday","level":7,"message":{"text":"x"},"trace_id":"00000000000000000000000000000000","span_id":"xyz"}"#,
        );
        assert_eq!((record.time, record.severity_number), (0, 0));
        assert_eq!((&record.trace_id, &record.span_id), (&None, &None));
        for key in ["time", "level", "message", "trace_id", "span_id"] {
            assert!(record.attributes.contains_key(key), "{}", record.attributes);
        }
        let body = record.body.unquoted();
        assert!(
            body.starts_with("{\"time\":\"yesterday\""),
            "without a message, the line is the body: {body}"
        );
    }

    #[test]
    fn the_levels_and_times_of_other_languages_are_known() {
        let python = record(r#"{"time":"2026-11-24T12:25:10.5+00:00","level":"WARNING","message":"m"}"#);
        assert_eq!((python.time, python.severity_number), (1_795_523_110_500_000_000, 13));
        assert_eq!(record(r#"{"level":"info"}"#).severity_number, 9);
        let unknown = record(r#"{"level":"NOTICE"}"#);
        assert_eq!((unknown.severity_number, unknown.severity_text.as_str()), (0, "NOTICE"));
    }

    #[test]
    fn json_that_is_not_an_object_and_a_broken_object_are_text() {
        for text in ["[1]", "7", "\"x\"", "null", "{\"a\":", "{} {}", "{\"a\":1} and more"] {
            let record = record(text);
            assert_eq!((record.body, record.attributes.len()), (Value::from(text), 1));
        }
        let deep = "[".repeat(100_000);
        assert_eq!(record(&deep).body, Value::from(deep.as_str()));
    }

    #[test]
    fn colours_are_removed() {
        assert_eq!(
            record("\u{1b}[2m12:25\u{1b}[0m \u{1b}[1;32mINFO\u{1b}[0m started").body,
            "12:25 INFO started"
        );
        assert_eq!(record("\u{1b}[33m{\"message\":\"m\"}\u{1b}[0m").body, "m");
    }
}

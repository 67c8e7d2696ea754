//! Mistakes that show in log lines and log records, for steps 1, 6 and 7.

use serde_json::{Map, Value};
use workshop::evidence::Evidence;

use super::{assert_fails, with};

/// The answer's evidence, with a change of each log line that is an object.
pub fn with_lines(change: impl Fn(&mut Map<String, Value>)) -> Evidence {
    with(|evidence| {
        for line in evidence.calm.stdout.iter_mut().chain(&mut evidence.errors.stdout) {
            let mut object: Map<String, Value> = serde_json::from_str(line).unwrap();
            change(&mut object);
            *line = Value::Object(object).to_string();
        }
    })
}

// --- structured-logs ---------------------------------------------------------------------------------------

#[test]
fn one_plain_line_among_json_lines_is_shown() {
    let wrong = with(|evidence| evidence.calm.stdout.insert(3, "got user sakura".to_owned()));
    assert_fails("structured-logs", &wrong, "got user sakura");
}

#[test]
fn lines_that_are_all_text_are_reported() {
    let wrong = with(|evidence| {
        let text = |line: &mut String| *line = "INFO dbQuery".to_owned();
        evidence.calm.stdout.iter_mut().chain(&mut evidence.errors.stdout).for_each(text);
    });
    assert_fails("structured-logs", &wrong, "The lines are text");
}

#[test]
fn a_time_in_another_zone_is_reported() {
    let wrong = with_lines(|line| drop(line.insert("time".to_owned(), "2026-11-24 10:00:00".into())));
    assert_fails("structured-logs", &wrong, "`time` should be like 2026-11-24T10:00:00.123Z");
}

#[test]
fn the_name_of_another_service_is_reported() {
    let wrong = with_lines(|line| drop(line.insert("service".to_owned(), "handson".into())));
    assert_fails("structured-logs", &wrong, r#"service is "handson", and should be "handson-answer""#);
}

#[test]
fn a_missing_datadog_field_is_reported() {
    let wrong = with_lines(|line| drop(line.remove("dd.env")));
    assert_fails("structured-logs", &wrong, "dd.env is null");
}

#[test]
fn an_http_status_called_status_is_reported() {
    let wrong = with_lines(|line| drop(line.insert("status".to_owned(), 200.into())));
    assert_fails("structured-logs", &wrong, "Call it http.response.status_code");
}

#[test]
fn a_message_that_is_nested_is_reported() {
    let wrong = with_lines(|line| {
        let message = line.remove("message").unwrap();
        line.insert("fields".to_owned(), serde_json::json!({ "message": message }));
    });
    assert_fails("structured-logs", &wrong, "`message` should be at the top level");
}

// --- log-correlation ---------------------------------------------------------------------------------------

#[test]
fn a_spelling_that_is_missing_is_named() {
    let wrong = with_lines(|line| drop(line.remove("dd.span_id")));
    assert_fails("log-correlation", &wrong, "dd.span_id is missing");
}

#[test]
fn ids_of_another_request_are_reported() {
    let wrong = with_lines(|line| {
        for key in ["trace.id", "trace_id", "dd.trace_id"] {
            if line.contains_key(key) {
                line.insert(key.to_owned(), "4bf92f3577b34da6a3ce929d0e0e4736".into());
            }
        }
    });
    assert_fails("log-correlation", &wrong, "The lines have ids, but of another trace");
}

#[test]
fn ids_that_are_zero_outside_a_request_are_reported() {
    let wrong = with_lines(|line| {
        if !line.contains_key("trace_id") {
            line.insert("trace_id".to_owned(), "0".repeat(32).into());
        }
    });
    assert_fails("log-correlation", &wrong, "trace_id is all zeros, which is not a valid id");
}

#[test]
fn a_decimal_id_is_reported() {
    let wrong = with_lines(|line| {
        if line.contains_key("dd.span_id") {
            line.insert("dd.span_id".to_owned(), "11803532876627986230".into());
        }
    });
    assert_fails("log-correlation", &wrong, "dd.span_id should be the same 16 lowercase hex digits");
}

#[test]
fn a_span_id_that_names_no_span_is_reported() {
    let wrong = with_lines(|line| {
        for key in ["span.id", "span_id", "dd.span_id"] {
            if let Some(Value::String(id)) = line.get_mut(key) {
                *id = id.chars().rev().collect();
            }
        }
    });
    assert_fails("log-correlation", &wrong, "Both ids come from one span context");
}

#[test]
fn missing_log_records_are_reported() {
    let wrong = with(|evidence| evidence.calm.telemetry.log_records.clear());
    assert_fails("log-correlation", &wrong, "no log record was received in this run, but in a longer one");
    let wrong = with(|evidence| {
        for run in [&mut evidence.calm, &mut evidence.errors] {
            run.telemetry.log_records.clear();
        }
    });
    assert_fails("log-correlation", &wrong, "Build a logger provider with an OTLP exporter");
}

#[test]
fn log_records_without_ids_are_explained_by_another_thread() {
    let wrong = with(|evidence| {
        evidence.calm.telemetry.log_records.iter_mut().for_each(|record| record.trace_id = None)
    });
    assert_fails("log-correlation", &wrong, "is the record made in another thread");
}

#[test]
fn a_log_record_with_other_ids_is_reported() {
    let wrong = with(|evidence| {
        for record in &mut evidence.calm.telemetry.log_records {
            record.trace_id = record.trace_id.as_ref().map(|id| id.chars().rev().collect());
        }
    });
    assert_fails("log-correlation", &wrong, "is the event inside the request's span");
}

#[test]
fn a_log_record_whose_body_is_the_whole_line_is_reported() {
    let wrong = with(|evidence| {
        let run = &mut evidence.calm;
        for record in &mut run.telemetry.log_records {
            let message = format!("\"message\":\"{}\"", record.body.unquoted());
            let own = |line: &&String| {
                line.contains(&message) && record.span_id.as_ref().is_none_or(|id| line.contains(id))
            };
            record.body = run.stdout.iter().find(own).unwrap().as_str().into();
            record.attributes = Default::default();
        }
    });
    assert_fails("log-correlation", &wrong, "The body is the whole JSON line");
}

#[test]
fn log_records_of_the_exporters_own_client_are_reported() {
    let wrong = with(|evidence| {
        let mut record = evidence.calm.telemetry.log_records[0].clone();
        record.severity_number = 1;
        evidence.calm.telemetry.log_records.push(record);
    });
    assert_fails("log-correlation", &wrong, "The bridge needs its own filter");
}

#[test]
fn ids_copied_into_attributes_are_reported() {
    let wrong = with(|evidence| {
        for record in &mut evidence.calm.telemetry.log_records {
            record.attributes.set("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736".into());
        }
    });
    assert_fails("log-correlation", &wrong, "copies in attributes are redundant");
}

// --- errors ------------------------------------------------------------------------------------------------

#[test]
fn an_error_that_is_logged_twice_is_reported() {
    let wrong = with(|evidence| {
        let errors: Vec<String> =
            evidence.errors.stdout.iter().filter(|line| line.contains("ERROR")).cloned().collect();
        evidence.errors.stdout.extend(errors);
        let records = &mut evidence.errors.telemetry.log_records;
        records.extend(records.clone().into_iter().filter(|record| record.severity_number >= 17));
    });
    assert_fails("errors", &wrong, "Log an error once");
}

#[test]
fn an_error_without_kind_message_and_stack_is_reported() {
    let wrong = with_lines(|line| drop(line.remove("error")));
    assert_fails("errors", &wrong, "error is an object with kind, message and stack");
}

#[test]
fn a_user_that_is_kept_from_an_earlier_request_is_reported() {
    let wrong = with(|evidence| {
        let [before, renamed] = evidence.calm.database.user_names().map(str::to_owned);
        assert_ne!(before, renamed);
        evidence.calm.stdout.iter_mut().for_each(|line| *line = line.replace(&renamed, &before));
    });
    assert_fails(
        "structured-logs",
        &wrong,
        "The query must run in every request, and nothing of it may be kept",
    );
}

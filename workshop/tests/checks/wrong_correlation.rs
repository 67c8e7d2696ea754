//! Mistakes in ids that are only in a few lines or records, for step 6.

use otlp::model::LogRecord;
use serde_json::{Map, Value};
use workshop::evidence::Evidence;

use super::{assert_fails, with};

const STEP: &str = "log-correlation";
const IDS: [&str; 6] = ["trace.id", "trace_id", "dd.trace_id", "span.id", "span_id", "dd.span_id"];

/// The answer's evidence, with a change of the ERROR lines that `which` selects by their number.
fn with_error_lines(which: impl Fn(usize) -> bool, change: impl Fn(&mut Map<String, Value>)) -> Evidence {
    with(|evidence| {
        let lines = evidence.errors.stdout.iter_mut().filter(|line| line.contains(r#""level":"ERROR""#));
        for (_, line) in lines.enumerate().filter(|(index, _)| which(*index)) {
            let mut object: Map<String, Value> = serde_json::from_str(line).unwrap();
            change(&mut object);
            *line = Value::Object(object).to_string();
        }
    })
}

/// The answer's evidence, with a change of the records of its failing run.
fn with_records(change: impl FnOnce(&mut Vec<LogRecord>)) -> Evidence {
    with(|evidence| change(&mut evidence.errors.telemetry.log_records))
}

fn is_error(record: &LogRecord) -> bool {
    record.severity_number >= 17
}

#[test]
fn one_span_id_in_the_lines_of_several_traces_is_reported_as_that() {
    let wrong = with_error_lines(
        |_| true,
        |line| IDS[3..].iter().for_each(|key| line[*key] = "00000000000000aa".into()),
    );
    assert_fails(STEP, &wrong, "traces have this span id, so it is not that of a span");
}

#[test]
fn one_of_six_ids_in_the_lines_of_failures_is_too_few() {
    let wrong = with_error_lines(
        |_| true,
        |line| line.retain(|name, _| name == "trace_id" || !IDS.contains(&name.as_str())),
    );
    assert_fails(STEP, &wrong, "trace.id should be the same 32 lowercase hex digits as the others");
}

#[test]
fn a_decimal_id_in_a_line_of_a_failure_is_reported() {
    let wrong =
        with_error_lines(|_| true, |line| drop(line.insert("dd.span_id".to_owned(), "1180353287".into())));
    assert_fails(STEP, &wrong, "dd.span_id should be the same 16 lowercase hex digits as the others");
}

#[test]
fn error_lines_without_ids_do_not_match_their_records() {
    let wrong = with_error_lines(|_| true, |line| line.retain(|name, _| !IDS.contains(&name.as_str())));
    assert_fails(STEP, &wrong, "no line; 1 log record at ERROR");
}

#[test]
fn a_query_without_ids_among_others_with_ids_is_reported() {
    let wrong = with(|evidence| {
        let line = evidence.errors.stdout.iter_mut().find(|line| line.contains("dbQuery")).unwrap();
        let mut object: Map<String, Value> = serde_json::from_str(line).unwrap();
        object.retain(|name, _| !IDS.contains(&name.as_str()));
        *line = Value::Object(object).to_string();
    });
    assert_fails(STEP, &wrong, "Other lines with this message contain ids, but this one does not");
}

#[test]
fn a_duplicate_id_in_a_line_is_reported() {
    let wrong = with(|evidence| {
        let line = evidence.calm.stdout.iter_mut().find(|line| line.contains("dbQuery")).unwrap();
        *line = line.replace('}', r#","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#);
        let object: Map<String, Value> = serde_json::from_str(line).unwrap();
        // A parser keeps the last one, so both have the same value here.
        let last = object["trace.id"].as_str().unwrap();
        *line = line.replace("4bf92f3577b34da6a3ce929d0e0e4736", last);
    });
    assert_fails(STEP, &wrong, "trace_id is in the line 2 times");
}

#[test]
fn a_line_at_the_end_with_the_ids_of_the_last_request_is_reported() {
    let wrong = with(|evidence| {
        let ids = evidence.calm.stdout.iter().rfind(|line| line.contains("dbQuery")).unwrap();
        let ids: Map<String, Value> = serde_json::from_str(ids).unwrap();
        let last = evidence.calm.stdout.last_mut().unwrap();
        assert!(last.contains("stopping"), "{last}");
        let mut object: Map<String, Value> = serde_json::from_str(last).unwrap();
        object.extend(ids.into_iter().filter(|(name, _)| IDS.contains(&name.as_str())));
        *last = Value::Object(object).to_string();
    });
    assert_fails(STEP, &wrong, "did not run at that time");
}

#[test]
fn records_that_are_all_info_are_reported() {
    let wrong = with_records(|records| records.iter_mut().for_each(|record| record.severity_number = 9));
    assert_fails(STEP, &wrong, "1 line at ERROR; 1 log record at INFO");
}

#[test]
fn records_that_are_sent_twice_are_reported() {
    let wrong = with_records(|records| records.extend(records.clone()));
    assert_fails(STEP, &wrong, "A record without a line");
}

#[test]
fn records_of_failures_that_are_not_sent_or_have_no_ids_are_reported() {
    let wrong = with_records(|records| records.retain(|record| !is_error(record)));
    assert_fails(STEP, &wrong, "1 line at ERROR; no log record");
    let wrong = with_records(|records| {
        records.iter_mut().filter(|record| is_error(record)).for_each(|record| record.trace_id = None);
    });
    assert_fails(STEP, &wrong, "1 line at ERROR; no log record");
}

//! Mistakes in the form, the fields and the times of log lines, for step 1.

use serde_json::{Map, Value};
use workshop::evidence::Evidence;

use super::wrong_logs::with_lines;
use super::{assert_fails, with};

const STEP: &str = "structured-logs";

/// The answer's evidence, with another value of this field in all lines that have it.
fn with_field(name: &str, value: impl Fn(&Value) -> Value) -> Evidence {
    with_lines(|line| {
        if let Some(old) = line.get(name) {
            let new = value(old);
            line.insert(name.to_owned(), new);
        }
    })
}

fn without_field(name: &str) -> Evidence {
    with_lines(|line| drop(line.remove(name)))
}

#[test]
fn fields_of_an_event_that_are_missing_are_named() {
    assert_fails(
        STEP,
        &without_field("user.name"),
        "user.name is missing: a line also has the event's own fields",
    );
    assert_fails(STEP, &without_field("server.port"), "no line has the field server.port");
    assert_fails(STEP, &without_field("server.address"), "server.address is missing");
}

#[test]
fn fields_of_another_type_are_shown_with_the_right_one() {
    let wrong = with_field("server.port", |port| port.to_string().into());
    assert_fails(STEP, &wrong, "a field keeps its type");
    let wrong = with_field("user.id", |_| 1.into());
    assert_fails(STEP, &wrong, r#"user.id is 1, and should be "1""#);
}

#[test]
fn fields_with_another_value_are_shown_with_the_right_one() {
    let wrong = with_field("user.name", |_| "user".into());
    assert_fails(STEP, &wrong, r#"user.name is "user", and should be "sakura-"#);
    let wrong = with_field("user.name", |name| format!("{name}").into());
    assert_fails(STEP, &wrong, r#"user.name is "\"sakura-"#);
    let wrong = with_field("server.port", |_| 8080.into());
    assert_fails(STEP, &wrong, "server.port is 8080, and should be ");
    let wrong = with_field("server.address", |_| "0.0.0.0".into());
    assert_fails(STEP, &wrong, r#"server.address is "0.0.0.0", and should be "127.0.0.1""#);
}

#[test]
fn the_time_of_the_first_line_in_all_lines_is_reported() {
    let wrong = with(|evidence| {
        for run in [&mut evidence.calm, &mut evidence.errors] {
            let first: Map<String, Value> = serde_json::from_str(&run.stdout[0]).unwrap();
            for line in &mut run.stdout {
                let mut object: Map<String, Value> = serde_json::from_str(line).unwrap();
                object.insert("time".to_owned(), first["time"].clone());
                *line = Value::Object(object).to_string();
            }
        }
    });
    assert_fails(STEP, &wrong, "take the time of each event");
}

#[test]
fn a_local_time_that_is_called_utc_is_reported() {
    let wrong = with_field("time", |time| {
        let time = humantime::parse_rfc3339(time.as_str().unwrap()).unwrap();
        let tokyo = time + std::time::Duration::from_secs(9 * 3600);
        humantime::format_rfc3339_micros(tokyo).to_string().into()
    });
    assert_fails(STEP, &wrong, "No line of this run was logged at that time");
}

#[test]
fn objects_over_several_lines_are_shown_with_line_and_column() {
    let wrong = with(|evidence| {
        let lines = evidence.calm.stdout.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let lines: Vec<String> = lines.map(|line| serde_json::to_string_pretty(&line).unwrap()).collect();
        evidence.calm.stdout = lines.join("\n").lines().map(str::to_owned).collect();
    });
    assert_fails(STEP, &wrong, "first line 1, column 1 (EOF while parsing an object):\n{");
    assert_fails(STEP, &wrong, "write it compact, not pretty-printed");
}

#[test]
fn a_line_break_in_a_string_is_shown_with_line_and_column() {
    let mut column = 0;
    let wrong = with(|evidence| {
        let line = evidence.calm.stdout.remove(2);
        let (first, second) = line.split_at(line.find("dbQuery").unwrap() + 2);
        column = first.len();
        evidence.calm.stdout.splice(2..2, [first.to_owned(), second.to_owned()]);
    });
    let words = format!(
        "2 of {} lines are not JSON objects, first line 3, column {column} (EOF while parsing a string)",
        lines(&wrong)
    );
    assert_fails(STEP, &wrong, &words);
}

#[test]
fn a_quote_that_is_not_escaped_is_shown_with_line_and_column() {
    let mut column = 0;
    let wrong = with(|evidence| {
        let line = &mut evidence.calm.stdout[2];
        *line = line.replace("dbQuery", "the \"query\"");
        column = line.find("query\\").or(line.find("query\"")).unwrap() + 1;
    });
    assert_fails(STEP, &wrong, &format!("first line 3, column {column} ("));
    assert_fails(STEP, &wrong, "Let a JSON library write names and values");
}

#[test]
fn json_that_is_not_an_object_is_reported() {
    let wrong = with(|evidence| evidence.calm.stdout.insert(0, "[1, 2]".to_owned()));
    assert_fails(STEP, &wrong, "It is JSON, but not an object");
}

fn lines(evidence: &Evidence) -> usize {
    evidence.calm.stdout.len() + evidence.errors.stdout.len()
}

//! The members of a line and their types.

use std::time::SystemTime;

use instrumentation::Identity;
use instrumentation::json_lines::JsonLines;
use serde_json::{Value, json};

use super::{identity, logged, only_line};

/// Whether the text is a current time: it must begin with the year.
fn is_now(time: &str) -> bool {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let days = seconds / 86_400;
    // The exact date would need a calendar. The year is enough to distinguish a time from an uptime.
    let year = (1970 + days * 400 / 146_097).to_string();
    time.starts_with(&year) && time.ends_with('Z') && time.as_bytes()[10] == b'T' && time.len() == 27
}

#[test]
fn a_line_has_time_level_message_and_identity() {
    let mut line = only_line(|| tracing::warn!("disk is almost full"));
    let time = line.remove("time").expect("a time");
    assert!(is_now(time.as_str().expect("a text")), "{time}");
    assert_eq!(
        Value::Object(line),
        json!({
            "level": "WARN", "message": "disk is almost full",
            "service": "handson-sakura", "env": "test", "version": "0.1.0+3d3c42e",
            "dd.service": "handson-sakura", "dd.env": "test", "dd.version": "0.1.0+3d3c42e",
        })
    );
}

#[test]
fn commit_and_repository_are_present_if_they_are_known() {
    let known = Identity {
        commit: Some("3d3c42e0".into()),
        repository: Some("https://git.example/shop".into()),
        ..identity()
    };
    let lines = logged(JsonLines::new(&known), || tracing::info!("hello"));
    let line = lines.objects().remove(0);
    for name in ["git.commit.sha", "dd.git.commit.sha"] {
        assert_eq!(line[name], "3d3c42e0", "{name}");
    }
    for name in ["git.repository", "dd.git.repository"] {
        assert_eq!(line[name], "https://git.example/shop", "{name}");
    }
}

#[test]
fn each_level_has_its_name() {
    let lines = logged(JsonLines::new(&identity()), || {
        tracing::trace!("a");
        tracing::debug!("a");
        tracing::info!("a");
        tracing::warn!("a");
        tracing::error!("a");
    });
    let levels: Vec<_> = lines.objects().iter().map(|line| line["level"].clone()).collect();
    assert_eq!(levels, ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]);
}

#[test]
fn fields_keep_their_types() {
    let cause: &(dyn std::error::Error + 'static) = &std::io::Error::other("disk full");
    let line = only_line(|| {
        tracing::info!(
            text = "a text",
            number = -7,
            unsigned = u64::MAX,
            fraction = 0.5,
            yes = true,
            debug = ?Some("x"),
            display = %"y",
            some = Some(1),
            none = None::<i64>,
            cause,
            user.id = "1",
            "with fields"
        );
    });
    assert_eq!(line["text"], "a text");
    assert_eq!(line["number"], -7);
    assert_eq!(line["unsigned"], u64::MAX);
    assert_eq!(line["fraction"], 0.5);
    assert_eq!(line["yes"], true);
    assert_eq!(line["debug"], r#"Some("x")"#);
    assert_eq!(line["display"], "y");
    assert_eq!(line["some"], 1);
    assert_eq!(line.get("none"), None);
    assert_eq!(line["cause"], "disk full");
    assert_eq!(line["user.id"], "1");
    assert_eq!(line["message"], "with fields");
}

/// Most JSON parsers round numbers of 128 bits, so the digits are written as a string.
#[test]
fn integers_of_128_bits_keep_all_their_digits() {
    let line = only_line(|| tracing::info!(most = u128::MAX, least = i128::MIN, "wide"));
    assert_eq!(line["most"], u128::MAX.to_string());
    assert_eq!(line["least"], i128::MIN.to_string());
}

/// JSON has no such numbers.
#[test]
fn floats_that_are_not_numbers_are_null() {
    let line = only_line(|| {
        tracing::info!(nan = f64::NAN, infinity = f64::INFINITY, negative = f64::NEG_INFINITY, "strange");
    });
    for name in ["nan", "infinity", "negative"] {
        assert_eq!(line[name], Value::Null, "{name}");
    }
}

#[test]
fn an_exception_is_a_nested_object() {
    let line = only_line(|| {
        tracing::error!(
            {
                exception.r#type = "DatabaseError",
                exception.message = "no such table: \"users\"",
                exception.stacktrace = "DatabaseError\n  at src/db.rs:42",
                http.response.status_code = 500,
            },
            "the request has failed"
        );
    });
    assert_eq!(
        line["error"],
        json!({
            "kind": "DatabaseError",
            "message": "no such table: \"users\"",
            "stack": "DatabaseError\n  at src/db.rs:42",
        })
    );
    assert_eq!(line["http.response.status_code"], 500);
    assert_eq!(line["message"], "the request has failed");
    assert!(!line.keys().any(|name| name.starts_with("exception")), "{line:?}");
}

#[test]
fn a_line_without_an_exception_has_no_error() {
    assert_eq!(only_line(|| tracing::error!("no cause is known")).get("error"), None);
}

#[test]
fn an_event_without_a_message_has_its_name_as_message() {
    let named = only_line(|| tracing::info!(name: "order.paid", amount = 3));
    assert_eq!((&named["message"], &named["amount"]), (&json!("order.paid"), &json!(3)));
    let both = only_line(|| tracing::info!(name: "order.paid", "paid {}", 3));
    assert_eq!(both["message"], "paid 3");
}

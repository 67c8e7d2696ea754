//! The step `delivery` with constructed evidence: right evidence passes, and each mistake is reported with
//! the intended message.

mod constructed;

use std::time::Duration;

use otlp::model::Data;
use serde_json::{Value, json};
use workshop::evidence::{Answer, DeliveryRun, Ending, Evidence, Fault, NoAnswer};

use super::failures;
use constructed::{LOST_RECORDS, LOST_SPANS, PASSWORD, REQUESTS, SECOND, START, record, right, spans};

const STEP: &str = "delivery";

/// What the step reports about right evidence in which the run with this fault was changed.
fn reported(fault: Fault, change: impl FnOnce(&mut DeliveryRun)) -> String {
    let mut evidence = right();
    let runs = evidence.delivery.as_mut().unwrap().as_mut().unwrap();
    change(runs.iter_mut().find(|run| run.fault == fault).unwrap());
    failures(STEP, &evidence)
}

#[track_caller]
fn assert_fails(fault: Fault, words: &str, change: impl FnOnce(&mut DeliveryRun)) {
    let reported = reported(fault, change);
    assert!(reported.contains(words), "{STEP} should report {words:?}, but reports:\n{reported}");
    assert!(reported.contains(&fault.text().to_string()), "the fault is not named: {reported}");
}

/// Changes a log line, counted from the end: 1 is the line that reports the end, 2 the one that reports the
/// beginning.
fn change_line(run: &mut DeliveryRun, from_the_end: usize, change: impl FnOnce(&mut Value)) {
    let at = run.stdout.len() - from_the_end;
    let mut line = serde_json::from_str(&run.stdout[at]).unwrap();
    change(&mut line);
    run.stdout[at] = line.to_string();
}

#[test]
fn delivery_passes_if_one_line_reports_the_beginning_and_one_the_end_with_right_numbers() {
    assert_eq!(failures(STEP, &right()), "");
}

#[test]
fn delivery_passes_with_nested_fields_an_end_at_info_and_an_error_that_is_an_object() {
    let reported = reported(Fault::Hangs, |run| {
        change_line(run, 1, |line| {
            line["level"] = "INFO".into();
            line["handson"] = json!({ "dropped": { "spans": LOST_SPANS, "log_records": LOST_RECORDS } });
            line.as_object_mut().unwrap().retain(|name, _| !name.starts_with("handson.dropped."));
        });
        change_line(run, 2, |line| {
            line["level"] = "ERROR".into();
            line["error.type"] = json!({ "kind": "Timeout", "message": "operation timed out" });
        });
    });
    assert_eq!(reported, "");
}

#[test]
fn delivery_passes_if_the_last_line_does_not_count_its_own_record() {
    let reported = reported(Fault::HangsToTheEnd, |run| drop(run.accepted.log_records.pop()));
    assert_eq!(reported, "");
}

#[test]
fn delivery_is_not_judged_if_it_was_not_requested() {
    let evidence = Evidence { delivery: None, ..right() };
    assert!(workshop::checks::judge(STEP, &evidence).is_none());
}

#[test]
fn delivery_fails_if_the_service_does_not_start_without_a_collector() {
    let evidence = Evidence { delivery: Some(Err("exit status 1".to_owned().into())), ..right() };
    assert!(failures(STEP, &evidence).contains("not even at the start"));
}

#[test]
fn delivery_fails_if_a_request_fails_or_waits() {
    assert_fails(Fault::Answers(400), "status 500", |run| {
        run.during[0].answer = Ok(Answer { status: 500, headers: Vec::new(), body: String::new() });
    });
    assert_fails(Fault::Slow, "The request waits for the exporter", |run| {
        run.during[0].answer = Err(NoAnswer::TimedOut(Duration::from_secs(10)));
    });
    assert_fails(Fault::Hangs, "a request took 2000 ms; before the fault, the slowest took 10 ms", |run| {
        run.during[1].answered = run.during[1].sent + 2 * SECOND;
    });
}

#[test]
fn delivery_fails_if_the_service_does_not_end() {
    assert_fails(Fault::HangsToTheEnd, "The last export needs its own timeout", |run| {
        run.ending = Ending::Killed(Duration::from_secs(10));
    });
    assert_fails(Fault::Down, "exit status 1", |run| {
        run.ending = Ending::Ended { status: Some(1), after: Duration::from_secs(1) };
    });
}

#[test]
fn delivery_fails_if_the_beginning_of_a_loss_is_missing_or_wrong() {
    assert_fails(Fault::Down, "Telemetry is lost silently", |run| run.stdout.truncate(REQUESTS));
    assert_fails(
        Fault::Down,
        "`handson.otlp.endpoint` should name where telemetry is sent, here 127.0.0.1:4318",
        |run| {
            change_line(run, 2, |line| line["handson.otlp.endpoint"] = "http://127.0.0.1:4317".into());
        },
    );
    assert_fails(Fault::Slow, "`error.type` should name the reason", |run| {
        change_line(run, 2, |line| drop(line.as_object_mut().unwrap().remove("error.type")));
    });
    assert_fails(Fault::Slow, "it was logged by the request that found the queue full", |run| {
        change_line(run, 2, |line| line["trace_id"] = "0af7651916cd43dd8448eb211c80319c".into());
    });
    assert_fails(Fault::Hangs, "was logged before anything went wrong", |run| {
        change_line(run, 2, |line| line["time"] = "2026-11-24T10:00:01Z".into());
        run.fault_began = START + 5 * SECOND;
    });
    assert_fails(Fault::Hangs, "was logged only after the collector had recovered", |run| {
        change_line(run, 2, |line| line["time"] = "2026-11-24T10:00:08.500Z".into());
    });
}

#[test]
fn delivery_fails_if_every_failed_export_is_logged() {
    assert_fails(Fault::Answers(503), "3 lines report loss", |run| {
        let line = run.stdout[run.stdout.len() - 2].clone();
        run.stdout.insert(REQUESTS + 1, line);
        run.accepted.log_records.push(record());
    });
}

#[test]
fn delivery_fails_if_the_end_of_a_loss_is_missing_or_wrong() {
    assert_fails(Fault::HangsToTheEnd, "Nothing reports that the loss is over", |run| drop(run.stdout.pop()));
    for (name, value) in [
        ("handson.dropped.spans", json!("7")),
        ("handson.dropped.log_records", json!(2.5)),
        ("handson.dropped.log_records", Value::Null),
    ] {
        assert_fails(Fault::Hangs, &format!("`{name}` should be an integer"), |run| {
            change_line(run, 1, |line| line[name] = value);
        });
    }
    assert_fails(Fault::Hangs, "was logged while the collector still accepted nothing", |run| {
        change_line(run, 1, |line| line["time"] = "2026-11-24T10:00:07.000Z".into());
    });
}

#[test]
fn delivery_fails_if_a_reported_number_is_wrong() {
    for fault in Fault::ALL {
        assert_fails(fault, "handson.dropped.spans = 8, and 7 spans did not arrive", |run| {
            change_line(run, 1, |line| line["handson.dropped.spans"] = 8.into());
        });
        assert_fails(fault, "handson.dropped.spans = 7, and 8 spans did not arrive", |run| {
            run.accepted.spans.pop();
        });
        assert_fails(fault, "handson.dropped.log_records = 3, and 2 log records did not arrive", |run| {
            change_line(run, 1, |line| line["handson.dropped.log_records"] = 3.into());
        });
    }
    assert_fails(Fault::Slow, "handson.dropped.log_records = 2, and 3 log records did not arrive", |run| {
        run.accepted.log_records.pop();
    });
}

#[test]
fn delivery_passes_if_an_item_arrives_twice_and_is_counted_as_arrived() {
    let reported = reported(Fault::Hangs, |run| {
        let span = run.accepted.spans[0].clone();
        run.accepted.spans.push(span);
    });
    assert_eq!(reported, "");
}

#[test]
fn delivery_fails_if_a_full_queue_loses_nothing() {
    assert_fails(Fault::Slow, "The queue must be bounded by OTEL_BSP_MAX_QUEUE_SIZE", |run| {
        run.accepted.spans = spans();
        change_line(run, 1, |line| line["handson.dropped.spans"] = 0.into());
    });
}

#[test]
fn delivery_fails_if_the_metrics_have_other_numbers() {
    assert_fails(Fault::Slow, "otel.sdk.processor.log.processed was not exported", |run| {
        run.accepted.metrics.retain(|metric| !metric.name.contains("log"));
    });
    assert_fails(
        Fault::Slow,
        "otel.sdk.processor.span.processed with error.type=\"queue_full\" is 3, and 7 were dropped",
        |run| drop(run.accepted.metrics.remove(1)),
    );
    assert_fails(Fault::Slow, "is 0, and 7 were dropped", |run| {
        for metric in &mut run.accepted.metrics {
            let Data::Sum { points, .. } = &mut metric.data else { panic!("{metric:?}") };
            points.iter_mut().for_each(|point| point.attributes = Default::default());
        }
    });
}

#[test]
fn delivery_fails_after_a_retry_of_400_and_passes_after_a_retry_of_503() {
    let again = |run: &mut DeliveryRun| {
        let span = run.refused.spans[0].clone();
        run.refused.spans.push(span);
    };
    assert_fails(Fault::Answers(400), "span 0000000000000000 (GET) was sent more than once", again);
    assert_eq!(reported(Fault::Answers(503), again), "");
}

#[test]
fn delivery_fails_if_the_password_of_the_endpoint_is_logged_and_does_not_repeat_it() {
    let endpoint = format!("http://workshop:{PASSWORD}@127.0.0.1:4318");
    let with_password =
        |run: &mut DeliveryRun| change_line(run, 2, |line| line["handson.otlp.endpoint"] = endpoint.into());
    assert_fails(Fault::Down, "http://workshop:***@127.0.0.1:4318", with_password);
    let reported = reported(Fault::Down, |run| run.stderr.push(format!("cannot reach {PASSWORD}@localhost")));
    assert!(reported.contains("cannot reach ***@localhost"), "{reported}");
    assert!(!reported.contains(PASSWORD), "{reported}");
}

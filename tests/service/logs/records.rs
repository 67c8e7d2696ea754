//! Log records over OTLP have the same content as the lines, in the fields that OTLP has for it.

use serde_json::json;

use crate::support::assert_holds;
use crate::support::queries::Queries;
use crate::support::service::Setup;
use otlp::Receiver;
use otlp::model::LogRecord;

/// `SeverityNumber` of OTLP.
const INFO: i32 = 9;
const ERROR: i32 = 17;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_body_severity_and_ids_in_their_own_fields() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let answer = service.get("/handson").await;
    service.stop().await;

    let received = collector.telemetry();
    let records: Vec<&LogRecord> = received.log_records.iter().filter(|r| r.body == "dbQuery").collect();
    let [record] = records[..] else { panic!("one record a request") };
    assert_eq!((record.severity_number, record.severity_text.as_str()), (INFO, "INFO"));
    assert_eq!(record.trace_id, Some(answer.trace_id()));
    assert_eq!(record.span_id.as_ref(), Some(&received.span("handson.dbQuery").span_id));
    let said_elsewhere = ["trace", "span", "dd.", "service", "env", "version", "git.", "level", "message"];
    for (name, _) in record.attributes.iter() {
        let copy = said_elsewhere.iter().any(|start| name.starts_with(start));
        assert!(!copy, "{name} has a place of its own: {record:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_one_record_with_the_exception() {
    let collector = Receiver::start().await.unwrap();
    let setup = Setup::exporting_to(&collector).with("RANDOM_ERROR_RATE", "1");
    let service = setup.start().await;
    let answer = service.get("/handson").await;
    let output = service.stop().await;

    let received = collector.telemetry();
    let errors: Vec<&LogRecord> =
        received.log_records.iter().filter(|r| r.severity_number == ERROR).collect();
    let [record] = errors[..] else { panic!("one record of the failure") };
    let line = &output.at_level("ERROR")[0];
    assert_eq!(record.body, line["message"]);
    assert_eq!(record.trace_id, Some(answer.trace_id()));
    assert_holds(
        &record.attributes,
        &json!({
            "exception.type": line["error"]["kind"],
            "exception.message": line["error"]["message"],
            "exception.stacktrace": line["error"]["stack"],
        }),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_as_many_records_as_lines() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).with("RANDOM_ERROR_RATE", "0.5").start().await;
    for _ in 0..10 {
        service.get("/handson").await;
    }
    let output = service.stop().await;

    let records = collector.telemetry().log_records;
    // In OTLP, records are grouped by the module that logged them.
    let mut bodies: Vec<String> = records.iter().map(|record| record.body.to_string()).collect();
    let mut messages: Vec<String> = output.lines.iter().map(|line| line["message"].to_string()).collect();
    bodies.sort();
    messages.sort();
    assert_eq!(bodies, messages);
    for record in &records {
        let in_a_request = record.body == "dbQuery" || record.severity_text == "ERROR";
        assert_eq!(record.trace_id.is_some(), in_a_request, "{record:#?}");
    }
}

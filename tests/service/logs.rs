//! Log lines on stdout, and the same records over OTLP.

mod records;

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::assert_holds;
use crate::support::queries::Queries;
use crate::support::service::Setup;
use otlp::Receiver;

/// The names of the ids that different tools use to link logs with traces.
const TRACE_IDS: [&str; 3] = ["trace.id", "trace_id", "dd.trace_id"];
const SPAN_IDS: [&str; 3] = ["span.id", "span_id", "dd.span_id"];

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_a_json_object_with_the_fields_of_the_contract() {
    let collector = Receiver::start().await.unwrap();
    let setup = Setup::exporting_to(&collector).with("BACKEND_NAME", "backend-sakura");
    let service = setup.with("ENV", "test").start().await;
    service.get("/handson").await;
    let output = service.stop().await;

    assert_eq!(output.lines.len(), output.stdout.len(), "every line is JSON");
    let version = output.lines[0]["version"].as_str().unwrap();
    assert!(version.starts_with(env!("CARGO_PKG_VERSION")), "{version}");
    for line in &output.lines {
        let (service, env) = ("handson-sakura", "test");
        assert_holds(
            line,
            &json!({
                "service": service, "env": env, "version": version,
                "dd.service": service, "dd.env": env, "dd.version": version,
            }),
        );
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
        assert_is_now(&line["time"]);
        // The commit is known if the program was built in a clone.
        assert_eq!(line.get("git.commit.sha"), line.get("dd.git.commit.sha"), "{line}");
        assert_eq!(line.get("git.repository"), line.get("dd.git.repository"), "{line}");
        assert_eq!(line.get("git.commit.sha").is_some(), version.contains('+'), "{line}");
        assert_eq!(line.get("status"), None, "Datadog would take it for the level: {line}");
    }
}

/// The time must be RFC 3339 in UTC.
fn assert_is_now(time: &Value) {
    let text = time.as_str().unwrap();
    assert!(text.ends_with('Z'), "{text}");
    let time = humantime::parse_rfc3339(text).unwrap();
    let distance = SystemTime::now().duration_since(time).unwrap_or_else(|ahead| ahead.duration());
    assert!(distance < Duration::from_secs(60), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ids_of_a_line_are_those_of_the_trace_in_all_spellings() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let answer = service.get("/handson").await;
    let output = service.stop().await;

    let received = collector.telemetry();
    let [line] = output.with_message("dbQuery")[..] else { panic!("one line a request") };
    for name in TRACE_IDS {
        assert_eq!(line[name], answer.trace_id(), "{name} in {line}");
    }
    for name in SPAN_IDS {
        assert_eq!(line[name], received.span("handson.dbQuery").span_id, "{name} in {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_outside_a_request_has_no_ids() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let output = service.stop().await;

    assert!(!output.lines.is_empty());
    for line in &output.lines {
        for name in TRACE_IDS.iter().chain(&SPAN_IDS) {
            assert_eq!(line.get(name), None, "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_line_has_version_address_destination_and_httpbin() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).start().await;
    let port = service.port;
    let output = service.stop().await;

    let line = &output.lines[0];
    assert_holds(
        line,
        &json!({
            "level": "INFO",
            "server.address": "127.0.0.1",
            "server.port": port,
            "handson.telemetry": format!("{} (http/protobuf)", collector.endpoint()),
        }),
    );
    let version = line["version"].as_str().unwrap();
    let message = format!("handson {version} listens on http://127.0.0.1:{port}");
    assert_eq!(line["message"], message);
    let httpbin = line["handson.httpbin.url"].as_str().unwrap();
    assert!(httpbin.starts_with("http://127.0.0.1:"), "the embedded stand-in: {httpbin}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_logs_one_line() {
    let service = Setup::new().start().await;
    for _ in 0..3 {
        service.get("/handson").await;
    }
    let before = service.output().lines.len();
    let output = service.stop().await;

    assert_eq!(output.with_message("dbQuery").len(), 3);
    assert!(before <= 1 + 3, "the start-up line and one a request: {:#?}", output.lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_logs_one_line_with_kind_message_and_stack() {
    let service = Setup::new().with("RANDOM_ERROR_RATE", "1").start().await;
    service.get("/handson").await;
    let output = service.stop().await;

    let [line] = output.at_level("ERROR")[..] else { panic!("one line") };
    assert_eq!(line["error"]["kind"], "RandomError", "{line}");
    assert!(!line["error"]["message"].as_str().unwrap().is_empty(), "{line}");
    assert!(line["error"]["stack"].as_str().unwrap().contains("src/"), "{line}");
    assert_eq!(line["error"].as_object().unwrap().len(), 3, "{line}");
    assert_eq!(line.get("exception.type"), None, "reported once: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_format_is_readable() {
    let service = Setup::new().with("LOG_FORMAT", "text").start().await;
    service.get("/handson").await;
    let output = service.stop().await;

    assert!(output.lines.is_empty(), "no JSON: {output:#?}");
    let first = &output.stdout[0];
    assert!(first.contains("INFO") && first.contains("listens on"), "{first}");
    assert!(output.stdout.iter().any(|line| line.contains("dbQuery")), "{output:#?}");
    assert!(!output.stdout.concat().contains('\u{1b}'), "no colours where no terminal reads");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_can_be_set_and_rust_log_overrides_it() {
    let levels = [
        (None, None, true),
        (Some("warn"), None, false),
        (Some("warn"), Some("info"), true),
        (Some("info"), Some("handson=warn"), false),
    ];
    for (log_level, rust_log, logs) in levels {
        let mut setup = Setup::new();
        for (name, value) in [("LOG_LEVEL", log_level), ("RUST_LOG", rust_log)] {
            setup = value.iter().fold(setup, |setup, value| setup.with(name, value));
        }
        // Without the start-up line, the test must know the port.
        let port = crate::support::ClosedPort::new().number();
        let service = setup.start_on(port).await;
        assert_eq!(service.get("/handson").await.status, 200);
        let output = service.stop().await;
        let logged = output.with_message("dbQuery").len() == 1;
        assert_eq!(logged, logs, "LOG_LEVEL={log_level:?} RUST_LOG={rust_log:?}: {output:#?}");
    }
}

//! The console shows the lines of the service until the service sends log records over OTLP.

use serde_json::Value;

use super::{SERVICE, Up, repository};

/// The service, with this code at its start. The local httpbin is the same program with arguments, and works
/// without that code.
fn service_that(code: &str) -> String {
    SERVICE.replace("println!(\"version 0\");", &format!("if arguments.len() == 1 {{ {code} }}"))
}

/// Sends one log record over OTLP/JSON, and waits for the answer.
const EXPORT: &str = r##"
    let endpoint = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap();
    let address = endpoint.trim_start_matches("http://");
    let body = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"handson-sakura"}}]},
        "scopeLogs":[{"logRecords":[{"body":{"stringValue":"over OTLP"}}]}]}]}"#;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "POST /v1/logs HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
        content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
"##;

/// The log records of the page, newest first, each with the name of its scope.
fn records(page: &Value) -> Vec<(String, Value)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut records = Vec::new();
    for resource in list(&page["resourceLogs"]) {
        for scope in list(&resource["scopeLogs"]) {
            let name = scope["scope"]["name"].as_str().unwrap_or_default().to_owned();
            records.extend(list(&scope["logRecords"]).into_iter().map(|record| (name.clone(), record)));
        }
    }
    records
}

fn bodies(page: &Value) -> Vec<String> {
    let body = |(_, record): (String, Value)| record["body"]["stringValue"].as_str().unwrap_or("").to_owned();
    records(page).into_iter().map(body).collect()
}

fn has_body(page: &Value, text: &str) -> bool {
    bodies(page).iter().any(|body| body.contains(text))
}

fn attribute(record: &Value, key: &str) -> Value {
    let attributes = record["attributes"].as_array().cloned().unwrap_or_default();
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    found.map(|attribute| attribute["value"].clone()).unwrap_or_default()
}

impl Up<'_> {
    /// The log records of the service, as soon as one has a body with `text`.
    #[track_caller]
    fn logs_with(&self, text: &str) -> Value {
        self.page("/logs?service=handson-sakura&last=all", |page| has_body(page, text))
    }
}

#[test]
fn the_lines_of_the_service_are_shown_before_it_sends_log_records() {
    let repository = repository();
    let code = r##"
        println!("\x1b[32mINFO\x1b[0m dbQuery user.id=\"1\"");
        println!();
        eprintln!("a warning");
        std::io::stdout().write_all(b"bytes \xe9 \xff\n").unwrap();
        println!("{}", "x".repeat(3_000_000));
        println!(r#"{{"time":"2026-01-02T03:04:05Z","level":"WARN","message":"as JSON","user.id":"1"}}"#);
        println!("version 0");
    "##;
    let up = Up::start_with(&repository, &service_that(code), &["--rate", "0"]);
    // Lines of one stream are added in their order, but the two streams are independent.
    up.logs_with("a warning");
    let page = up.logs_with("version 0");
    let records = records(&page);
    let found = |text: &str| {
        let found = records.iter().filter(|(_, record)| {
            record["body"]["stringValue"].as_str().is_some_and(|body| body.contains(text))
        });
        let found: Vec<&(String, Value)> = found.collect();
        assert_eq!(found.len(), 1, "{text:?} in {page:#}");
        &found[0].1
    };
    let text = found("dbQuery");
    assert_eq!(text["body"]["stringValue"], "INFO dbQuery user.id=\"1\"", "without colours");
    assert_eq!(attribute(text, "log.iostream")["stringValue"], "stdout");
    assert_eq!(text["severityNumber"].as_i64().unwrap_or_default(), 0, "no level is invented: {text:#}");
    assert_eq!(attribute(found("a warning"), "log.iostream")["stringValue"], "stderr");
    found("bytes \u{fffd} \u{fffd}");
    let json = found("as JSON");
    assert_eq!(json["severityText"], "WARN");
    assert_eq!(json["timeUnixNano"], "1767323045000000000");
    assert_eq!(attribute(json, "user.id")["stringValue"], "1");
    let long: Vec<usize> =
        bodies(&page).iter().filter(|body| body.starts_with("xxx")).map(String::len).collect();
    assert!(!long.is_empty() && long.iter().all(|length| *length < 17_000), "cut: {long:?}");
    assert!(!bodies(&page).contains(&String::new()), "blank lines are left out");
    assert!(records.iter().all(|(scope, _)| scope == "cargo workshop up"), "{page:#}");
    let found = bodies(&up.page("/logs?q=user.id%3D1&last=all", |page| !page.is_null()));
    assert_eq!(found, ["as JSON"], "only JSON has fields to search");
    let html = up.html("/logs?last=all");
    assert!(
        html.contains("lines that a service wrote to stdout or stderr"),
        "the page explains them: {html}"
    );
    assert!(up.html("/services").contains("handson-sakura"), "the service is known");

    up.save(&SERVICE.replace("version 0", "version 1"));
    let page = up.logs_with("version 1");
    assert!(has_body(&page, "version 0"), "the lines of the process before stay: {page:#}");
}

#[test]
fn a_service_that_sends_log_records_has_no_line_twice() {
    let repository = repository();
    let code = format!("println!(\"before the export\");{EXPORT}println!(\"after the export\");");
    let up = Up::start_with(&repository, &service_that(&code), &["--rate", "0"]);
    up.logs_with("over OTLP");
    up.page("/", |page| super::state(page, "backend-sakura") == "runs");
    assert!(!up.html("/logs?last=all").contains("lines that a service wrote to stdout or stderr"));

    // The next process sends none: when its lines are shown, those before it have been decided about.
    up.save(&SERVICE.replace("version 0", "version 1"));
    let page = up.logs_with("version 1");
    let mut bodies = bodies(&page);
    bodies.sort();
    assert_eq!(bodies, ["over OTLP", "version 1"], "{page:#}");
}

#[test]
fn a_service_that_writes_without_end_does_not_replace_everything_else() {
    let repository = repository();
    let code = r#"
        std::thread::spawn(|| {
            for number in 0..200_000 { println!("line {number}"); }
            // Without a line break.
            loop { std::io::stderr().write_all(&[b'y'; 100_000]).unwrap(); }
        });
    "#;
    let up = Up::start_with(&repository, &service_that(code), &["--rate", "0"]);
    let page = up.page("/logs?q=not+shown&last=all", |page| has_body(page, "lines are not shown"));
    assert!(has_body(&page, ".workshop/logs/backend-sakura.log has them"), "{page:#}");
    up.page("/", |page| super::state(page, "backend-sakura") == "runs");
    up.page("/logs?q=yyyy&last=all", |page| has_body(page, "yyyy"));
}

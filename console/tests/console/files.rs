//! Files that the console shows, and pages of browsers that may send to it.

use std::fs;
use std::process::{Command, Output};

use serde_json::json;
use tempfile::tempdir;

use super::{Console, span, spans};

const TRACE: &str = "5b8efff798038103d269b633813fc60c";

/// The output of a console that ends by itself.
fn refused(arguments: &[&str]) -> Output {
    let ports = ["--console-port", "0", "--otlp-port", "0", "--otlp-grpc-port", "0"];
    Command::new(env!("CARGO_BIN_EXE_handson-console")).args(ports).args(arguments).output().unwrap()
}

#[tokio::test]
async fn a_saved_trace_and_lines_of_a_file_exporter_are_shown() {
    let folder = tempdir().unwrap();
    let trace = spans("shop", vec![span(TRACE, "00000000000000a1", "", "buy", json!({ "kind": 2 }))]);
    let sender = Console::start(&[]);
    sender.send_json("/v1/traces", &trace).await;
    let saved = folder.path().join("trace.json");
    fs::write(&saved, format!("{:#}", sender.json(&format!("/traces/{TRACE}")).await)).unwrap();

    let lines = folder.path().join("lines.jsonl");
    let log = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "body": { "stringValue": "sold out" } }] }] }] });
    let point = json!({ "asInt": "7", "timeUnixNano": "1" });
    let metric = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{ "name": "stock", "gauge": { "dataPoints": [point] } }] }] }] });
    fs::write(&lines, format!("{log}\n{metric}\n")).unwrap();

    let console = Console::start(&[saved.to_str().unwrap(), lines.to_str().unwrap()]);
    assert!(
        console.printed_line(saved.to_str().unwrap()).await.ends_with("1 spans, 0 log records, 0 metrics")
    );
    assert!(
        console.printed_line(lines.to_str().unwrap()).await.ends_with("0 spans, 1 log records, 1 metrics")
    );
    let shown = console.json(&format!("/traces/{TRACE}")).await;
    assert_eq!(shown["resourceSpans"], sender.json(&format!("/traces/{TRACE}")).await["resourceSpans"]);
    assert!(console.html("/logs").await.1.contains("sold out"));
    assert!(console.html("/metrics").await.1.contains("stock"));
}

#[tokio::test]
async fn what_is_saved_is_shown_again() {
    let other = "0af7651916cd43dd8448eb211c80319c";
    let sender = Console::start(&[]);
    for (trace, name) in [(TRACE, "buy"), (other, "sell")] {
        let more = json!({ "kind": 2, "startTimeUnixNano": super::now().to_string() });
        sender
            .send_json("/v1/traces", &spans("shop", vec![span(trace, "00000000000000a1", "", name, more)]))
            .await;
        let record = json!({ "timeUnixNano": "5", "traceId": trace, "spanId": "00000000000000a1", "body": { "stringValue": name } });
        let logs = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record] }] }] });
        sender.send_json("/v1/logs", &logs).await;
    }
    let folder = tempdir().unwrap();
    let save = async |query: &str| {
        let answer = sender.client.get(format!("{}/save{query}", sender.url)).send().await.unwrap();
        let name =
            answer.headers()["content-disposition"].to_str().unwrap().split('"').nth(1).unwrap().to_owned();
        let path = folder.path().join(name);
        fs::write(&path, answer.bytes().await.unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    };

    let one = save(&format!("?trace={TRACE}")).await;
    assert!(one.ends_with(&format!("/trace-{TRACE}.jsonl")), "{one}");
    let console = Console::start(&[&one]);
    assert!(console.printed_line(&one).await.ends_with("1 spans, 1 log records, 0 metrics"));
    let path = format!("/traces/{TRACE}");
    assert_eq!(console.json(&path).await, sender.json(&path).await);
    assert!(console.html(&path).await.1.contains("1 log record<"));

    let all = save("").await;
    let console = Console::start(&[&all]);
    assert!(console.printed_line(&all).await.ends_with("2 spans, 2 log records, 0 metrics"));
    let order = async |console: &Console| {
        let traces = console.json("/traces").await;
        traces["traces"].as_array().unwrap().iter().map(|trace| trace["trace_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(order(&console).await, order(&sender).await);

    let missing = sender.html("/save?trace=00000000000000000000000000000001").await;
    assert_eq!(missing, (404, "nothing of this trace is stored".to_owned()));
}

#[test]
fn a_file_that_cannot_be_shown_is_named_with_the_reason() {
    let folder = tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let here = folder.path().to_str().unwrap().to_owned();
    let large = file("large.json", &"1".repeat(17 * 1024 * 1024));
    for (path, reason) in [
        (format!("{here}/missing.json"), "No such file or directory"),
        (here.clone(), "it is not a regular file"),
        (large, "--memory allows 16.0 MiB"),
        (file("text.json", "{\"resourceSpans\": []}\nnot json"), "value 2 is not JSON: expected ident"),
        (
            file("other.json", "{\"spans\": []}"),
            "expected an object with resourceSpans, resourceMetrics or resourceLogs",
        ),
        (
            file(
                "id.json",
                "{\"resourceSpans\": [{\"scopeSpans\": [{\"spans\": [{\"traceId\": \"xyz\"}]}]}]}",
            ),
            "value 1 is not OTLP/JSON: invalid value \"xyz\" for traceId: expected hexadecimal digits",
        ),
    ] {
        let output = refused(&["--memory", "16MiB", &path]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{path}: {error}");
        assert!(error.contains(&format!("error: {path}: ")) && error.contains(reason), "{path}: {error}");
    }
}

#[tokio::test]
async fn pages_of_an_allowed_origin_may_send_and_not_read() {
    let console = Console::start(&["--allow-origin", "http://localhost:3000"]);
    let request = async |method: &str, url: &str, origin: &str| {
        let request = console.client.request(method.parse().unwrap(), url).header("origin", origin);
        let preflight = [
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-token"),
        ];
        let request = match method {
            "OPTIONS" => {
                preflight.iter().fold(request, |request, (name, value)| request.header(*name, *value))
            }
            _ => request.header("content-type", "application/json").body("{}"),
        };
        let answer = request.send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (
            answer.status().as_u16(),
            header("access-control-allow-origin"),
            header("access-control-allow-headers"),
        )
    };
    let otlp = format!("{}/v1/traces", console.otlp);
    let allowed = Some("http://localhost:3000".to_owned());
    let headers = Some("content-type,x-token".to_owned());
    assert_eq!(request("OPTIONS", &otlp, "http://localhost:3000").await, (200, allowed.clone(), headers));
    assert_eq!(request("POST", &otlp, "http://localhost:3000").await, (200, allowed, None));
    assert_eq!(request("OPTIONS", &otlp, "http://localhost:3001").await.1, None);
    assert_eq!(request("POST", &otlp, "http://localhost:3001").await.0, 403);
    assert_eq!(request("GET", &console.url, "http://localhost:3000").await.0, 403);
}

#[test]
fn an_origin_that_no_browser_sends_is_refused() {
    for origin in
        ["localhost:3000", "http://localhost:3000/", "ftp://a", "*", "null", "http://a@b", "HTTP://A"]
    {
        let output = refused(&["--allow-origin", origin]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{origin}: {error}");
        assert!(
            error.contains("'--allow-origin <ORIGIN>'") && error.contains("https://shop.example"),
            "{error}"
        );
    }
}

//! The search language on the pages of traces, log records, errors and one trace, and its completion.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Console, now, span, spans};

const TRACE: &str = "5b8efff798038103d269b633813fc60c";

fn attributes(pairs: Value) -> Value {
    let value = |value: &Value| match value {
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        other => json!({ "stringValue": other }),
    };
    pairs.as_object().unwrap().iter().map(|(key, it)| json!({ "key": key, "value": value(it) })).collect()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A SERVER span of `took` milliseconds and its child, which is a call.
fn request(trace: u32, name: &str, status: u32, took: u64) -> Vec<Value> {
    let (id, end) = (format!("{trace:032x}"), now());
    let server = json!({
        "kind": 2, "startTimeUnixNano": (end - took * 1_000_000).to_string(), "endTimeUnixNano": end.to_string(),
        "status": { "code": if status >= 500 { 2 } else { 0 } },
        "attributes": attributes(json!({ "http.response.status_code": status, "http.route": name })),
    });
    let name = format!("GET {name}");
    let call = json!({ "kind": 3, "attributes": attributes(json!({ "server.address": "example.org" })) });
    vec![
        span(&id, "00000000000000a1", "", &name, server),
        span(&id, "00000000000000a2", "00000000000000a1", "call", call),
    ]
}

async fn found(console: &Console, query: &str) -> Vec<u32> {
    let json = console.json(&format!("/traces?q={}", encoded(query))).await;
    let ids = json["traces"].as_array().unwrap_or_else(|| panic!("{query}: {json}")).iter();
    let id = |trace: &Value| u32::from_str_radix(trace["trace_id"].as_str().unwrap(), 16).unwrap();
    ids.map(id).collect()
}

#[tokio::test]
async fn traces_are_searched_by_numbers_durations_alternatives_and_negation() {
    let console = Console::start(&[]);
    let all = [("/cart", 200, 5), ("/pay", 503, 500), ("/health", 500, 50), ("/stock", 404, 20)];
    for (trace, (name, status, took)) in (1..).zip(all) {
        console.send_json("/v1/traces", &spans("shop", request(trace, name, status, took))).await;
    }
    for (query, expected) in [
        ("service=shop http.response.status_code>=500 duration>10ms -name~health", vec![2]),
        ("http.response.status_code>=400", vec![4, 3, 2]),
        ("http.response.status_code>=400 kind=client", vec![]),
        ("duration>30ms", vec![3, 2]),
        ("trace.duration<=30ms", vec![4, 1]),
        ("(cart OR stock) -http.response.status_code=404", vec![1]),
        ("CART OR PAY", vec![2, 1]),
        ("-status=error", vec![4, 1]),
        ("server.address=example.org trace.spans=2", vec![4, 3, 2, 1]),
        ("\"GET /pay\"", vec![2]),
        ("name=\"GET /pay\"", vec![2]),
        ("service=stock", vec![]),
    ] {
        assert_eq!(found(&console, query).await, expected, "{query}");
    }
    let (_, page) = console.html(&format!("/traces/{:032x}?find=kind%3Dclient+duration%3E1ms", 2)).await;
    assert!(page.contains("1 of 2 spans match") && page.contains("call"), "{page}");
}

#[tokio::test]
async fn errors_are_searched_and_log_records_by_level() {
    let console = Console::start(&[]);
    let record = |kind: &str, severity: u8| {
        json!({ "timeUnixNano": now().to_string(), "severityNumber": severity, "body": { "stringValue": kind },
            "attributes": attributes(json!({ "exception.type": kind, "exception.message": "no answer" })) })
    };
    let resource = json!({ "attributes": attributes(json!({ "service.name": "shop" })) });
    let records = vec![record("Timeout", 17), record("Refused", 21), record("Retried", 13)];
    let body =
        json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "logRecords": records }] }] });
    console.send_json("/v1/logs", &body).await;
    for (query, expected) in [
        ("q=type%3DTimeout", vec!["Timeout"]),
        ("q=answer+-type~re", vec!["Timeout"]),
        ("q=count%3E1", vec![]),
        ("service=shop&q=Refused+OR+Retried", vec!["Refused", "Retried"]),
        ("service=stock", vec![]),
    ] {
        let json = console.json(&format!("/errors?{query}")).await;
        let kinds = json["error_groups"].as_array().unwrap().iter();
        let mut kinds: Vec<&str> = kinds.map(|group| group["kind"].as_str().unwrap()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, expected, "{query}");
    }
    let (_, page) = console.html("/errors?q=nowhere").await;
    assert!(page.contains("No error matches."), "{page}");
    let json = console.json("/logs?q=level%3E%3Derror+-level%3Dfatal").await.to_string();
    assert!(json.contains("Timeout") && !json.contains("Refused") && !json.contains("Retried"), "{json}");
}

#[tokio::test]
async fn a_mistake_is_explained_on_every_page_in_both_languages() {
    let console = Console::start(&[]);
    console.send_json("/v1/traces", &spans("shop", request(1, "/", 200, 5))).await;
    let trace = format!("/traces/{:032x}", 1);
    for (path, parameter) in [("/traces", "q"), ("/logs", "q"), ("/errors", "q"), (trace.as_str(), "find")] {
        let path = format!("{path}?{parameter}={}", encoded("a (b"));
        let english =
            "invalid search '(' at character 3: expected a closing parenthesis for it, or quotation marks";
        let (status, page) = console.html(&path).await;
        assert!(status == 400 && page.contains(english), "{path}: {status} {page}");
        assert_eq!(console.json(&path).await["error"], english, "{path}");
        let (status, page) = console.html(&format!("{path}&lang=ja")).await;
        let japanese = "検索条件の 3 文字目の '(' は使えません。対応する閉じ括弧か引用符を指定";
        assert!(status == 400 && page.contains(japanese), "{path}: {status} {page}");
    }
}

#[tokio::test]
async fn searches_that_are_long_or_deeply_nested_are_refused() {
    let console = Console::start(&[]);
    let pieces = ["(", "-", "NOT ", "a ", "\"", "a OR ", "(-", "=", "(a)"];
    for query in pieces.iter().flat_map(|piece| [piece.repeat(200), piece.repeat(3_000)]) {
        for path in ["/traces", "/logs", "/errors"] {
            let started = Instant::now();
            let (status, _) = console.html(&format!("{path}?q={}", encoded(&query))).await;
            // A long address may be refused before it is parsed.
            let is_refused = status == 400 || status == 431 && query.len() > 2_000;
            assert!(is_refused, "{status} {path} with {} bytes of {}", query.len(), &query[..5]);
            assert!(started.elapsed() < Duration::from_secs(2), "{path} took {:?}", started.elapsed());
        }
    }
}

#[tokio::test]
async fn keys_and_values_that_are_stored_complete_a_search() {
    let console = Console::start(&[]);
    for trace in 1..=40 {
        let mut both = request(trace, if trace % 2 == 0 { "/pay" } else { "/cart" }, 200, 5);
        both[1]["attributes"] = attributes(json!({ "user.id": trace, "x".repeat(100): "long key" }));
        console.send_json("/v1/traces", &spans("shop", both)).await;
    }
    let json = console.json("/complete?for=traces").await;
    let key = |name: &str| {
        let mut keys = json["keys"].as_array().unwrap().iter();
        keys.find(|key| key["key"] == name).map(|key| (key["operator"].clone(), key["values"].clone()))
    };
    for (name, operator, values) in [
        ("service", "=", json!(["shop"])),
        ("name", "~", json!(["GET /cart", "GET /pay", "call"])),
        ("status", "=", json!(["ok", "error", "unset"])),
        ("duration", ">", json!(["10ms", "100ms", "1s"])),
        ("http.route", "=", json!(["/cart", "/pay"])),
        ("http.response.status_code", "=", json!(["200"])),
        // Too many to choose from.
        ("user.id", "=", json!([])),
    ] {
        assert_eq!(key(name), Some((json!(operator), values)), "{json:#}");
    }
    assert_eq!(key(&"x".repeat(100)), None);
    let logs = console.json("/complete?for=logs").await.to_string();
    assert!(logs.contains("level") && !logs.contains("http.route"), "{logs}");
    assert!(console.json("/complete?for=errors").await.to_string().contains("exception.stacktrace"));
    assert_eq!(console.html("/complete?for=metrics").await.0, 400);
    // Many keys and values of a hostile program are bounded.
    let many = (0..5_000).map(|at| (format!("key {at}"), json!("v".repeat(60)))).collect();
    let more = json!({ "attributes": attributes(Value::Object(many)) });
    console
        .send_json("/v1/traces", &spans("shop", vec![span(TRACE, "00000000000000a1", "", "GET", more)]))
        .await;
    let (_, body) = console.html("/complete?for=traces").await;
    assert!(body.len() < 100_000, "{} bytes", body.len());
}

/// docs/performance.md has the time with optimization. Here the console may be a debug build on a busy
/// machine.
#[tokio::test]
async fn ten_thousand_traces_without_a_hit_are_searched_in_time() {
    let console = Console::start(&["--memory", "512MiB"]);
    for part in 0..20 {
        let all = (0..500).flat_map(|at| request(part * 500 + at + 1, "/cart", 200, 5)).collect();
        assert_eq!(console.send_json("/v1/traces", &spans("shop", all)).await.0, 200);
    }
    assert_eq!(found(&console, "trace_id=00000000000000000000000000002710").await, [10_000]);
    for query in [
        "service=shop http.response.status_code>=500 duration>100ms -name~health",
        "nowhere",
        "http.route~nowhere OR name=nowhere",
        "trace.duration>1h",
    ] {
        let mut shortest = Duration::MAX;
        for _ in 0..5 {
            let started = Instant::now();
            assert_eq!(found(&console, query).await, Vec::<u32>::new(), "{query}");
            shortest = shortest.min(started.elapsed());
        }
        let bound = Duration::from_millis(if cfg!(debug_assertions) { 400 } else { 20 });
        assert!(shortest < bound, "{query} took {shortest:?}");
    }
}

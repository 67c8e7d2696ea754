//! What the pages report is what happened: times, counts and callers, also of unusual senders.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{Console, now, span, spans};

const SECOND: u64 = 1_000_000_000;
const TRACE: &str = "5b8efff798038103d269b633813fc60c";

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}

/// A span of a trace of its own, without a parent, that took `took` and ended at `end` (nanoseconds).
fn root(trace: u64, name: &str, end: u64, took: u64, more: Value) -> Value {
    let mut span = span(&format!("{trace:032x}"), "00000000000000a1", "", name, more);
    span["startTimeUnixNano"] = (end - took).to_string().into();
    span["endTimeUnixNano"] = end.to_string().into();
    span
}

fn server(trace: u64, end: u64, took: u64) -> Value {
    root(trace, "GET /cart", end, took, json!({ "kind": 2 }))
}

fn logs(service: &str, records: Vec<Value>) -> Value {
    json!({ "resourceLogs": [{
        "resource": { "attributes": attributes(&[("service.name", service)]) },
        "scopeLogs": [{ "logRecords": records }],
    }] })
}

#[tokio::test]
async fn latency_is_right_within_5_percent_from_a_microsecond_to_an_hour() {
    for took in [1_000, 40_000, 7_000_000, 600 * SECOND, 3_600 * SECOND] {
        let console = Console::start(&[]);
        console.send_json("/v1/traces", &spans("shop", vec![server(1, now(), took)])).await;
        let p50 = console.json("/").await["p50_ms"].as_f64().unwrap() * 1e6;
        assert!((p50 / took as f64 - 1.0).abs() <= 0.05, "{took} ns is shown as {p50} ns");
    }
}

#[tokio::test]
async fn requests_of_a_sender_whose_clock_is_wrong_are_counted_with_a_hint() {
    for (seconds, hint) in [(8, "is 8s ahead"), (600, "is 10m ahead"), (86_400, "is 1day ahead")] {
        let console = Console::start(&[]);
        let body = spans("shop", vec![server(1, now() + seconds * SECOND, SECOND)]);
        console.send_json("/v1/traces", &body).await;
        assert_eq!(console.json("/").await["requests"], 1, "{seconds} s ahead");
        let (_, page) = console.html("/").await;
        assert!(page.contains(hint), "{hint}: {page}");
    }
    // A single export may be late, but a sender whose telemetry is always late has another clock.
    for (seconds, hint) in [(8, "is 8s behind"), (1_200, "is 20m behind")] {
        let console = Console::start(&[]);
        for trace in 1..=5 {
            let body = spans("shop", vec![server(trace, now() - seconds * SECOND, SECOND)]);
            console.send_json("/v1/traces", &body).await;
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        let overview = console.json("/").await;
        assert!(overview["requests"].as_u64().unwrap() >= 2, "{overview:#}");
        let (_, page) = console.html("/").await;
        assert!(page.contains(hint), "{hint}: {page}");
    }

    let console = Console::start(&[]);
    let body = spans("shop", vec![server(1, now() - 10 * SECOND, SECOND), server(2, now(), SECOND)]);
    console.send_json("/v1/traces", &body).await;
    let (_, page) = console.html("/").await;
    assert!(!page.contains("The clock of"), "an export within the usual interval has no hint: {page}");
}

#[tokio::test]
async fn an_unknown_service_is_reported_and_no_other_is_shown_instead() {
    let console = Console::start(&[]);
    console.send_json("/v1/traces", &spans("shop", vec![server(1, now(), SECOND)])).await;
    let (status, page) = console.html("/?service=nope").await;
    assert_eq!(status, 404);
    assert!(
        page.contains("No requests of nope have been received") && !page.contains("id=\"requests\""),
        "{page}"
    );
    let overview = console.json("/?service=nope").await;
    assert_eq!((&overview["service"], &overview["requests"]), (&json!("nope"), &json!(0)), "{overview:#}");
    assert!(overview["error"].as_str().unwrap().contains("nope"), "{overview:#}");
    let (status, page) = console.html("/traces?service=nope").await;
    assert!(
        status == 200 && page.contains("<option value=\"nope\" selected>"),
        "the filter is visible: {page}"
    );
}

#[tokio::test]
async fn services_that_are_too_many_to_count_are_reported() {
    let console = Console::start(&[]);
    for number in 1..=66 {
        let body = spans(&format!("service-{number}"), vec![server(number, now(), SECOND)]);
        console.send_json("/v1/traces", &body).await;
    }
    let (status, page) = console.html("/").await;
    assert!(
        status == 200 && page.contains("At most 64 services are counted; 2 requests of others are not"),
        "{page}"
    );
    let (status, page) = console.html("/?service=service-66").await;
    assert!(status == 404 && page.contains("2 requests of others are not"), "{page}");
    let found = console.json("/traces?service=service-66").await;
    assert_eq!(found["traces"].as_array().unwrap().len(), 1, "{found:#}");
}

#[tokio::test]
async fn a_call_is_shown_once_its_callee_is_known() {
    let console = Console::start(&[]);
    let client = json!({ "kind": 3, "attributes": attributes(&[("server.address", "127.0.0.1")]) });
    let of_shop = vec![
        span(TRACE, "00000000000000a1", "", "GET /cart", json!({ "kind": 2 })),
        span(TRACE, "00000000000000a2", "00000000000000a1", "GET", client.clone()),
    ];
    console.send_json("/v1/traces", &spans("shop", of_shop)).await;
    let calls = console.json("/").await["calls"].clone();
    assert_eq!(calls, json!([]), "the child may still come");
    let of_stock =
        vec![span(TRACE, "00000000000000a3", "00000000000000a2", "GET /stock", json!({ "kind": 2 }))];
    console.send_json("/v1/traces", &spans("stock", of_stock)).await;
    assert_eq!(console.json("/").await["calls"][0]["callee"], "stock");
    // A host that sends no telemetry is called by its address, when the trace is complete.
    let alone = "00000000000000000000000000000abc";
    let client = span(alone, "00000000000000b2", "", "GET", client);
    console.send_json("/v1/traces", &spans("shop", vec![client])).await;
    let named =
        |json: &Value| json["calls"].as_array().unwrap().iter().any(|call| call["callee"] == "127.0.0.1");
    console.json_when("/", named).await;
}

#[tokio::test]
async fn a_trace_with_log_records_only_shows_them() {
    let console = Console::start(&[]);
    let record = json!({ "timeUnixNano": now().to_string(), "body": { "stringValue": "the only line" }, "traceId": TRACE });
    console.send_json("/v1/logs", &logs("shop", vec![record])).await;
    let (status, page) = console.html(&format!("/traces/{TRACE}")).await;
    assert_eq!(status, 200);
    assert!(page.contains("No span of this trace is stored") && page.contains("the only line"), "{page}");
}

#[tokio::test]
async fn a_span_that_is_its_own_parent_is_reported_as_a_circle() {
    let console = Console::start(&[]);
    let id = "00000000000000a1";
    console.send_json("/v1/traces", &spans("shop", vec![span(TRACE, id, id, "self", json!({}))])).await;
    let (_, page) = console.html(&format!("/traces/{TRACE}")).await;
    assert!(page.contains("1 span is its own ancestor: the parent ids form a circle"), "{page}");
    assert!(!page.contains("This trace is partial"), "{page}");
}

#[tokio::test]
async fn failures_and_log_records_have_their_own_time_and_the_newest_is_first() {
    let console = Console::start(&[]);
    let start = now();
    let record = |minutes: u64, kind: &str| {
        json!({ "timeUnixNano": (start - minutes * 60 * SECOND).to_string(), "body": { "stringValue": kind },
            "traceId": format!("{minutes:032x}"), "attributes": attributes(&[("exception.type", kind)]) })
    };
    // They arrive out of order, and in several exports.
    for (minutes, kind) in [(3, "Recent"), (60, "Old"), (1, "Newest"), (2, "Recent"), (4, "Recent")] {
        console.send_json("/v1/logs", &logs("shop", vec![record(minutes, kind)])).await;
    }
    let bodies = async |path: &str| -> Vec<(u64, String)> {
        let json = console.json(path).await;
        let groups = json["resourceLogs"].as_array().unwrap().iter();
        let records = groups.flat_map(|group| group["scopeLogs"][0]["logRecords"].as_array().unwrap());
        let minutes = |record: &Value| {
            let time: u64 = record["timeUnixNano"].as_str().unwrap().parse().unwrap();
            ((start - time) / SECOND / 60, record["body"]["stringValue"].as_str().unwrap().to_owned())
        };
        records.map(minutes).collect()
    };
    let minutes: Vec<u64> = bodies("/logs").await.into_iter().map(|(minutes, _)| minutes).collect();
    assert_eq!(minutes, [1, 2, 3, 4, 60]);
    let errors = console.json("/errors").await;
    let groups = errors["error_groups"].as_array().unwrap();
    let kinds: Vec<&str> = groups.iter().map(|group| group["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Newest", "Recent", "Old"]);
    let at = |group: &Value, member: &str| {
        let time = humantime::parse_rfc3339(group[member].as_str().unwrap()).unwrap();
        (start - time.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64 + SECOND / 2) / SECOND
    };
    assert_eq!((at(&groups[1], "first"), at(&groups[1], "last")), (240, 120));
    assert_eq!((at(&groups[2], "first"), at(&groups[2], "last")), (3_600, 3_600));
    let traces: Vec<&str> =
        groups[1]["traces"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(traces, [2, 3, 4].map(|minutes| format!("{minutes:032x}")), "newest first");
    let (_, page) = console.html("/errors").await;
    assert!(page.contains("60 min ago"), "{page}");
}

#[tokio::test]
async fn a_long_list_of_log_records_continues_with_older_ones() {
    let console = Console::start(&[]);
    let start = now();
    for batch in 0..3u64 {
        // The batches overlap in time, and two records have the same time.
        let record = |at: u64| {
            json!({ "timeUnixNano": (start - (3 * (at / 2) + batch) * SECOND).to_string(),
                "body": { "stringValue": format!("record {batch} {at}") } })
        };
        console.send_json("/v1/logs", &logs("shop", (0..80).map(record).collect())).await;
    }
    let (mut path, mut seen) = ("/logs?service=shop".to_owned(), std::collections::BTreeSet::new());
    for _ in 0..3 {
        let (_, page) = console.html(&path).await;
        seen.extend(
            page.split("\"body\">record ").skip(1).map(|text| text.split('<').next().unwrap().to_owned()),
        );
        let older = page.split("href=\"").find(|link| link.contains(">Older log records<"));
        path = older.map_or(String::new(), |link| link.split('"').next().unwrap().replace("&amp;", "&"));
    }
    assert_eq!((seen.len(), path.as_str()), (240, ""));
    assert_eq!(console.html("/logs?before=yesterday").await.0, 400);
}

#[tokio::test]
async fn consumers_and_jobs_are_among_the_operations_and_the_errors() {
    let console = Console::start(&[]);
    let failed = |kind: u8, error: &str| json!({ "kind": kind, "status": { "code": 2 }, "attributes": attributes(&[("error.type", error)]) });
    let of_worker = vec![
        root(1, "process orders", now(), SECOND, failed(5, "timeout")),
        root(2, "nightly cleanup", now(), SECOND, failed(1, "disk_full")),
        root(3, "nightly cleanup", now(), SECOND, json!({ "kind": 1 })),
    ];
    console.send_json("/v1/traces", &spans("worker", of_worker)).await;
    let overview = console.json("/").await;
    let operations = overview["operations"].as_array().unwrap();
    let operations: Vec<Value> = operations
        .iter()
        .map(|it| json!([it["service"], it["name"], it["kind"], it["count"], it["errors"]]))
        .collect();
    assert_eq!(
        operations,
        [
            json!(["worker", "nightly cleanup", "INTERNAL", 2, 1]),
            json!(["worker", "process orders", "CONSUMER", 1, 1])
        ]
    );
    let (_, page) = console.html("/").await;
    assert!(page.contains("process orders") && page.contains("CONSUMER"), "{page}");
    let groups = console
        .json_when("/errors", |json| json["error_groups"].as_array().is_some_and(|groups| groups.len() == 2))
        .await;
    let mut kinds: Vec<&str> = groups["error_groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["kind"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["disk_full", "timeout"]);
}

#[tokio::test]
async fn media_types_and_encodings_are_accepted_in_any_case() {
    let console = Console::start(&[]);
    let json = spans("shop", vec![server(1, now(), SECOND)]).to_string();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(json.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    for (content_type, encoding, body) in [
        ("Application/JSON", "", json.as_bytes()),
        ("application/json; charset=utf-8", "Identity", json.as_bytes()),
        ("application/json", "GZIP", &gzip),
        ("APPLICATION/JSON;charset=UTF-8", "x-gzip", &gzip),
        ("APPLICATION/X-PROTOBUF", "X-GZip", &{
            let mut empty = GzEncoder::new(Vec::new(), Compression::fast());
            empty.write_all(&[]).unwrap();
            empty.finish().unwrap()
        }),
    ] {
        let post =
            console.client.post(format!("{}/v1/traces", console.otlp)).header("content-type", content_type);
        let post = if encoding.is_empty() { post } else { post.header("content-encoding", encoding) };
        let answer = post.body(body.to_vec()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{content_type:?}, {encoding:?}");
    }
    assert_eq!(console.json("/").await["requests"], 1);
}

#[tokio::test]
async fn spans_of_a_trace_are_found_with_their_ancestors_and_the_selected_one_is_always_shown() {
    let console = Console::start(&[]);
    let id = |number: u32| format!("{number:016x}");
    let trace = (1..=3_200)
        .map(|number| {
            let (parent, failed) =
                if number == 1 { (String::new(), 0) } else { (id(1 + number % 2), number) };
            let status = json!({ "status": { "code": if failed == 3_100 || failed == 5 { 2 } else { 0 } } });
            let parent = if number == 2 { id(1) } else { parent };
            span(TRACE, &id(number), &parent, &format!("job {number}"), status)
        })
        .collect();
    console.send_json("/v1/traces", &spans("shop", trace)).await;
    let rows = |page: &str| -> Vec<String> {
        let rows = page.split("<tr").filter(|row| row.contains("data-span"));
        rows.map(|row| row.split("job ").nth(1).unwrap().split(['<', ' ']).next().unwrap().to_owned())
            .collect()
    };
    let (_, page) = console.html(&format!("/traces/{TRACE}?find=status%3Derror")).await;
    let mut found = rows(&page);
    found.sort();
    assert_eq!(found, ["1", "2", "3100", "5"], "5 is below 2, and 3100 is below 1");
    assert!(page.contains("2 of 3200 spans match"), "{page}");
    let (_, page) = console.html(&format!("/traces/{TRACE}?span={}", id(3_100))).await;
    assert!(rows(&page).contains(&"3100".to_owned()) && page.contains("200 more are in the JSON"));
    assert!(
        page.contains(&format!("class=\"next-error\" href=\"?span={}#s-{}\"", id(5), id(5))),
        "after the last, the first"
    );
}

#[tokio::test]
async fn a_trace_shows_that_the_clocks_of_its_services_differ() {
    for (offset, shown) in [
        (0, None),
        (-7_000_000_000_i64, Some("The clock of stock is about 7 s behind that of shop")),
        (7_000_000_000, Some("The clock of stock is about 7 s ahead of that of shop")),
    ] {
        let console = Console::start(&[]);
        let start = now() - 60 * SECOND;
        let times = |from: u64, took: u64| json!({ "startTimeUnixNano": from.to_string(), "endTimeUnixNano": (from + took).to_string() });
        let mut call = times(start, 20_000_000);
        call["kind"] = 3.into();
        let mut served = times((start + 5_000_000).checked_add_signed(offset).unwrap(), 10_000_000);
        served["kind"] = 2.into();
        let (client, server) = ("00000000000000a1", "00000000000000a2");
        console.send_json("/v1/traces", &spans("shop", vec![span(TRACE, client, "", "GET", call)])).await;
        console
            .send_json("/v1/traces", &spans("stock", vec![span(TRACE, server, client, "GET /", served)]))
            .await;
        let (_, page) = console.html(&format!("/traces/{TRACE}")).await;
        match shown {
            Some(text) => assert!(page.contains(text), "{text}: {page}"),
            None => assert!(!page.contains("The clock of"), "{page}"),
        }
    }
}

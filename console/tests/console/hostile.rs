//! Invalid and hostile input: the console refuses it with a reason or shows it as text, keeps running, and
//! stays within its memory.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValueKind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Metric,
    ResourceMetrics, ScopeMetrics,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::codec::CompressionEncoding;

use super::{Console, now, span, spans};

const TRACE: &str = "5b8efff798038103d269b633813fc60c";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const MIB: u64 = 1024 * 1024;

/// Additional memory that a refused body may use in this build: the body, its decompressed form, and what is
/// decoded.
const ROOM: u64 = 160 * MIB;

fn export(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..Default::default() }] }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(AnyValueKind::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..Default::default() }
}

/// A span in a trace of its own.
fn wire_span(trace: u128, attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: vec![1; 8],
        name: format!("span {trace}"),
        start_time_unix_nano: now(),
        end_time_unix_nano: now() + 1_000_000,
        attributes,
        ..Default::default()
    }
}

/// Asserts that the console still serves other requests.
async fn assert_goes_on(console: &Console) {
    let started = Instant::now();
    let id = format!("{:032x}", rand::rng().random::<u128>() | 1);
    let body = spans("good", vec![span(&id, "00000000000000a1", "", "GET /", json!({}))]);
    assert_eq!(console.send_json("/v1/traces", &body).await.0, 200);
    assert_eq!(console.html(&format!("/traces/{id}")).await.0, 200);
    assert_eq!(console.html("/").await.0, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
}

/// The message google.rpc.Status.
#[derive(Clone, PartialEq, Message, serde::Deserialize)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// A fuzz test of the decoders, in protobuf and JSON, and of the pages over what they accept. It needs no
/// nightly compiler, and is repeatable by default:
///
/// ```sh
/// FUZZ_TURNS=100000 FUZZ_SEED=8 cargo test --package handson-console --test console truncated
/// ```
#[tokio::test]
async fn truncated_changed_and_random_bodies_never_end_the_console() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (turns, seed) = (number("FUZZ_TURNS").unwrap_or(600), number("FUZZ_SEED").unwrap_or(7));
    let console = Console::start(&["--memory", "32MiB"]);
    let attributes = vec![text("key", "value"); 20];
    let good = [
        ("/v1/traces", PROTOBUF, export(vec![wire_span(7, attributes.clone()); 20]).encode_to_vec()),
        ("/v1/metrics", PROTOBUF, metrics(attributes.clone()).encode_to_vec()),
        ("/v1/logs", PROTOBUF, logs(attributes).encode_to_vec()),
        ("/v1/traces", JSON, include_bytes!("fuzz/traces.json").to_vec()),
        ("/v1/metrics", JSON, include_bytes!("fuzz/metrics.json").to_vec()),
        ("/v1/logs", JSON, include_bytes!("fuzz/logs.json").to_vec()),
    ];
    let mut random = StdRng::seed_from_u64(seed);
    let (mut refused, mut taken) = (0, 0);
    for turn in 0..turns {
        let (path, content_type, body) = &good[random.random_range(0..good.len())];
        let mut body = body.clone();
        match random.random_range(0..3) {
            0 => body.truncate(random.random_range(0..body.len())),
            1 => {
                for _ in 0..random.random_range(1..4) {
                    let at = random.random_range(0..body.len());
                    body[at] = random.random();
                }
            }
            _ => body = (0..random.random_range(1..2000)).map(|_| random.random()).collect(),
        }
        let post =
            console.client.post(format!("{}{path}", console.otlp)).header("content-type", *content_type);
        let answer = post.body(body).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("turn {turn} of seed {seed}: {error}"));
        match answer.status().as_u16() {
            200 => taken += 1,
            400 => {
                let body = answer.bytes().await.unwrap();
                let status = match *content_type {
                    JSON => serde_json::from_slice(&body).unwrap(),
                    _ => Status::decode(body).unwrap(),
                };
                assert!(status.code == 3 && status.message.contains("no OTLP"), "{status:?}");
                refused += 1;
            }
            other => panic!("{other} for turn {turn} of seed {seed}"),
        }
        if turn % 200 == 199 {
            let newest = &console.json("/traces").await["traces"][0]["trace_id"];
            let trace = format!("/traces/{}", newest.as_str().unwrap_or_default());
            for path in ["/", &trace, "/traces", "/logs", "/errors", "/metrics", "/services", "/self"] {
                let (status, _) = console.html(path).await;
                assert_eq!(status, 200, "{path} after turn {turn} of seed {seed}");
            }
        }
    }
    assert!(refused > turns / 4 && taken > turns / 100, "{refused} refused, {taken} taken");
    assert_goes_on(&console).await;
}

fn metrics(attributes: Vec<KeyValue>) -> ExportMetricsServiceRequest {
    let time_unix_nano = now();
    let histogram = HistogramDataPoint {
        time_unix_nano,
        count: 9,
        sum: Some(1.0),
        explicit_bounds: vec![1.0, 2.0],
        bucket_counts: vec![3, 3, 3],
        attributes: attributes.clone(),
        ..Default::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        time_unix_nano,
        count: 9,
        scale: 2,
        positive: Some(Buckets { offset: 1, bucket_counts: vec![4, 5] }),
        attributes,
        ..Default::default()
    };
    let histogram = Histogram { data_points: vec![histogram; 3], aggregation_temporality: 2 };
    let exponential = ExponentialHistogram { data_points: vec![exponential; 3], aggregation_temporality: 1 };
    let metrics = [Data::Histogram(histogram), Data::ExponentialHistogram(exponential)]
        .map(|data| Metric { name: "latency".to_owned(), data: Some(data), ..Default::default() })
        .to_vec();
    let scope_metrics = vec![ScopeMetrics { metrics, ..Default::default() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { scope_metrics, ..Default::default() }],
    }
}

fn logs(attributes: Vec<KeyValue>) -> ExportLogsServiceRequest {
    let record = LogRecord { time_unix_nano: now(), severity_number: 17, attributes, ..Default::default() };
    let scope_logs = vec![ScopeLogs { log_records: vec![record; 20], ..Default::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..Default::default() }] }
}

#[tokio::test]
async fn a_refused_request_gets_a_status_in_its_own_format() {
    let console = Console::start(&[]);
    let (status, body) =
        console.send("/v1/traces", "application/json", b"{\"resourceSpans\":7}".to_vec()).await;
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &error["code"]), (400, &json!(3)), "{body}");
    assert!(error["message"].as_str().unwrap().contains("no OTLP"), "{body}");
    for (content_type, body, expected) in
        [("text/plain", "x", 415), ("application/json", "not json", 400), (PROTOBUF, "\u{1}\u{2}\u{3}", 400)]
    {
        assert_eq!(console.send("/v1/logs", content_type, body.into()).await.0, expected, "{content_type}");
    }
    let (_, page) = console.html("/").await;
    assert!(page.contains("Telemetry was refused"), "{page}");
}

#[tokio::test]
async fn a_compressed_bomb_is_refused_over_http_and_grpc() {
    let console = Console::start(&[]);
    let before = console.resident();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
    for _ in 0..1024 {
        gzip.write_all(&vec![0; MIB as usize]).unwrap();
        deflate.write_all(&vec![0; MIB as usize]).unwrap();
    }
    for (encoding, bomb) in [("gzip", gzip.finish().unwrap()), ("deflate", deflate.finish().unwrap())] {
        assert!(bomb.len() < 2 * MIB as usize);
        for content_type in [PROTOBUF, "application/json"] {
            let post = console.client.post(format!("{}/v1/traces", console.otlp)).body(bomb.clone());
            let post = post.header("content-type", content_type).header("content-encoding", encoding);
            assert_eq!(post.send().await.unwrap().status(), 413, "{encoding}, {content_type}");
        }
    }
    let large = export(vec![wire_span(1, vec![text("large", &"x".repeat(64 * MIB as usize))])]);
    let client = TraceServiceClient::connect(console.grpc.clone()).await.unwrap();
    let refused = client.send_compressed(CompressionEncoding::Gzip).export(large).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted, "{refused}");
    assert!(console.resident() < before + ROOM, "{} MiB", console.resident() / MIB);
    assert_goes_on(&console).await;
}

#[tokio::test]
async fn a_body_of_a_hundred_megabytes_is_refused() {
    let console = Console::start(&[]);
    let before = console.resident();
    // The response is sent before the whole body was read, so the connection may end first.
    let post = console.client.post(format!("{}/v1/traces", console.otlp)).header("content-type", PROTOBUF);
    if let Ok(answer) = post.body(vec![0; 100_000_000]).send().await {
        assert_eq!(answer.status(), 413);
    }
    assert!(console.resident() < before + ROOM, "{} MiB", console.resident() / MIB);
    assert_goes_on(&console).await;
}

#[tokio::test]
async fn a_million_attributes_are_refused_and_a_span_that_is_too_large_affects_no_other() {
    let console = Console::start(&["--memory", "64MiB"]);
    let attributes = |count: usize| (0..count).map(|at| text(&format!("k{at}"), "v")).collect();
    let body = export(vec![wire_span(1, attributes(1_000_000))]).encode_to_vec();
    let (status, answer) = console.send("/v1/traces", PROTOBUF, body).await;
    assert!(status == 413 && answer.contains("too large when it is decoded"), "{status} {answer}");
    // One trace may use a quarter of the memory for traces, which is 12 MiB.
    let mut rejected = 0;
    for id in 1..10_u64 {
        let large = Span { span_id: id.to_be_bytes().to_vec(), ..wire_span(1, attributes(20_000)) };
        let mut other = wire_span(1 + u128::from(id), Vec::new());
        other.name = "next to it".to_owned();
        let body = export(vec![large, other]).encode_to_vec();
        let (status, answer) = console.send("/v1/traces", PROTOBUF, body).await;
        assert_eq!(status, 200, "{answer}");
        rejected += usize::from(answer.contains("is larger than"));
        assert!(console.html(&format!("/traces/{:032x}", 1 + id)).await.1.contains("next to it"));
    }
    assert!((1..9).contains(&rejected), "{rejected} of 9");
    assert_goes_on(&console).await;
}

#[tokio::test]
async fn zero_ids_and_ids_of_a_wrong_length_are_rejected_and_the_others_are_kept() {
    let console = Console::start(&[]);
    let id = "00000000000000a1";
    let body = spans(
        "shop",
        vec![
            span(TRACE, id, "", "good", json!({})),
            span(&"0".repeat(32), id, "", "zero trace", json!({})),
            span(TRACE, &"0".repeat(16), "", "zero span", json!({})),
            span("abcd", id, "", "short trace", json!({})),
            span(&format!("{TRACE}00"), id, "", "long trace", json!({})),
        ],
    );
    let (status, answer) = console.send_json("/v1/traces", &body).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["partialSuccess"]["rejectedSpans"]), (200, &json!("4")), "{answer}");
    assert!(
        answer["partialSuccess"]["errorMessage"].as_str().unwrap().contains("16 and 8 bytes"),
        "{answer}"
    );
    assert!(console.html(&format!("/traces/{TRACE}")).await.1.contains("good"));
}

#[tokio::test]
async fn odd_times_cycles_and_duplicates_are_shown_once_each() {
    let console = Console::start(&[]);
    let id = |at: u32| format!("{at:016x}");
    let times = |start: u64, end: u64| json!({ "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string() });
    let body = spans(
        "shop",
        vec![
            span(TRACE, &id(1), "", "reversed", times(2_000, 1_000)),
            span(TRACE, &id(2), &id(3), "circle one", json!({})),
            span(TRACE, &id(3), &id(2), "circle two", json!({})),
            span(TRACE, &id(4), &id(4), "its own parent", json!({})),
            span(TRACE, &id(5), "", "twin", json!({})),
            span(TRACE, &id(5), "", "twin", json!({})),
            span(TRACE, &id(6), "", "the beginning of time", times(0, 0)),
            span(TRACE, &id(7), "", "the end of time", times(u64::MAX, u64::MAX)),
            span(TRACE, &id(8), "", "all of time", times(0, u64::MAX)),
        ],
    );
    assert_eq!(console.send_json("/v1/traces", &body).await.0, 200);
    let (status, page) = console.html(&format!("/traces/{TRACE}")).await;
    assert_eq!(status, 200);
    for (name, times) in
        [("reversed", 1), ("circle one", 1), ("circle two", 1), ("its own parent", 1), ("twin", 1)]
    {
        let rows = page.split("<tr").filter(|row| row.contains("data-span") && row.contains(name)).count();
        assert_eq!(rows, times, "{name}: {page}");
    }
    for text in ["1 span ends before it starts", "3 spans are their own ancestors", "8 spans</b>"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for path in ["/", "/traces", "/logs", "/errors", "/services", &format!("/traces/{TRACE}?span={}", id(4))]
    {
        assert_eq!(console.html(path).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn a_script_in_any_field_is_shown_as_text_and_never_run() {
    let console = Console::start(&[]);
    let evil = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    let pairs = json!([
        { "key": evil, "value": { "stringValue": evil } },
        { "key": "exception.type", "value": { "stringValue": evil } },
        { "key": "exception.message", "value": { "stringValue": evil } },
        { "key": "exception.stacktrace", "value": { "stringValue": format!("{evil}\n{evil}") } },
        { "key": "map", "value": { "kvlistValue": { "values": [{ "key": evil, "value": { "stringValue": evil } }] } } },
    ]);
    let more = json!({
        "kind": 2, "attributes": pairs, "traceState": evil, "status": { "code": 2, "message": evil },
        "events": [{ "name": evil, "timeUnixNano": now().to_string(), "attributes": pairs },
            { "name": "exception", "timeUnixNano": now().to_string(), "attributes": pairs }],
        "links": [{ "traceId": TRACE, "spanId": "00000000000000a1", "attributes": pairs }],
    });
    console
        .send_json("/v1/traces", &spans(evil, vec![span(TRACE, "00000000000000a1", "", evil, more)]))
        .await;
    let resource = json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": evil } }] });
    let logs = json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "scope": { "name": evil }, "logRecords": [{
        "timeUnixNano": now().to_string(), "severityText": evil, "severityNumber": 17, "eventName": evil,
        "body": { "stringValue": evil }, "attributes": pairs, "traceId": TRACE }] }] }] });
    console.send_json("/v1/logs", &logs).await;
    let metrics = json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "scope": { "name": evil }, "metrics": [{
        "name": evil, "unit": evil, "description": evil,
        "gauge": { "dataPoints": [{ "asDouble": 1.0, "timeUnixNano": now().to_string(), "attributes": pairs }] } }] }] }] });
    console.send_json("/v1/metrics", &metrics).await;
    console.send("/v1/traces", evil, evil.into()).await;

    let encoded: String = evil.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let groups = console.json("/errors").await;
    let group = groups["error_groups"][0]["id"].as_str().unwrap().to_owned();
    for path in [
        "/".to_owned(),
        format!("/?service={encoded}"),
        format!("/traces?q={encoded}&name={encoded}&min={encoded}"),
        "/traces".to_owned(),
        format!("/traces/{TRACE}?span=00000000000000a1"),
        format!("/traces/{TRACE}?find={encoded}"),
        format!("/traces/{encoded}"),
        "/logs".to_owned(),
        format!("/logs?q={encoded}&level={encoded}&service={encoded}"),
        "/errors".to_owned(),
        format!("/errors?q={encoded}&service={encoded}"),
        format!("/errors/{group}"),
        format!("/errors/{encoded}"),
        "/metrics".to_owned(),
        format!("/metrics/{encoded}/{encoded}"),
        format!("/{encoded}"),
    ] {
        let get = console.client.get(format!("{}{path}", console.url)).header("accept", "text/html");
        let answer = get.send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let mut page = answer.text().await.unwrap();
        for own in ["console", "search"] {
            page = page.replace(&format!("<script src=\"/{own}.js\" defer></script>"), "");
        }
        assert!(!page.contains("<script") && !page.contains("<img"), "{path}: {page}");
        // The text must not end the attribute that contains it, either.
        assert!(!page.contains("\"'>"), "{path}: {page}");
    }
}

#[tokio::test]
async fn slow_senders_do_not_delay_others_and_are_disconnected() {
    let console = Console::start(&[]);
    let address = console.otlp.trim_start_matches("http://").to_owned();
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: {address}\r\ncontent-type: {PROTOBUF}\r\ncontent-length: 10000000\r\n\r\nx"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    assert_goes_on(&console).await;
    for stream in &mut slow {
        let mut answer = [0; 12];
        tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
    }
}

#[tokio::test]
async fn pages_of_other_sites_can_neither_read_nor_post() {
    let console = Console::start(&["--allow-host", "laptop.example"]);
    let status = async |method: &str, url: &str, name: &str, value: &str| {
        let request = console.client.request(method.parse().unwrap(), url).header(name, value);
        request.header("content-type", "application/json").body("{}").send().await.unwrap().status().as_u16()
    };
    let (page, otlp) = (console.url.clone(), format!("{}/v1/traces", console.otlp));
    assert_eq!(status("GET", &page, "host", "evil.example").await, 403);
    assert_eq!(status("GET", &page, "host", "127.0.0.1.evil.example:4000").await, 403);
    assert_eq!(status("POST", &otlp, "host", "evil.example:4318").await, 403);
    assert_eq!(status("POST", &otlp, "origin", "http://evil.example").await, 403);
    assert_eq!(status("POST", &page, "origin", "http://evil.example").await, 403);
    assert_eq!(status("POST", &page, "origin", "null").await, 403);
    assert_eq!(status("POST", &page, "origin", "http://localhost:1").await, 403);
    // Our own page may send requests; the overview only accepts GET.
    assert_eq!(status("POST", &page, "origin", &page).await, 405);
    assert_eq!(status("POST", &otlp, "x", "y").await, 200);
    assert_eq!(status("GET", &page, "host", "laptop.example:4000").await, 200);
}

#[tokio::test]
async fn memory_stays_within_its_bound_and_the_oldest_traces_go_as_a_whole() {
    let console = Console::start(&["--memory", "16MiB"]);
    let trace = |number: u128| {
        let spans = (0..50).map(|at: u64| Span {
            span_id: (at + 1).to_be_bytes().to_vec(),
            ..wire_span(number, vec![text("text", &"x".repeat(1000))])
        });
        export(spans.collect()).encode_to_vec()
    };
    // These have 100 MB.
    for number in 1..2000 {
        assert_eq!(console.send("/v1/traces", PROTOBUF, trace(number)).await.0, 200);
    }
    assert_eq!(console.html(&format!("/traces/{:032x}", 1999)).await.1.matches("data-span").count(), 50);
    assert!(console.html(&format!("/traces/{:032x}", 1)).await.1.contains("No span of this trace is stored"));
    let kept = console.json("/traces").await;
    let kept = kept["traces"].as_array().unwrap();
    assert!(kept.iter().all(|trace| trace["spans"] == 50), "{kept:#?}");
    assert!(console.html("/").await.1.contains("oldest traces dropped"));
    assert!(console.resident() < (16 + 60) * MIB, "{} MiB", console.resident() / MIB);

    // A trace that never ends is cut off, and does not displace the others.
    let mut rejected = 0;
    for at in 0..20_u64 {
        let spans = (0..500).map(|more: u64| Span {
            span_id: (at * 1000 + more + 1).to_be_bytes().to_vec(),
            ..wire_span(u128::MAX, vec![text("text", &"x".repeat(1000))])
        });
        let (status, answer) =
            console.send("/v1/traces", PROTOBUF, export(spans.collect()).encode_to_vec()).await;
        assert_eq!(status, 200);
        rejected += usize::from(answer.contains("is larger than"));
    }
    assert!(rejected > 10, "{rejected} of 20");
    assert_eq!(console.html(&format!("/traces/{:032x}", 1999)).await.1.matches("data-span").count(), 50);
}

#[tokio::test]
async fn a_trace_exported_as_json_can_be_sent_again_unchanged() {
    let (console, other) = (Console::start(&[]), Console::start(&[]));
    let attributes = json!([
        { "key": "text", "value": { "stringValue": "ü\n\u{1F338}" } },
        { "key": "bool", "value": { "boolValue": true } },
        { "key": "least", "value": { "intValue": i64::MIN.to_string() } },
        { "key": "greatest", "value": { "intValue": i64::MAX.to_string() } },
        { "key": "double", "value": { "doubleValue": 0.1 } },
        { "key": "nan", "value": { "doubleValue": "NaN" } },
        { "key": "infinite", "value": { "doubleValue": "-Infinity" } },
        { "key": "bytes", "value": { "bytesValue": "AAECAw==" } },
        { "key": "empty", "value": {} },
        { "key": "list", "value": { "arrayValue": { "values": [{ "intValue": "1" }, { "stringValue": "two" }] } } },
        { "key": "map", "value": { "kvlistValue": { "values": [{ "key": "in", "value": { "boolValue": false } }] } } },
    ]);
    let more = json!({
        "kind": 5, "attributes": attributes, "traceState": "vendor=1", "flags": 257,
        "status": { "code": 2, "message": "failed" },
        "events": [{ "timeUnixNano": "1", "name": "event", "attributes": attributes }],
        "links": [{ "traceId": TRACE, "spanId": "00000000000000b1", "traceState": "a=b", "flags": 1, "attributes": attributes }],
        "droppedAttributesCount": 1, "droppedEventsCount": 2, "droppedLinksCount": 3,
    });
    let sent = spans(
        "shop",
        vec![
            span(TRACE, "00000000000000a1", "", "root", json!({ "kind": 2, "status": { "code": 1 } })),
            span(TRACE, "00000000000000a2", "00000000000000a1", "child", more),
        ],
    );
    console.send_json("/v1/traces", &sent).await;
    let first = console.json(&format!("/traces/{TRACE}")).await;
    assert_eq!(other.send_json("/v1/traces", &first).await.0, 200);
    assert_eq!(other.json(&format!("/traces/{TRACE}")).await, first);
    let child = &first["resourceSpans"][0]["scopeSpans"][0]["spans"][1];
    for member in
        ["attributes", "traceState", "flags", "kind", "status", "droppedEventsCount", "links", "parentSpanId"]
    {
        let sent = &sent["resourceSpans"][0]["scopeSpans"][0]["spans"][1][member];
        assert_eq!(&child[member], sent, "{member}");
    }
}

#[tokio::test]
async fn metrics_with_extreme_values_are_shown() {
    let console = Console::start(&[]);
    let most = u64::MAX.to_string();
    let point = |scale: i32| {
        json!({ "timeUnixNano": now().to_string(), "count": most, "sum": -1e308, "scale": scale, "zeroCount": most,
            "positive": { "offset": i32::MAX, "bucketCounts": [most, most] },
            "negative": { "offset": i32::MIN, "bucketCounts": [most, most] } })
    };
    let body = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [
        { "name": "exponential", "exponentialHistogram": { "aggregationTemporality": 1,
            "dataPoints": [point(i32::MIN), point(i32::MAX), point(0)] } },
        { "name": "explicit", "histogram": { "aggregationTemporality": 2, "dataPoints": [{
            "timeUnixNano": most, "count": most, "bucketCounts": [most, most, most],
            "explicitBounds": ["NaN", "-Infinity"] }] } },
        { "name": "sum", "sum": { "isMonotonic": true, "dataPoints": [
            { "timeUnixNano": "2", "asDouble": 1e308 }, { "timeUnixNano": "1", "asDouble": -1e308 }] } },
        { "name": "summary", "summary": { "dataPoints": [{ "quantileValues": [{ "quantile": 7, "value": "NaN" }] }] } },
        { "name": "nothing" },
    ] }] }] });
    assert_eq!(console.send_json("/v1/metrics", &body).await.0, 200);
    let listed = console.json("/metrics").await;
    for instrument in listed["instruments"].as_array().unwrap() {
        let name = instrument["name"].as_str().unwrap();
        let path = format!("/metrics/%28no%20service.name%29/{name}");
        assert_eq!(console.html(&path).await.0, 200, "{name}");
        assert!(console.json(&path).await["series"].is_array(), "{name}");
    }
    assert_eq!(listed["instruments"].as_array().unwrap().len(), 4, "{listed:#}");
    assert_eq!(console.html("/metrics").await.0, 200);
}

//! Small input with a high cost: all work must be linear in the size of the input, and memory must stay
//! within its limit.

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Kind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::codec::CompressionEncoding;

use super::{Console, now, span, spans};

const PROTOBUF: &str = "application/x-protobuf";
const MIB: u64 = 1024 * 1024;
const TRACE: &str = "5b8efff798038103d269b633813fc60c";
/// Time for a page. It is generous, because the machine may be busy and the build is not optimized.
const SOON: Duration = Duration::from_secs(2);
const PAGES: [&str; 8] =
    ["/", "/traces", "/traces/without-spans", "/logs", "/errors", "/metrics", "/services", "/self"];

/// The memory that the process may use for this value of `--memory`.
fn allowed(memory: u64) -> u64 {
    memory * 115 / 100 + 32 * MIB
}

#[track_caller]
fn assert_memory(console: &Console, memory: u64) {
    let peak = console.peak();
    assert!(peak <= allowed(memory), "{} MiB, allowed {} MiB", peak / MIB, allowed(memory) / MIB);
}

async fn assert_pages_are_quick(console: &Console) {
    for path in PAGES {
        let started = Instant::now();
        let (status, page) = console.html(path).await;
        assert_eq!(status, 200, "{path}");
        assert!(started.elapsed() < SOON, "{path} took {:?}", started.elapsed());
        assert!(page.len() < 8 * MIB as usize, "{path} has {} bytes", page.len());
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Kind::StringValue(value.to_owned())) }),
        ..Default::default()
    }
}

/// A text in lists or maps that are nested to this depth.
fn nested(depth: usize, is_map: bool) -> AnyValue {
    let innermost = AnyValue { value: Some(Kind::StringValue("\"in\"".to_owned())) };
    (0..depth).fold(innermost, |inner, _| {
        let value = if is_map {
            let pair = KeyValue { key: "k".to_owned(), value: Some(inner), ..Default::default() };
            Kind::KvlistValue(KeyValueList { values: vec![pair] })
        } else {
            Kind::ArrayValue(ArrayValue { values: vec![inner] })
        };
        AnyValue { value: Some(value) }
    })
}

fn traces(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let resource = Resource { attributes: vec![text("service.name", service)], ..Default::default() };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans { spans, ..Default::default() }],
            ..Default::default()
        }],
    }
}

fn wire_span(trace: u128, id: u64, name: &str) -> Span {
    Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: name.to_owned(),
        start_time_unix_nano: now() - 1_000_000,
        end_time_unix_nano: now(),
        ..Default::default()
    }
}

fn gauge(points: Vec<NumberDataPoint>) -> ExportMetricsServiceRequest {
    let data = Some(Data::Gauge(Gauge { data_points: points }));
    let metrics = vec![Metric { name: "many".to_owned(), data, ..Default::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..Default::default() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { scope_metrics, ..Default::default() }],
    }
}

fn point(attributes: Vec<KeyValue>) -> NumberDataPoint {
    NumberDataPoint {
        time_unix_nano: now(),
        value: Some(Number::AsDouble(1.0)),
        attributes,
        ..Default::default()
    }
}

fn logs(body: AnyValue) -> ExportLogsServiceRequest {
    let record = LogRecord { time_unix_nano: now(), body: Some(body), ..Default::default() };
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..Default::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..Default::default() }] }
}

#[tokio::test]
async fn nested_values_are_shown_as_json_and_cost_their_size() {
    let console = Console::start(&[]);
    for depth in [24, 30] {
        for is_map in [false, true] {
            let attribute = KeyValue {
                key: "nested".to_owned(),
                value: Some(nested(depth, is_map)),
                ..Default::default()
            };
            let body = gauge(vec![point(vec![attribute])]).encode_to_vec();
            assert_eq!(console.send("/v1/metrics", PROTOBUF, body).await.0, 200);
            let body = logs(nested(depth, is_map)).encode_to_vec();
            assert_eq!(console.send("/v1/logs", PROTOBUF, body).await.0, 200);
        }
    }
    assert_pages_are_quick(&console).await;
    let (_, page) = console.html("/logs").await;
    for shown in [r#"[[[[&quot;\&quot;in\&quot;&quot;]]]]"#, "{&quot;k&quot;: {&quot;k&quot;: "] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert_eq!(console.html("/metrics/%28no%20service.name%29/many").await.0, 200);
    // A depth beyond protobuf's own limit is refused, and does not overflow the stack.
    let (status, answer) = console.send("/v1/logs", PROTOBUF, logs(nested(60, true)).encode_to_vec()).await;
    assert!(status == 400 && answer.contains("recursion"), "{status} {answer}");
    assert_memory(&console, 256 * MIB);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test]
async fn requests_that_would_be_large_when_decoded_are_refused_before_decoding() {
    let console = Console::start(&["--memory", "64MiB"]);
    let empty_spans = traces("shop", vec![Span::default(); 200_000]);
    let body = empty_spans.encode_to_vec();
    let json =
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{}}{}]}}]}}]}}"#, ",{}".repeat(200_000));
    for (content_type, body) in [(PROTOBUF, &body[..]), ("application/json", json.as_bytes())] {
        let post = console.client.post(format!("{}/v1/traces", console.otlp)).body(gzip(body));
        let post = post.header("content-type", content_type).header("content-encoding", "gzip");
        let answer = post.send().await.unwrap();
        assert_eq!(answer.status(), 413, "{content_type}");
        let reason = answer.text().await.unwrap();
        assert!(reason.contains("too large when it is decoded"), "{content_type}: {reason}");
    }
    let client = TraceServiceClient::connect(console.grpc.clone()).await.unwrap();
    let refused = client.send_compressed(CompressionEncoding::Gzip).export(empty_spans).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted, "{refused}");
    let state = console.json("/self").await;
    assert_eq!((&state["traces"]["refused_requests"], &state["traces"]["kept"]), (&json!(3), &json!(0)));
    assert_pages_are_quick(&console).await;
    assert_memory(&console, 64 * MIB);
}

#[tokio::test]
async fn long_names_are_cut_when_they_are_kept_counted_or_returned() {
    let memory = 16 * MIB;
    let console = Console::start(&["--memory", "16MiB"]);
    let long = "n".repeat(400_000);
    for _ in 0..22 {
        let without_id = Span { trace_id: Vec::new(), ..wire_span(1, 1, &long) };
        let (status, answer) =
            console.send("/v1/traces", PROTOBUF, traces("shop", vec![without_id]).encode_to_vec()).await;
        assert!(status == 200 && answer.len() < 1_000, "{status}, {} bytes", answer.len());
    }
    for service in 0..100 {
        let service = format!("{service}{long}");
        let failed = Span {
            kind: 2,
            status: Some(Status { code: 2, message: long.clone() }),
            ..wire_span(2 + service.len() as u128, 1, "GET /")
        };
        assert_eq!(
            console.send("/v1/traces", PROTOBUF, traces(&service, vec![failed]).encode_to_vec()).await.0,
            200
        );
        let record = json!({ "resourceLogs": [{
            "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
            "scopeLogs": [{ "logRecords": [{ "attributes": [
                { "key": "exception.type", "value": { "stringValue": long } },
            ] }] }] }] });
        assert_eq!(console.send_json("/v1/logs", &record).await.0, 200);
    }
    assert_pages_are_quick(&console).await;
    assert_memory(&console, memory);
    let (_, page) = console.html("/").await;
    assert!(page.len() < MIB as usize, "{} bytes", page.len());
}

#[tokio::test]
async fn a_hundred_thousand_series_are_received_in_time_and_delay_no_other_request() {
    let console = Console::start(&["--memory", "64MiB"]);
    let started = Instant::now();
    for export in 0..10 {
        let points = (0..10_000).map(|at| point(vec![text("id", &format!("{export}-{at}"))])).collect();
        let body = gauge(points).encode_to_vec();
        let other = async {
            let started = Instant::now();
            assert_eq!(console.html("/").await.0, 200);
            started.elapsed()
        };
        let ((status, answer), waited) = tokio::join!(console.send("/v1/metrics", PROTOBUF, body), other);
        assert_eq!((status, answer.as_str()), (200, ""));
        assert!(waited < SOON, "a page waited for {waited:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(30), "it took {:?}", started.elapsed());
    let state = console.json("/self").await;
    let count = |member: &str| state["metrics"][member].as_u64().unwrap();
    assert_eq!((count("received"), count("rejected")), (100_000, 0));
    assert_eq!(count("kept") + count("evicted"), 100_000, "{state:#}");
    assert_pages_are_quick(&console).await;
    assert_eq!(console.html("/metrics/%28no%20service.name%29/many").await.0, 200);
    assert_memory(&console, 64 * MIB);
}

#[tokio::test]
async fn ten_thousand_failed_requests_of_one_trace_do_not_stall_the_pages() {
    let console = Console::start(&[]);
    for export in 0..10 {
        let failed = |at: u64| Span {
            kind: 2,
            status: Some(Status { code: 2, message: String::new() }),
            ..wire_span(7, export * 1_000 + at + 1, "GET /")
        };
        let body = traces("shop", (0..1_000).map(failed).collect()).encode_to_vec();
        assert_eq!(console.send("/v1/traces", PROTOBUF, body).await.0, 200);
    }
    // Requests without an exception are counted some seconds later.
    let started = Instant::now();
    let mut groups = Value::Null;
    while groups["error_groups"].as_array().is_none_or(Vec::is_empty) {
        assert!(started.elapsed() < Duration::from_secs(20), "no group: {groups}");
        let started = Instant::now();
        groups = console.json("/errors").await;
        assert!(started.elapsed() < SOON, "the page took {:?}", started.elapsed());
        assert_eq!(console.html("/").await.0, 200);
    }
    assert_memory(&console, 256 * MIB);
}

/// Asserts that the process ends soon.
fn assert_ends_soon(console: &mut Console) {
    let kill = Command::new("kill").arg(console.process.id().to_string()).status().unwrap();
    assert!(kill.success());
    let started = Instant::now();
    while console.process.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(3), "it has not ended after SIGTERM");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_monitor_that_is_not_a_regular_file_or_too_large_is_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
    std::fs::create_dir(path("folder")).unwrap();
    std::fs::File::create(path("large")).unwrap().set_len(1024 * MIB).unwrap();
    let (fifo, large, sub) = (path("fifo"), path("large"), path("folder"));
    let mut console = Console::start(&[
        "--monitor",
        &fifo,
        "--monitor",
        "/dev/zero",
        "--monitor",
        &sub,
        "--monitor",
        &large,
    ]);
    assert_pages_are_quick(&console).await;
    let overview = console.json("/").await;
    let wrong: Vec<&str> = overview["monitors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|monitor| monitor["wrong"].as_str().unwrap())
        .collect();
    let not_a_file = "it is not a regular file";
    assert_eq!(
        wrong,
        [not_a_file, not_a_file, not_a_file, "it is too large: a monitor has at most 65536 bytes"]
    );
    assert_memory(&console, 256 * MIB);
    assert_ends_soon(&mut console);
}

#[tokio::test]
async fn counts_of_items_that_an_sdk_has_dropped_may_have_the_maximum_value() {
    let console = Console::start(&[]);
    let dropped = json!({
        "droppedAttributesCount": u32::MAX, "droppedEventsCount": u32::MAX, "droppedLinksCount": u32::MAX,
    });
    let id = "00000000000000a1";
    assert_eq!(
        console.send_json("/v1/traces", &spans("shop", vec![span(TRACE, id, "", "GET", dropped)])).await.0,
        200
    );
    let (status, page) = console.html(&format!("/traces/{TRACE}?span={id}")).await;
    assert!(status == 200 && page.contains("4294967295 attributes, 4294967295 events"), "{status} {page}");
}

/// Connections that have sent only a part of a request head.
async fn half_open(address: &str, count: usize) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        // The console may have already closed it.
        let _ = stream.write_all(b"POST /v1/traces HTTP/1.1\r\nhost: localh").await;
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn stalled_connections_are_closed_and_pages_keep_theirs() {
    let console = Console::start(&[]);
    let address = |url: &str| url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let mut open = half_open(&address(&console.otlp), 300).await;
    open.extend(half_open(&address(&console.grpc), 300).await);
    assert_pages_are_quick(&console).await;
    // Each is closed after its timeout, and then other senders can connect again.
    let mut first = open.remove(0);
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(45), first.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "a connection with half a head is still open");
    let body = spans("shop", vec![span(TRACE, "00000000000000a1", "", "GET", json!({}))]);
    let mut sent = None;
    let started = Instant::now();
    while sent.is_none() && started.elapsed() < Duration::from_secs(20) {
        let post = console.client.post(format!("{}/v1/traces", console.otlp));
        sent = post.header("content-type", "application/json").body(body.to_string()).send().await.ok();
    }
    assert_eq!(sent.expect("no place became free").status(), 200);
}

#[tokio::test]
async fn sigterm_ends_a_busy_console() {
    let mut console = Console::start(&[]);
    let points = |export: usize| {
        (0..20_000).map(move |at| point(vec![text("id", &format!("{export}-{at}"))])).collect()
    };
    let sending: Vec<_> = (0..8)
        .map(|export| {
            let post = console.client.post(format!("{}/v1/metrics", console.otlp));
            let post = post.header("content-type", PROTOBUF).body(gauge(points(export)).encode_to_vec());
            tokio::spawn(post.send())
        })
        .collect();
    assert_ends_soon(&mut console);
    for sent in sending {
        // The request may have been answered or interrupted.
        let _ = sent.await.unwrap();
    }
}

#[tokio::test]
async fn received_refused_kept_and_dropped_items_are_counted_at_self_and_refusals_are_on_the_overview() {
    let console = Console::start(&[]);
    let id = "00000000000000a1";
    let both = vec![span(TRACE, id, "", "good", json!({})), span("abcd", id, "", "bad", json!({}))];
    console.send_json("/v1/traces", &spans("shop", both)).await;
    console.send("/v1/logs", PROTOBUF, vec![1, 2, 3]).await;
    console.send("/v1/metrics", PROTOBUF, gauge(vec![point(Vec::new()); 3]).encode_to_vec()).await;
    let mut grpc = TraceServiceClient::connect(console.grpc.clone()).await.unwrap();
    let too_large = traces("shop", vec![wire_span(1, 1, &"n".repeat(17 * MIB as usize))]);
    grpc.export(too_large).await.unwrap_err();
    let state = console.json("/self").await;
    for (signal, expected) in
        [("traces", [2, 1, 1, 1, 0]), ("metrics", [3, 0, 0, 3, 0]), ("logs", [0, 0, 1, 0, 0])]
    {
        let members = ["received", "rejected", "refused_requests", "kept", "evicted"];
        let seen = members.map(|member| state[signal][member].as_u64().unwrap());
        assert_eq!(seen, expected, "{members:?} of {signal}: {state:#}");
        let is_used = state[signal]["memory"].as_u64().unwrap() > 0;
        assert_eq!(is_used, expected[3] > 0, "{state:#}");
    }
    let reasons = state["refused"].as_array().unwrap();
    assert!(
        reasons[0]["reason"].as_str().unwrap().starts_with("an export of traces over gRPC"),
        "{reasons:#?}"
    );
    assert!(reasons[0]["at"].as_str().unwrap().starts_with("20"), "{reasons:#?}");
    let (_, page) = console.html("/").await;
    assert!(page.contains("Telemetry was refused") && page.contains("over gRPC"), "{page}");
    let (status, page) = console.html("/self?lang=ja").await;
    assert!(status == 200 && page.contains("コンソール自身"), "{page}");
}

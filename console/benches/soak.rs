//! Sends to the console for a long time, and opens its pages meanwhile:
//!
//! ```sh
//! cargo bench --workspace --bench soak                    # 30 minutes
//! cargo bench --workspace --bench soak -- --minutes 10
//! ```
//!
//! Each second, it sends 5,000 spans, 2,500 log records and 1,000 points of 10,000 series; every 50 s, 1,000
//! of these series end, and as many new ones begin. Everything must be counted, memory must stay as it is
//! once the store is full, and pages must answer quickly. It needs Linux.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that cannot go on should stop")]

mod shared;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data,
};
use prost::Message;
use shared::{BATCH, Console, SPANS, exports, resource, text};
use statistics::Spread;

const MEMORY: u64 = 256 * 1024 * 1024;
/// Time between two rounds of exports: one of each signal.
const ROUND: Duration = Duration::from_millis(100);
const RECORDS: u64 = 250;
const POINTS: u64 = 100;
const SERIES: u64 = 10_000;
/// So many new series take the places of old ones, after so many points.
const NEW_SERIES: u64 = 1_000;
const POINTS_OF_SERIES: u64 = 50_000;
/// Requests, each of which is the first span of a trace.
const TRACES_PER_SECOND: f64 = 500.0;
/// A shorter run only shows that it works: the store is not full from its second quarter on.
const FULL_AFTER: Duration = Duration::from_secs(600);
/// Pages that are opened, one a second.
const PAGES: [&str; 10] = [
    "/",
    "/services",
    "/traces",
    "/traces?q=http.response.status_code%3E%3D500",
    "/logs",
    "/logs?q=nowhere",
    "/errors",
    "/metrics",
    "/metrics/handson/queue.length?group=*",
    "/self",
];
/// The slowest answer but the slowest hundredth of each page, in ms.
const PAGE_LIMIT: f64 = 100.0;

/// What was sent so far.
#[derive(Default)]
struct Sent {
    traces: u128,
    records: u64,
    points: u64,
}

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64
}

/// Log records of the newest traces.
fn records(sent: &Sent) -> Vec<u8> {
    let record = |at: u64| LogRecord {
        time_unix_nano: now(),
        severity_number: if at.is_multiple_of(50) { 17 } else { 9 },
        body: Some(AnyValue { value: Some(Value::StringValue(format!("order {at} of sakura"))) }),
        attributes: vec![text("user.id", "1"), text("user.name", "sakura")],
        trace_id: (sent.traces - u128::from(at % 50)).to_be_bytes().to_vec(),
        span_id: 1u64.to_be_bytes().to_vec(),
        ..Default::default()
    };
    let log_records = (0..RECORDS).map(record).collect();
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource()),
            scope_logs: vec![ScopeLogs { log_records, ..Default::default() }],
            ..Default::default()
        }],
    }
    .encode_to_vec()
}

/// The next points of a gauge, each of another series.
fn points(sent: &Sent) -> Vec<u8> {
    let point = |at: u64| {
        let at = sent.points + at;
        let series = at % SERIES + at / POINTS_OF_SERIES * NEW_SERIES;
        NumberDataPoint {
            time_unix_nano: now(),
            attributes: vec![text("worker", &series.to_string())],
            value: Some(Number::AsInt(at as i64 % 100)),
            ..Default::default()
        }
    };
    let data_points = (0..POINTS).map(point).collect();
    let metric = Metric {
        name: "queue.length".to_owned(),
        data: Some(Data::Gauge(Gauge { data_points })),
        ..Default::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource()),
            scope_metrics: vec![ScopeMetrics { metrics: vec![metric], ..Default::default() }],
            ..Default::default()
        }],
    }
    .encode_to_vec()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--minutes");
    let minutes: f64 = at.map_or(30.0, |at| arguments[at + 1].parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(soak(Duration::from_secs_f64(60.0 * minutes)));
}

async fn soak(length: Duration) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let console = Console::start(MEMORY);
    let post = async |signal: &str, body: Vec<u8>| {
        let post = client.post(format!("{}/v1/{signal}", console.otlp));
        let answer = post.header("content-type", "application/x-protobuf").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.unwrap().is_empty(), "nothing is rejected");
    };
    let json = async |path: &str| -> serde_json::Value {
        let get = client.get(format!("{}{path}", console.url)).header("accept", "application/json");
        serde_json::from_str(&get.send().await.unwrap().text().await.unwrap()).unwrap()
    };

    let mut sent = Sent::default();
    let mut pages: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut resident = Vec::new();
    let started = Instant::now();
    let mut ticks = tokio::time::interval(ROUND);
    let mut rounds = 0_usize;
    while started.elapsed() < length {
        ticks.tick().await;
        for body in exports(sent.traces + 1, 1) {
            post("traces", body).await;
        }
        sent.traces += (BATCH / SPANS) as u128;
        post("logs", records(&sent)).await;
        sent.records += RECORDS;
        post("metrics", points(&sent)).await;
        sent.points += POINTS;
        rounds += 1;
        if rounds.is_multiple_of(10) {
            let page = PAGES[rounds / 10 % PAGES.len()];
            let asked = Instant::now();
            let get = client.get(format!("{}{page}", console.url)).header("accept", "text/html");
            let answer = get.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{page}");
            answer.bytes().await.unwrap();
            pages.entry(page).or_default().push(asked.elapsed().as_secs_f64() * 1e3);
            resident.push(console.process.resident().0 as f64 / 1024.0 / 1024.0);
        }
    }
    let services = json("/services?last=1m").await;
    let counts = json("/self").await;
    let quarter = resident.len() / 4;
    let median = |values: &[f64]| Spread::from_values(values.to_vec()).median;
    let (second, last) = (median(&resident[quarter..2 * quarter]), median(&resident[3 * quarter..]));
    let most = resident.iter().copied().fold(0.0, f64::max);

    let seconds = started.elapsed().as_secs_f64();
    println!("{seconds:.0} s, {:.0} % of a core", console.process.cpu().as_secs_f64() / seconds * 100.0);
    println!("resident, MiB: {second:.0} in the second quarter, {last:.0} in the last, at most {most:.0}");
    let tenths: Vec<String> =
        resident.chunks(resident.len().div_ceil(10)).map(|part| format!("{:.0}", median(part))).collect();
    println!("resident, MiB, in each tenth of the time: {}", tenths.join(", "));
    println!("requests per second: {}", services["services"][0]["per_second"]);
    println!("{counts:#}");
    let mut slow = Vec::new();
    for (page, times) in &mut pages {
        times.sort_by(f64::total_cmp);
        let p99 = times[(times.len() - 1) * 99 / 100];
        println!(
            "{page:<46} ms: median {:>5.1}, p99 {p99:>5.1}, most {:>5.1}",
            median(times),
            times[times.len() - 1]
        );
        if p99 > PAGE_LIMIT {
            slow.push(*page);
        }
    }
    for (signal, count) in
        [("traces", sent.traces as u64 * SPANS as u64), ("logs", sent.records), ("metrics", sent.points)]
    {
        assert_eq!(counts[signal]["received"], count, "{signal}");
    }
    let limit = 1.15 * MEMORY as f64 / 1024.0 / 1024.0 + 32.0;
    assert!(most <= limit, "{most:.0} MiB are more than {limit:.0}");
    if length >= FULL_AFTER {
        assert!(last <= 1.05 * second, "memory grows from {second:.0} to {last:.0} MiB");
        let (rate, expected) = (services["services"][0]["per_second"].as_f64().unwrap(), TRACES_PER_SECOND);
        assert!((rate / expected - 1.0).abs() < 0.01, "{rate} requests per second, and not {expected}");
    }
    assert!(slow.is_empty(), "slow pages: {slow:?}");
}

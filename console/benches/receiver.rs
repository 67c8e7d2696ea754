//! Measures the cost of the console's receiver, and checks its promises under load:
//!
//! ```sh
//! cargo bench --package handson-console --bench receiver
//! cargo bench --package handson-console --bench receiver -- --seconds 1 --cycles 1  # whether it works
//! ```
//!
//! The console runs as a separate process. It is first filled beyond its memory limit, so that every export
//! causes the oldest traces to be dropped. An export is what the service sends: 500 spans with 13 attributes.
//! CPU time is that of the console, from /proc, so it needs Linux; figures are medians.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that cannot go on should stop")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use statistics::Spread;

/// Spans of one trace, and of one export.
const SPANS: usize = 10;
const BATCH: usize = 500;
const MEMORY: u64 = 128 * 1024 * 1024;
/// Number of traces that are searched, searches that find none of them, and how often each is repeated.
const SEARCHED: usize = 10_000;
const SEARCHES: [&str; 5] = [
    "service=handson http.response.status_code>=500 duration>100ms -name~health",
    "name=nowhere",
    "nowhere",
    "http.response.status_code>=500",
    "url.full~nowhere",
];
const REPEATED: u32 = 50;

struct Console {
    process: Child,
    url: String,
    otlp: String,
}

impl Console {
    fn start(memory: u64) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_handson-console"))
            .args(["--console-port", "0", "--otlp-port", "0", "--otlp-grpc-port", "0"])
            .args(["--memory", &memory.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut address = || {
            lines.find_map(|line| {
                line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned)
            })
        };
        let (url, otlp) = (address().unwrap(), address().unwrap());
        Self { process, url, otlp }
    }

    /// CPU time so far, user and system.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory in bytes: now, and its maximum.
    fn resident(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let field = |name| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

/// Spans of a trace with the attributes of the service.
fn spans(trace: u128, count: usize) -> impl Iterator<Item = Span> {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    (0..count).map(move |at| Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: (at as u64 + 1).to_be_bytes().to_vec(),
        parent_span_id: if at == 0 { Vec::new() } else { 1u64.to_be_bytes().to_vec() },
        name: if at == 0 { "GET /handson" } else { "GET" }.to_owned(),
        kind: if at == 0 { 2 } else { 3 },
        start_time_unix_nano: now,
        end_time_unix_nano: now + 5_000_000,
        attributes: vec![
            text("http.request.method", "GET"),
            text("http.route", "/handson"),
            text("url.path", "/handson"),
            text("url.scheme", "http"),
            text("url.full", "http://127.0.0.1:8081/get"),
            text("server.address", "127.0.0.1"),
            attribute("server.port", Value::IntValue(8080)),
            text("client.address", "127.0.0.1"),
            text("network.protocol.version", "1.1"),
            text("user_agent.original", "curl/8.5.0"),
            attribute("http.response.status_code", Value::IntValue(200)),
            text("thread.name", "tokio-runtime-worker"),
            text("code.function.name", "handson::handson"),
        ],
        ..Default::default()
    })
}

fn export(spans: Vec<Span>) -> Vec<u8> {
    let attributes = [
        "service.version",
        "service.instance.id",
        "deployment.environment.name",
        "telemetry.sdk.name",
        "telemetry.sdk.language",
        "telemetry.sdk.version",
        "host.name",
        "host.arch",
        "os.type",
        "process.pid",
    ];
    let mut attributes: Vec<KeyValue> = attributes.map(|key| text(key, "some value of it")).to_vec();
    attributes.push(text("service.name", "handson"));
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes, ..Default::default() }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope { name: "handson".to_owned(), ..Default::default() }),
                spans,
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
    .encode_to_vec()
}

/// The bodies of `count` exports, whose traces have numbers beginning with `from`.
fn exports(from: u128, count: usize) -> Vec<Vec<u8>> {
    let traces = BATCH / SPANS;
    (0..count)
        .map(|at| {
            export((0..traces).flat_map(|trace| spans(from + (at * traces + trace) as u128, SPANS)).collect())
        })
        .collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(default, |at| arguments[at + 1].parse().unwrap())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(option("--seconds", 5), option("--cycles", 5)));
}

async fn measure(seconds: usize, cycles: usize) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let console = Console::start(MEMORY);
    let (empty, _) = console.resident();
    let post = async |body: Vec<u8>| {
        let post = client
            .post(format!("{}/v1/traces", console.otlp))
            .header("content-type", "application/x-protobuf");
        let answer = post.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.unwrap().is_empty(), "nothing is rejected");
    };

    // Until the oldest traces are dropped.
    let mut sent: u128 = 1;
    while gone(&client, &console).await == 0 {
        for body in exports(sent, 50) {
            post(body).await;
        }
        sent += (50 * BATCH / SPANS) as u128;
    }
    let (mut rates, mut walls) = (Vec::new(), Vec::new());
    for _ in 0..cycles {
        let (mut cpu, mut wall, mut count) = (Duration::ZERO, Duration::ZERO, 0);
        while wall < Duration::from_secs(seconds as u64) {
            // The bodies are built beforehand, so that only sending is measured.
            let bodies = exports(sent, 40);
            sent += (40 * BATCH / SPANS) as u128;
            let (cpu_before, started) = (console.cpu(), Instant::now());
            for body in bodies {
                post(body).await;
                count += BATCH;
            }
            cpu += console.cpu() - cpu_before;
            wall += started.elapsed();
        }
        rates.push(count as f64 / cpu.as_secs_f64());
        walls.push(count as f64 / wall.as_secs_f64());
    }
    let (resident, most) = console.resident();
    // The newest trace must be complete, and every trace must either be present or have been dropped to make
    // room.
    let page = async |path: String, accept: &str| {
        let get = client.get(format!("{}{path}", console.url)).header("accept", accept);
        get.send().await.unwrap().text().await.unwrap()
    };
    let newest = page(format!("/traces/{:032x}", sent - 1), "application/json").await;
    assert_eq!(newest.matches("\"spanId\"").count(), SPANS, "{newest}");
    let footer = page("/".to_owned(), "text/html").await;
    let here: u128 = number_before(&footer, " traces").unwrap();
    let lost = (sent - 1) - here - u128::from(gone(&client, &console).await);

    post(export(spans(u128::MAX, 1000).collect())).await;
    let mut pages = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        let page = page(format!("/traces/{:032x}", u128::MAX), "text/html").await;
        pages.push(started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(page.matches("data-span").count(), 1000);
    }

    let searches = searches(&client).await;
    let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    println!("spans a second of CPU time    {:>9.0}", Spread::from_values(rates.clone()).median);
    println!("spans a second, one sender    {:>9.0}", Spread::from_values(walls).median);
    println!("traces lost                   {lost:>9}");
    println!("page of 1,000 spans, ms       {:>9.1}", Spread::from_values(pages.clone()).median);
    println!("resident when empty, MiB      {:>9.1}", mib(empty));
    println!("resident at --memory {:.0}MiB   {:>9.1}   most {:.1}", mib(MEMORY), mib(resident), mib(most));
    for (query, time) in &searches {
        println!("search of {SEARCHED} traces, ms  {time:>9.1}   {query}");
    }
    // Half of the promised rate, because the machine may be busy.
    assert_eq!(lost, 0, "traces were lost");
    assert!(Spread::from_values(rates).median > 25_000.0, "the receiver is slow");
    assert!(Spread::from_values(pages).median < 200.0, "the page is slow");
    for (query, time) in &searches {
        assert!(*time < 60.0, "the search for {query} is slow");
    }
    assert!(most < MEMORY + 60 * 1024 * 1024, "the memory is not bounded");
}

/// The console's CPU time in ms, for searches that find nothing in many traces.
async fn searches(client: &reqwest::Client) -> [(&'static str, f64); SEARCHES.len()] {
    let console = Console::start(4 * MEMORY);
    for body in exports(1, SEARCHED * SPANS / BATCH) {
        let post = client.post(format!("{}/v1/traces", console.otlp));
        let answer = post.header("content-type", "application/x-protobuf").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let mut searches = SEARCHES.map(|query| (query, 0.0));
    for (query, time) in &mut searches {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let before = console.cpu();
        for _ in 0..REPEATED {
            let get = client.get(format!("{}/traces?q={encoded}", console.url));
            let answer = get.header("accept", "application/json").send().await.unwrap();
            assert_eq!(answer.text().await.unwrap(), r#"{"traces":[]}"#);
        }
        *time = (console.cpu() - before).as_secs_f64() * 1e3 / f64::from(REPEATED);
    }
    searches
}

async fn gone(client: &reqwest::Client, console: &Console) -> u64 {
    let page =
        client.get(&console.url).header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    number_before(&page, " oldest traces dropped").unwrap_or(0)
}

fn number_before<T: std::str::FromStr>(text: &str, word: &str) -> Option<T> {
    text.split(word).find_map(|before| before.rsplit([' ', '>', '\n']).next()?.parse().ok())
}

//! The console as a process, and the spans of the service, for all benchmarks.

mod process;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
pub use process::Process;
use prost::Message;

/// Spans of one trace, and of one export.
pub const SPANS: usize = 10;
pub const BATCH: usize = 500;

/// A console as a process of its own.
pub struct Console {
    pub process: Process,
    pub url: String,
    pub otlp: String,
}

impl Console {
    pub fn start(memory: u64) -> Self {
        let mut process = Process::start(
            Command::new(env!("CARGO_BIN_EXE_handson-console"))
                .args(["--console-port", "0", "--otlp-port", "0", "--otlp-grpc-port", "0"])
                .args(["--memory", &memory.to_string()])
                .stdout(Stdio::piped()),
        );
        let mut lines = BufReader::new(process.child().stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut address = || {
            lines.find_map(|line| {
                line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned)
            })
        };
        let (url, otlp) = (address().unwrap(), address().unwrap());
        Self { process, url, otlp }
    }
}

pub fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

/// Spans of a trace with the attributes of the service. Their ids are unique, because some programs that are
/// measured refuse a span whose id another trace has.
pub fn spans(trace: u128, count: usize) -> impl Iterator<Item = Span> {
    let id = move |at: usize| {
        (trace as u64).wrapping_mul(0x1_0000).wrapping_add(at as u64 + 1).to_be_bytes().to_vec()
    };
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    (0..count).map(move |at| Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: id(at),
        parent_span_id: if at == 0 { Vec::new() } else { id(0) },
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

pub fn export(spans: Vec<Span>) -> Vec<u8> {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
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

/// The resource of the service.
pub fn resource() -> Resource {
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
    Resource { attributes, ..Default::default() }
}

/// The bodies of `count` exports, whose traces have numbers beginning with `from`.
pub fn exports(from: u128, count: usize) -> Vec<Vec<u8>> {
    let traces = BATCH / SPANS;
    (0..count)
        .map(|at| {
            export((0..traces).flat_map(|trace| spans(from + (at * traces + trace) as u128, SPANS)).collect())
        })
        .collect()
}

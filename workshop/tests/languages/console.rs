//! The console shows what the SDKs of other languages send, value by value.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use upstream::{Reaction, Upstream};

use super::shared::{ConsoleProcess, client};
use super::{START_TIMEOUT, root};

const REQUESTS: u64 = 40;
/// For telemetry that has been sent to be on the pages. Failures without an exception are counted after 5 s.
const SHOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// A process that is killed when this value is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn terminate(&mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        self.0.wait().unwrap();
    }
}

/// A running console.
struct Console {
    process: ConsoleProcess,
    client: reqwest::Client,
}

impl Console {
    fn start() -> Self {
        Self { process: ConsoleProcess::start(), client: client() }
    }

    async fn json(&self, path: &str) -> Value {
        let get =
            self.client.get(format!("{}{path}", self.process.urls[0])).header("accept", "application/json");
        serde_json::from_str(&get.send().await.unwrap().text().await.unwrap()).unwrap()
    }

    /// Waits until `seen` in the page is `expected`.
    async fn shows(&self, path: &str, seen: impl Fn(&Value) -> Value, expected: Value) {
        let started = Instant::now();
        loop {
            let page = self.json(path).await;
            let seen = seen(&page);
            if seen == expected {
                return;
            }
            assert!(
                started.elapsed() < SHOWN_TIMEOUT,
                "{path} shows {seen}, and not {expected}:\n{}",
                format!("{page:#}").chars().take(4_000).collect::<String>()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Starts `command` in `folder`, sends requests, ends it, and returns how many of them failed.
async fn failures_of(
    command: &str,
    folder: &Path,
    service: &str,
    console: &Console,
    variables: &[(&str, &str)],
) -> u64 {
    let httpbin = Upstream::start(|_| Reaction::Answer).unwrap();
    let database = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let process = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env("HOST", "127.0.0.1")
        .env("PORT", port.to_string())
        .env("ENV", "test")
        .env("HTTPBIN_URL", httpbin.url(""))
        .env("DATABASE_URL", format!("sqlite://{}?mode=rwc", database.path().join("handson.db").display()))
        .env("RANDOM_ERROR_RATE", "0.5")
        .env("OTEL_SERVICE_NAME", service)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &console.process.urls[1])
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut process = Process(process);
    let started = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = process.0.try_wait().unwrap();
        assert!(ended.is_none() && started.elapsed() < START_TIMEOUT, "{command} does not listen: {ended:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut failures = 0;
    for _ in 0..REQUESTS {
        let answer = console.client.get(format!("http://127.0.0.1:{port}/handson")).send().await.unwrap();
        failures += u64::from(answer.status().as_u16() == 500);
    }
    process.terminate();
    failures
}

/// The page of services counts the requests and errors, and has seen all signals.
async fn services_are_counted(console: &Console, service: &str, failures: u64) {
    let of_service = |page: &Value| {
        let services = page["services"].as_array().unwrap();
        let own = services.iter().find(|it| it["service"] == service).cloned().unwrap_or_default();
        json!([own["requests"], own["errors"], own["signals"]])
    };
    let expected = json!([REQUESTS, failures, ["traces", "metrics", "logs"]]);
    console.shows("/services", of_service, expected).await;
}

/// The histogram has so many values in one of the groups by `server.port`: an exporter may
/// use an instrumented client, too.
async fn histogram_has(console: &Console, service: &str, name: &str, values: u64) {
    let path = format!("/metrics/{service}/{name}?group=server.port");
    let counts = |page: &Value| {
        let groups = page["groups"].as_array().into_iter().flatten();
        json!(groups.filter_map(|group| group["latest"]["count"].as_f64()).fold(0.0, f64::max))
    };
    console.shows(&path, counts, json!(values as f64)).await;
}

/// The traces, those with errors, and the numbers of spans that they have.
async fn traces_are(console: &Console, service: &str, failures: u64, spans: u64) {
    let traces = |page: &Value| {
        let traces = page["traces"].as_array().unwrap();
        let failed = traces.iter().filter(|trace| trace["errors"].as_u64() > Some(0)).count();
        let mut spans: Vec<u64> = traces.iter().filter_map(|trace| trace["spans"].as_u64()).collect();
        spans.dedup();
        json!([traces.len(), failed, spans])
    };
    let path = format!("/traces?service={service}&q=trace.spans>1");
    console.shows(&path, traces, json!([REQUESTS, failures, [spans]])).await;
}

/// The records of queries, and the failures among the errors.
async fn records_and_errors_are(console: &Console, service: &str, kind: &str, failures: u64) {
    let records = |page: &Value| {
        let records = page.pointer("/resourceLogs").and_then(Value::as_array).into_iter().flatten();
        let scopes = records.flat_map(|resource| resource["scopeLogs"].as_array().into_iter().flatten());
        json!(scopes.map(|scope| scope["logRecords"].as_array().map_or(0, Vec::len)).sum::<usize>())
    };
    console.shows(&format!("/logs?service={service}&q=dbQuery"), records, json!(REQUESTS)).await;
    let counts = |page: &Value| {
        let groups = page["error_groups"].as_array().unwrap().iter();
        groups.map(|group| json!([group["kind"], group["count"]])).collect()
    };
    console.shows(&format!("/errors?service={service}"), counts, json!([[kind, failures]])).await;
}

async fn shows_everything(console: &Console, service: &str, kind: &str, failures: u64) {
    services_are_counted(console, service, failures).await;
    traces_are(console, service, failures, 9).await;
    histogram_has(console, service, "http.server.request.duration", REQUESTS).await;
    histogram_has(console, service, "http.client.request.duration", 4 * REQUESTS).await;
    histogram_has(console, service, "db.client.operation.duration", REQUESTS).await;
    records_and_errors_are(console, service, kind, failures).await;
}

#[tokio::test]
#[ignore = "needs Go; run with --ignored"]
async fn the_console_shows_what_go_sends() {
    let console = Console::start();
    let built = tempfile::tempdir().unwrap();
    let program = built.path().join("handson");
    let command = format!("go build -o {0} . && exec {0}", program.display());
    let failures = failures_of(&command, &root().join("examples/go/after"), "go", &console, &[]).await;
    shows_everything(&console, "go", "main.RandomError", failures).await;
}

#[tokio::test]
#[ignore = "needs Python and its packages; run with --ignored"]
async fn the_console_shows_what_python_sends() {
    let console = Console::start();
    let folder = root().join("examples/python/after");
    let failures = failures_of("exec python handson.py", &folder, "python", &console, &[]).await;
    shows_everything(&console, "python", "__main__.RandomError", failures).await;
}

/// The list of `node.rs` says what auto-instrumentation leaves out, such as spans of the database.
#[tokio::test]
#[ignore = "needs Node and the packages of node/package-lock.json; run with --ignored"]
async fn the_console_shows_what_node_sends_by_each_protocol() {
    let console = Console::start();
    let folder = root().join("workshop/tests/languages/node");
    for protocol in ["http/protobuf", "http/json", "grpc"] {
        let service = format!("node-{}", protocol.replace('/', "-"));
        let endpoint = &console.process.urls[if protocol == "grpc" { 2 } else { 1 }];
        let variables =
            [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol), ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
        let failures = failures_of("exec sh start.sh", &folder, &service, &console, &variables).await;
        services_are_counted(&console, &service, failures).await;
        histogram_has(&console, &service, "http.server.request.duration", REQUESTS).await;
        histogram_has(&console, &service, "http.client.request.duration", 4 * REQUESTS).await;
        records_and_errors_are(&console, &service, "Error", failures).await;
    }
}

//! The console as users and programs see it: the real process, real OTLP over the network, its pages over
//! HTTP.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue should panic")]

mod bounds;
mod files;
mod groups;
mod hostile;
mod metrics;
mod pages;
mod search;
mod services;
mod time_ranges;
mod truth;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running console on free ports. It stops when this value is dropped.
struct Console {
    process: Child,
    /// The URL of its pages.
    url: String,
    /// The URL for OTLP over HTTP.
    otlp: String,
    /// The URL for OTLP over gRPC.
    grpc: String,
    client: reqwest::Client,
    /// The lines that it prints after its addresses.
    printed: tokio::sync::Mutex<tokio::sync::mpsc::UnboundedReceiver<String>>,
}

impl Console {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_handson-console"))
            .args(["--console-port", "0", "--otlp-port", "0", "--otlp-grpc-port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut addresses = Vec::new();
        while addresses.len() < 3 {
            let line = lines.next().expect("the console ended").unwrap();
            addresses.extend(
                line.split_whitespace().filter(|word| word.starts_with("http://")).map(str::to_owned),
            );
        }
        // The output must be read to its end, because the console would end without a reader.
        let (sender, printed) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            process,
            url: addresses[0].clone(),
            otlp: addresses[1].clone(),
            grpc: addresses[2].clone(),
            client: reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap(),
            printed: tokio::sync::Mutex::new(printed),
        }
    }

    /// Sends OTLP/JSON to `path`; returns status and body of the response.
    async fn send_json(&self, path: &str, body: &Value) -> (u16, String) {
        self.send(path, "application/json", body.to_string().into_bytes()).await
    }

    /// Sends `body` to `path`; returns status and body of the response.
    async fn send(&self, path: &str, content_type: &str, body: Vec<u8>) -> (u16, String) {
        let post =
            self.client.post(format!("{}{path}", self.otlp)).header("content-type", content_type).body(body);
        let answer = post.send().await.unwrap();
        (answer.status().as_u16(), String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned())
    }

    /// The page at `path`, as HTML.
    async fn html(&self, path: &str) -> (u16, String) {
        let answer = self
            .client
            .get(format!("{}{path}", self.url))
            .header("accept", "text/html")
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The page at `path`, as JSON.
    async fn json(&self, path: &str) -> Value {
        let get = self.client.get(format!("{}{path}", self.url)).header("accept", "application/json");
        serde_json::from_str(&get.send().await.unwrap().text().await.unwrap()).unwrap()
    }

    /// Requests `path` repeatedly until `is_right`, or until a timeout.
    async fn json_when(&self, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let json = self.json(path).await;
            if is_right(&json) {
                return json;
            }
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{path} never became what was expected: {json:#}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for a line that begins with `beginning`.
    async fn printed_line(&self, beginning: &str) -> String {
        let mut printed = self.printed.lock().await;
        let line = async {
            loop {
                let line = printed.recv().await.expect("the console ended");
                if line.starts_with(beginning) {
                    return line;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), line).await.expect("no such line was printed")
    }

    /// Resident memory in bytes. Linux only.
    fn resident(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The maximum of resident memory so far, in bytes. Linux only.
    fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64
}

/// One export with these spans of one service.
fn spans(service: &str, spans: Vec<Value>) -> Value {
    serde_json::json!({ "resourceSpans": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
        "scopeSpans": [{ "scope": { "name": "test" }, "spans": spans }],
    }] })
}

/// A span of 10 ms that has just ended; the members in `more` are added or replace others.
fn span(trace: &str, id: &str, parent: &str, name: &str, more: Value) -> Value {
    let end = now();
    let mut span = serde_json::json!({
        "traceId": trace, "spanId": id, "parentSpanId": parent, "name": name, "kind": 1,
        "startTimeUnixNano": (end - 10_000_000).to_string(), "endTimeUnixNano": end.to_string(),
    });
    for (key, value) in more.as_object().unwrap() {
        span[key] = value.clone();
    }
    span
}

//! Compares the console with other programs that take OTLP and show it, each as a process of its own:
//!
//! ```sh
//! just bench-console          # builds Jaeger and otel-desktop-viewer first: a quarter of an hour
//! cargo bench --package handson-console --bench viewers -- --jaeger FILE --desktop-viewer FILE
//! ```
//!
//! Each receives the same 100,000 spans (500 an export, 10 a trace, 13 attributes, HTTP with protobuf) after
//! a first 10,000, and keeps them all. Then one trace, and the list of traces, are requested as its page
//! requests them. The programs take turns; figures are medians. CPU time and memory are those of the process,
//! from /proc, so it needs Linux. The usual ports of the others must be free.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that cannot go on should stop")]

mod shared;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use shared::{BATCH, Console, Process, SPANS, exports};
use statistics::Spread;

const CYCLES: usize = 5;
/// Enough for all spans.
const MEMORY: u64 = 1024 * 1024 * 1024;
/// Spans that are sent before the measurement, and in it.
const FIRST: usize = 10_000;
const MEASURED: usize = 100_000;
/// How often a page is requested.
const REQUESTS: usize = 10;
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A program, and how it is used.
struct Viewer {
    name: &'static str,
    start: Box<dyn Fn() -> Running>,
    /// What its pages request for one trace, whose id stands for `{}`, and for the list of traces.
    trace: Request,
    list: Request,
}

enum Request {
    Get(&'static str),
    /// A call by JSON-RPC: the method and its parameters.
    Call(&'static str, &'static str),
}

struct Running {
    process: Process,
    /// Where its pages are.
    pages: String,
    /// Where it takes OTLP.
    otlp: String,
}

#[derive(Default)]
struct Figures {
    start: Vec<f64>,
    cpu: Vec<f64>,
    empty: Vec<f64>,
    memory: Vec<f64>,
    trace: Vec<f64>,
    list: Vec<f64>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(at + 1).unwrap_or_else(|| panic!("{name} needs a file")).clone())
    };
    let viewers: Vec<Viewer> =
        [Some(console()), option("--jaeger").map(jaeger), option("--desktop-viewer").map(desktop_viewer)]
            .into_iter()
            .flatten()
            .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut figures: Vec<Figures> = viewers.iter().map(|_| Figures::default()).collect();
    for _ in 0..CYCLES {
        for (viewer, figures) in viewers.iter().zip(&mut figures) {
            runtime.block_on(measure(viewer, figures));
        }
    }
    println!(
        "{:20} {:>12} {:>11} {:>15} {:>17} {:>11} {:>14}",
        "", "start, ms", "empty, MiB", "CPU a span, µs", "memory a span, kB", "trace, ms", "list, ms"
    );
    for (viewer, figures) in viewers.iter().zip(figures) {
        let median = |values| Spread::from_values(values).median;
        println!(
            "{:20} {:>12.0} {:>11.0} {:>15.1} {:>17.2} {:>11.1} {:>14.1}",
            viewer.name,
            median(figures.start),
            median(figures.empty),
            median(figures.cpu),
            median(figures.memory),
            median(figures.trace),
            median(figures.list),
        );
    }
}

fn console() -> Viewer {
    let start = || {
        let Console { process, url, otlp } = Console::start(MEMORY);
        Running { process, pages: url, otlp }
    };
    Viewer {
        name: "otel-console",
        start: Box::new(start),
        trace: Request::Get("/traces/{}"),
        list: Request::Get("/traces"),
    }
}

/// Version 2 without a configuration keeps traces in memory.
fn jaeger(program: String) -> Viewer {
    Viewer {
        name: "Jaeger",
        start: Box::new(move || other(Command::new(&program), "http://127.0.0.1:16686")),
        trace: Request::Get("/api/traces/{}"),
        list: Request::Get("/api/traces?service=handson&limit=50&lookback=1h"),
    }
}

fn desktop_viewer(program: String) -> Viewer {
    let start = move || {
        let mut command = Command::new(&program);
        command.args(["--open-browser=false", "--host", "127.0.0.1"]);
        other(command, "http://127.0.0.1:8000")
    };
    Viewer {
        name: "otel-desktop-viewer",
        start: Box::new(start),
        trace: Request::Call("searchSpans", r#"["{}"]"#),
        // From the beginning to the end of time: all traces.
        list: Request::Call("searchTraces", r#"["0", "9000000000000000000"]"#),
    }
}

fn other(mut command: Command, pages: &str) -> Running {
    let process = Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    Running { process, pages: pages.to_owned(), otlp: "http://127.0.0.1:4318".to_owned() }
}

async fn measure(viewer: &Viewer, figures: &mut Figures) {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let started = Instant::now();
    let Running { process, pages, otlp } = (viewer.start)();
    while client.get(&pages).send().await.is_err() {
        assert!(started.elapsed() < START_TIMEOUT, "{} does not answer at {pages}", viewer.name);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    figures.start.push(started.elapsed().as_secs_f64() * 1e3);
    figures.empty.push(process.resident().0 as f64 / 1024.0 / 1024.0);

    send(&client, &otlp, 1, FIRST).await;
    let before = (process.cpu(), process.resident().0);
    send(&client, &otlp, (FIRST / SPANS + 1) as u128, MEASURED).await;
    let newest = format!("{:032x}", (FIRST + MEASURED) / SPANS);
    // Some store spans after the export was answered.
    let sent = Instant::now();
    loop {
        let answer = viewer.trace.send(&client, &pages, &newest).await;
        if answer.matches("/handson").count() >= SPANS {
            break;
        }
        assert!(sent.elapsed() < START_TIMEOUT, "{} does not show its newest trace: {answer}", viewer.name);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let after = (process.cpu(), process.resident().0);
    figures.cpu.push((after.0 - before.0).as_secs_f64() * 1e6 / MEASURED as f64);
    figures.memory.push(after.1.saturating_sub(before.1) as f64 / 1e3 / MEASURED as f64);
    for (request, figures) in [(&viewer.trace, &mut figures.trace), (&viewer.list, &mut figures.list)] {
        for _ in 0..REQUESTS {
            let started = Instant::now();
            request.send(&client, &pages, &newest).await;
            figures.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
}

impl Request {
    async fn send(&self, client: &reqwest::Client, pages: &str, trace: &str) -> String {
        let request = match self {
            Self::Get(path) => client.get(format!("{pages}{}", path.replace("{}", trace))),
            Self::Call(method, parameters) => {
                let parameters = parameters.replace("{}", trace);
                let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{parameters}}}"#);
                client.post(format!("{pages}/rpc")).body(call)
            }
        };
        let answer = request.header("accept", "application/json").send().await.unwrap();
        answer.text().await.unwrap()
    }
}

async fn send(client: &reqwest::Client, otlp: &str, from: u128, spans: usize) {
    for body in exports(from, spans / BATCH) {
        let post = client.post(format!("{otlp}/v1/traces"));
        let answer = post.header("content-type", "application/x-protobuf").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{otlp}");
    }
}

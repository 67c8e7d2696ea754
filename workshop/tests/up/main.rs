//! `cargo workshop up` as users see it: real processes and a real browser. These tests build the service and
//! need Debian's `chromium` and `chromium-driver`, so they run only with `--ignored`:
//!
//! ```sh
//! cargo test --package workshop --test up -- --ignored
//! ```
//!
//! `.ci/run up` also sets `AXE_CORE` to the file of axe-core. Without it, `accessibility` tests nothing, and
//! fails in CI.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accessibility;
mod browser;
mod errors;
mod game_day;
mod guide;
mod pages;
mod processes;
mod screen;
mod screenshots;
#[path = "../shared/console.rs"]
mod shared;
mod steps;
mod tabs;
mod webdriver;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Time for a build and a start.
const START: Duration = Duration::from_secs(300);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A running `cargo workshop up` on free ports. It gets SIGINT when this value is dropped.
struct Up {
    process: Child,
    lines: Receiver<String>,
    /// The URL of the console.
    url: String,
    /// The URL of the service.
    service: String,
}

impl Up {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_workshop"));
        // The backends of the developer who runs the tests are not used.
        let name = if folder == root() { Some("handson") } else { None };
        command
            .arg("up")
            .args(name)
            .args(["--port", "0", "--httpbin-port", "0"])
            .args(["--console-port", "0", "--otlp-port", "0", "--otlp-grpc-port", "0"])
            .args(arguments)
            .current_dir(folder)
            .env_remove("CARGO_MANIFEST_DIR")
            .env("CARGO_TARGET_DIR", target())
            // Variables that a shell may have for other programs.
            .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
            .env("OTEL_SERVICE_NAME", "somebody-else")
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test may not read any more lines.
                let _ = sender.send(line);
            }
        });
        let mut up = Self { process, lines, url: String::new(), service: String::new() };
        up.url = up.line("  open ").split_whitespace().last().unwrap().to_owned();
        up.service = format!("http://{}", up.line("  call ").split_whitespace().last().unwrap());
        up
    }

    /// Waits for a line that contains `text`.
    fn line(&self, text: &str) -> String {
        let started = Instant::now();
        let mut seen = String::new();
        loop {
            let left = START.saturating_sub(started.elapsed());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no line with {text:?} came, but\n{seen}"));
            if line.contains(text) {
                return line;
            }
            seen.push_str(&line);
            seen.push('\n');
        }
    }

    /// The processes that it has started, by process id and command line.
    fn children(&self) -> Vec<(i32, String)> {
        let parent = self.process.id().to_string();
        let is_child = |line: &&str| line.split_whitespace().nth(1) == Some(&parent);
        let output = Command::new("ps").args(["-eo", "pid,ppid,stat,args"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let children = text.lines().filter(is_child).map(|line| {
            let mut fields = line.split_whitespace();
            let id = fields.next().unwrap().parse().unwrap();
            (id, fields.skip(2).collect::<Vec<_>>().join(" "))
        });
        children.filter(|(_, command)| !command.starts_with("ps ")).collect()
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Sends one request, and returns its trace id.
    fn call(&self) -> String {
        let output =
            Command::new("curl").args(["-s", "-i", "--max-time", "20", &self.service]).output().unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        let header = answer.lines().find(|line| line.to_lowercase().starts_with("traceresponse:"));
        let header = header.unwrap_or_else(|| panic!("no traceresponse in {answer:?}"));
        header.split('-').nth(1).unwrap().to_owned()
    }

    /// Waits until the service answers.
    fn wait_for_service(&self) {
        let health = self.service.replace("/handson", "/healthz");
        within(START, "the service answers", || {
            Command::new("curl").args(["-sf", "-o", "/dev/null", &health]).status().unwrap().success()
        });
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            self.signal(Signal::INT);
            let _ = self.process.wait();
        }
    }
}

/// The target folder of this test, so that nothing is compiled twice.
fn target() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_workshop")).ancestors().nth(2).unwrap().to_owned()
}

/// Repeats the check until it succeeds.
#[track_caller]
fn within(limit: Duration, what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether a process is running. A zombie is not.
fn is_alive(id: i32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &id.to_string()]).output().unwrap();
    let state = String::from_utf8(output.stdout).unwrap();
    !state.trim().is_empty() && !state.starts_with('Z')
}

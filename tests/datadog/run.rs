//! A run of service and load generator with the variables of the task definition, with successes and
//! failures.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::support::service::{Service, Setup};
use crate::support::start_upstream;
use crate::task::Task;
use otlp::Receiver;
use otlp::model::Telemetry;
use upstream::Reaction;

/// The emitted telemetry.
pub struct Run {
    pub task: Task,
    /// The telemetry received over OTLP.
    pub received: Telemetry,
    /// The lines that the service wrote to stdout.
    pub lines: Vec<Value>,
}

impl Run {
    /// `ENV` of the service.
    pub fn environment(&self) -> &str {
        &self.task.container("handson-api").variables["ENV"]
    }
}

/// One run, shared by all tests.
pub async fn run() -> &'static Run {
    static RUN: OnceCell<Run> = OnceCell::const_new();
    RUN.get_or_init(start_to_end).await
}

async fn start_to_end() -> Run {
    let task = Task::read();
    let collector = Receiver::start().await.unwrap();
    let is_broken = Arc::new(AtomicBool::new(false));
    let upstream = start_upstream({
        let is_broken = is_broken.clone();
        move |_| match is_broken.load(Ordering::SeqCst) {
            false => Reaction::Answer,
            true => Reaction::Status(500),
        }
    });

    let mut setup = Setup::exporting_to(&collector).calling(&upstream);
    for (name, value) in &task.container("handson-api").variables {
        if !["HOST", "OTEL_EXPORTER_OTLP_ENDPOINT"].contains(&name.as_str()) {
            setup = setup.with(name, value);
        }
    }
    let service = setup.start().await;
    // Requests that succeed, followed by some that fail. If both happened at once, it would be random how far
    // each gets.
    load(&service, &task, &collector).await;
    is_broken.store(true, Ordering::SeqCst);
    load(&service, &task, &collector).await;
    let lines = service.stop().await.lines;
    Run { received: collector.telemetry(), lines, task }
}

/// Runs the load generator with ten requests.
async fn load(service: &Service, task: &Task, collector: &Receiver) {
    let url = service.url("/handson");
    let loadtest = Command::new(load_generator().await)
        .args(["--rate", "100", "--duration", "100ms", "--url", &url])
        .env_clear()
        .envs(&task.container("loadtest").variables)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = loadtest.await.unwrap();
    assert!(output.status.success(), "{output:#?}");
}

/// The path of the program. Cargo builds the programs of the same package before its tests; this one is in
/// another package, so it is built here.
async fn load_generator() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    // Cargo's variables about this test must not reach another Cargo: ring's build script depends on them and
    // would run again, and all crates that depend on ring would be compiled again.
    let of_this_test =
        |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|own| name.starts_with(own));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_this_test)) {
        cargo.env_remove(name);
    }
    let output = cargo
        .args(["build", "--package", "loadtest", "--bin", "loadtest", "--message-format", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let executable = |message: Value| message["executable"].as_str().map(PathBuf::from);
    messages.filter_map(executable).next_back().expect("Cargo prints the path of the program")
}

//! The two generators, started with the same load.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

use serde_json::Value;

use crate::service::Service;

/// The workshop's k6 script.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/k6/handson.js");

/// The load of both generators.
pub struct Load<'a> {
    pub url: String,
    pub rate: u32,
    pub seconds: u32,
    pub vus: u32,
    /// Pairs of metric and expression.
    pub thresholds: &'a [(&'a str, &'a str)],
}

impl Load<'_> {
    /// 20 iterations per second for two seconds, with as many VUs as the workshop's load.
    pub fn on(service: &Service) -> Self {
        let url = format!("{}/handson", service.origin());
        Self { url, rate: 20, seconds: 2, vus: 50, thresholds: &[] }
    }
}

/// The result of a run.
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    /// The file that `--summary-export` wrote; null if there is none.
    pub summary: Value,
}

/// Runs the workshop's script with the k6 that the variable `K6` names, otherwise with the one on the PATH.
pub fn k6(load: &Load) -> Run {
    let mut thresholds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (metric, expression) in load.thresholds {
        thresholds.entry(metric).or_default().push(expression);
    }
    let mut command = Command::new(env::var_os("K6").unwrap_or_else(|| "k6".into()));
    // k6 opens no port for its interface, and sends no usage report.
    command.args(["run", SCRIPT, "--address", "", "--no-usage-report"]);
    for variable in [
        format!("URL={}", load.url),
        format!("RATE={}", load.rate),
        format!("DURATION={}s", load.seconds),
        format!("PRE_ALLOCATED_VUS={}", load.vus),
        format!("THRESHOLDS={}", serde_json::to_string(&thresholds).unwrap()),
    ] {
        command.args(["-e", &variable]);
    }
    run(command)
}

/// Runs our load generator.
pub fn loadtest(load: &Load) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(["--url", &load.url, "--rate", &load.rate.to_string()]);
    command.args(["--duration", &format!("{}s", load.seconds), "--pre-allocated-vus", &load.vus.to_string()]);
    for (metric, expression) in load.thresholds {
        command.args(["--threshold", &format!("{metric}:{expression}")]);
    }
    run(command)
}

fn run(mut command: Command) -> Run {
    let file = unused_file();
    command.env_clear().stdin(Stdio::null());
    // k6 stores nothing there, but requires the variable.
    command.env("HOME", env!("CARGO_TARGET_TMPDIR"));
    command.arg("--summary-export").arg(&file);
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| {
        panic!(
            "{command:?}: {error}; `just setup k6` builds k6 for `.ci/run k6`, otherwise set K6 to its path or put it on the PATH"
        )
    });
    let summary = fs::read(&file).map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
    let _ = fs::remove_file(file);
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Run { status: status.code().unwrap_or(-1), stdout, stderr, summary }
}

fn unused_file() -> PathBuf {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let name = format!("summary-{}-{}.json", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

impl Run {
    /// The thresholds in the printed summary, each with its mark and without the measured value.
    pub fn verdicts(&self) -> Vec<&str> {
        let lines = self.stdout.lines().map(str::trim);
        let thresholds = lines.filter(|line| line.starts_with("✓ '") || line.starts_with("✗ '"));
        thresholds.filter_map(|line| line.rsplit_once("' ").map(|(verdict, _)| verdict)).collect()
    }
}

impl Display for Run {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n--- exit status {}\n{}{}", self.status, self.stdout, self.stderr)
    }
}

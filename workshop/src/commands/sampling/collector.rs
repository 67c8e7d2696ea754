//! The process of the Collector.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use otlp::Receiver;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

use crate::commands::fail;
use crate::messages::Message;
use crate::run;
use crate::text;

const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Time to end after SIGTERM: it decides about the traces that it holds, and sends them.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Time between two attempts to connect.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);
/// What it logs when all its receivers listen.
const READY: &str = "Everything is ready.";
/// Number of lines of its log that are shown.
const MAX_LINES: usize = 6;
const RELEASES: &str = "https://github.com/open-telemetry/opentelemetry-collector-releases/releases";

/// A running Collector. It is killed when this value is dropped.
pub(super) struct Collector {
    child: Child,
    log: NamedTempFile,
    /// The port of OTLP over HTTP.
    pub(super) port: u16,
}

impl Collector {
    /// Starts it, and waits until it receives OTLP. It gets the variables of
    /// `infrastructure/local/collector.yaml`, so that this file can be judged, too.
    ///
    /// # Errors
    ///
    /// There is no such program, or it ends, or it does not listen.
    pub(super) async fn start(program: &Path, configuration: &Path, upstream: &Receiver) -> Result<Self> {
        // All ports are held at the same time, so that they differ.
        let held = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let mut ports = [0; 3];
        for (port, listener) in ports.iter_mut().zip(held) {
            *port = listener.and_then(|it| it.local_addr()).context("no port is free")?.port();
        }
        let log = NamedTempFile::new().context("cannot create a file for the Collector's log")?;
        let output = || log.reopen().context("cannot write the Collector's log");
        let mut location = OsString::from("file:");
        location.push(configuration);
        let child = Command::new(program)
            .arg("--config")
            .arg(location)
            // Otherwise two Collectors would use the same port for their own metrics.
            .args(["--set", "service::telemetry::metrics::level=none"])
            .env("COLLECTOR_HOST", "127.0.0.1")
            .env("COLLECTOR_EXPORTERS", "[otlp_http]")
            .env("COLLECTOR_UPSTREAM", upstream.endpoint())
            .env("OTLP_HTTP_PORT", ports[0].to_string())
            .env("OTLP_GRPC_PORT", ports[1].to_string())
            .env("HEALTH_PORT", ports[2].to_string())
            .stdin(Stdio::null())
            .stdout(output()?)
            .stderr(output()?)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| fail(not_started(program, &error)))?;
        let mut collector = Self { child, log, port: ports[0] };
        collector.wait_until_listening().await.map_err(fail)?;
        Ok(collector)
    }

    async fn wait_until_listening(&mut self) -> Result<(), Message> {
        let start = Instant::now();
        loop {
            // Receivers start before it says so; if its log is off, only the time can tell.
            let is_ready = self.log().contains(READY) || start.elapsed() > START_TIMEOUT;
            if run::is_open(self.port).await {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(text!(
                    "the Collector does not start: it ended with {status}\n{log}",
                    status = describe(status),
                    log = self.last_lines()
                ));
            }
            if is_ready {
                return Err(text!(
                    "the Collector runs, but does not listen on port {port}: under receivers, otlp, protocols, http, it needs `endpoint: localhost:${{env:OTLP_HTTP_PORT}}`",
                    port = self.port
                ));
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    /// Stops it, and returns its log.
    ///
    /// # Errors
    ///
    /// It had ended before, or does not end.
    pub(super) async fn stop(mut self) -> Result<String, Message> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(text!(
                "the Collector has ended with {status} while it was used\n{log}",
                status = describe(status),
                log = self.last_lines()
            ));
        }
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // It may end at this moment.
            let _ = kill_process(id, Signal::TERM);
        }
        if tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            return Err(text!(
                "the Collector does not end within {seconds} s after SIGTERM\n{log}",
                seconds = STOP_TIMEOUT.as_secs(),
                log = self.last_lines()
            ));
        }
        Ok(self.log())
    }

    fn log(&self) -> String {
        let log = std::fs::read(self.log.path()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    fn last_lines(&self) -> String {
        last_lines(&self.log())
    }
}

/// The last lines of a log.
pub(super) fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(MAX_LINES)..].join("\n")
}

fn describe(status: ExitStatus) -> Message {
    match status.code() {
        Some(code) => text!("exit status {code}", code),
        None => text!("a signal"),
    }
}

fn not_started(program: &Path, error: &io::Error) -> Message {
    text!(
        "invalid value '{program}' for --collector: {error}\n\
         Expected an OpenTelemetry Collector: download otelcol-contrib from {releases}, unpack it, and pass its path. A Collector of your \
         own needs the receiver otlp, the processor tail_sampling, the exporter otlp_http, and span_metrics for metrics.",
        program = program.display().to_string(),
        error = error.to_string(),
        releases = RELEASES
    )
}

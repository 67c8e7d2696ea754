//! A real OpenTelemetry Collector that runs the workshop's configuration.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

use crate::support::{ClosedPort, TIMEOUT, client};
use otlp::Receiver;

/// The file that Compose mounts into its container.
pub const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/infrastructure/local/collector.yaml");

/// The running Collector. It is killed when this value is dropped; in a failing test, it prints its output.
pub struct Otelcol {
    child: Child,
    log: NamedTempFile,
    http: u16,
    grpc: u16,
}

impl Otelcol {
    /// Starts it, and waits until it is healthy. It sends sampled traces to `upstream`; of ordinary traces,
    /// this percentage.
    pub async fn start(upstream: &Receiver, sampling_percentage: u8) -> Self {
        let upstream = upstream.endpoint();
        let percentage = sampling_percentage.to_string();
        Self::start_with(&[
            ("COLLECTOR_EXPORTERS", "[otlp_http]"),
            ("COLLECTOR_UPSTREAM", upstream),
            ("SAMPLING_PERCENTAGE", &percentage),
        ])
        .await
    }

    /// Starts it with these variables, and waits until it is healthy.
    pub async fn start_with(variables: &[(&str, &str)]) -> Self {
        let log = NamedTempFile::new().unwrap();
        // All three ports are held at the same time, so that they differ, and released before the Collector
        // binds them.
        let [http, grpc, health] = [(); 3].map(|()| ClosedPort::new()).map(|port| port.number());
        let child = command(&["--config", CONFIGURATION])
            .env("COLLECTOR_HOST", "127.0.0.1")
            .env("OTLP_HTTP_PORT", http.to_string())
            .env("OTLP_GRPC_PORT", grpc.to_string())
            .env("HEALTH_PORT", health.to_string())
            .env("SAMPLING_DECISION_WAIT", "1s")
            .env("SPAN_METRICS_INTERVAL", "500ms")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(log.reopen().unwrap())
            .spawn()
            .unwrap_or_else(missing);
        let mut otelcol = Self { child, log, http, grpc };
        otelcol.until_healthy(&format!("http://127.0.0.1:{health}/")).await;
        otelcol
    }

    async fn until_healthy(&mut self, url: &str) {
        let (client, deadline) = (client::new(), Instant::now() + TIMEOUT);
        while !client::send(&client, url).await.is_ok_and(|answer| answer.status == 200) {
            assert_eq!(self.child.try_wait().unwrap(), None, "the Collector has ended by itself");
            assert!(Instant::now() < deadline, "the Collector runs, but {url} does not say 200");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The endpoint for OTLP/HTTP.
    pub fn http_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// The endpoint for OTLP/gRPC.
    pub fn grpc_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// Stops it as a container would: it decides about the traces that it holds, and sends what is left.
    /// Returns its log.
    pub async fn stop(mut self) -> String {
        let pid = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        assert!(status.success(), "kill -TERM {pid}: {status}");
        let status = tokio::time::timeout(TIMEOUT, self.child.wait()).await.expect("it ends").unwrap();
        assert!(status.success(), "ended with {status}");
        self.log()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }
}

impl Drop for Otelcol {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the Collector ---\n{}", self.log());
        }
    }
}

/// The output of the Collector when it validates a configuration without running it.
pub async fn validate(configuration: &Path) -> Output {
    let file = configuration.to_str().unwrap();
    command(&["validate", "--config", file]).output().await.unwrap_or_else(missing)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("OTELCOL").unwrap_or_else(|| "otelcol".into()));
    command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn missing<T>(error: std::io::Error) -> T {
    panic!(
        "no Collector to run: {error}. `just setup collector` builds one for `.ci/run collector`; \
         otherwise set OTELCOL to the path of one, or put `otelcol` on the PATH"
    )
}

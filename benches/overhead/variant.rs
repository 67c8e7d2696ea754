//! The processes of the benchmark: the service with each mix of signals, the local httpbin, and a foreign
//! service.

use std::{net::TcpListener, process::Command};

use url::Url;

use crate::{Result, options::Options, process::Process, sink::Sink};

/// The release binary. Cargo builds benchmarks with that profile.
pub const BINARY: &str = env!("CARGO_BIN_EXE_handson");

/// All signals, with their names in `OTEL_{}_EXPORTER` and `/v1/{}`.
pub const SIGNALS: [&str; 3] = ["traces", "metrics", "logs"];

/// Metrics are exported every minute by default, which is too rare for a run of half a minute.
const METRIC_EXPORT_INTERVAL: &str = "5000";

/// Which process answers the four calls of a request.
pub enum Upstream {
    /// The service itself.
    Embedded,
    /// A separate process, which all variants share.
    Shared(Url),
}

/// One way to run the service.
#[derive(Clone, Debug, PartialEq)]
pub enum Variant {
    /// The service with these signals. Without any, telemetry is off.
    Signals(&'static [&'static str]),
    /// A foreign service: its shell command and the URL to load.
    Peer { command: String, url: Url },
}

/// Telemetry is off: `OTEL_SDK_DISABLED=true`.
pub const OFF: Variant = Variant::Signals(&[]);
/// Traces, metrics and logs.
pub const ALL: Variant = Variant::Signals(&SIGNALS);

/// A running variant.
pub struct Service {
    /// The process, for measuring its cost.
    pub process: Process,
    /// The URL to load.
    pub url: Url,
}

impl Variant {
    /// All variants of a run, beginning with [`OFF`].
    pub fn list(options: &Options) -> Vec<Self> {
        let mut variants = vec![
            OFF,
            Self::Signals(&["traces"]),
            Self::Signals(&["traces", "metrics"]),
            Self::Signals(&["traces", "logs"]),
            ALL,
        ];
        variants.extend(Self::peer(options));
        variants
    }

    /// The foreign service of the options.
    pub fn peer(options: &Options) -> Option<Self> {
        Some(Self::Peer { command: options.peer_command.clone()?, url: options.peer_url.clone()? })
    }

    /// The name in the report, and the first part of the path at the sink.
    pub fn name(&self) -> String {
        match self {
            Self::Signals([]) => "off".to_owned(),
            Self::Signals(signals) if signals.len() == SIGNALS.len() => "all".to_owned(),
            Self::Signals(signals) => signals.join("+"),
            Self::Peer { .. } => "peer".to_owned(),
        }
    }

    /// Whether `signal` is exported; `None` for a peer, where it is unknown.
    pub fn exports(&self, signal: &str) -> Option<bool> {
        match self {
            Self::Signals(signals) => Some(signals.contains(&signal)),
            Self::Peer { .. } => None,
        }
    }

    /// Starts the variant and waits until it is ready.
    pub async fn start(&self, sink: &Sink, upstream: &Upstream) -> Result<Service> {
        let mut command;
        let url;
        let ready;
        match self {
            Self::Signals(signals) => {
                let port = free_port()?;
                command = Command::new(BINARY);
                // Nothing is inherited from the caller's environment, because the defaults are measured.
                command.env_clear().env("PORT", port.to_string());
                if signals.is_empty() {
                    command.env("OTEL_SDK_DISABLED", "true");
                }
                for signal in SIGNALS {
                    let exporter = if signals.contains(&signal) { "otlp" } else { "none" };
                    command.env(format!("OTEL_{}_EXPORTER", signal.to_uppercase()), exporter);
                }
                url = loopback(port, "/handson")?;
                ready = loopback(port, "/healthz")?;
            }
            Self::Peer { command: line, url: peer } => {
                command = Command::new("sh");
                // With `exec`, the process that is measured and killed is the service and not the shell.
                command.arg("-c").arg(format!("exec {line}"));
                url = peer.clone();
                ready = peer.clone();
            }
        }
        if let Upstream::Shared(httpbin) = upstream {
            command.env("HTTPBIN_URL", httpbin.as_str().trim_end_matches('/'));
        }
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", sink.endpoint(&self.name()))
            .env("OTEL_METRIC_EXPORT_INTERVAL", METRIC_EXPORT_INTERVAL);
        let process = Process::start(&self.name(), &mut command, &ready).await?;
        Ok(Service { process, url })
    }
}

/// Starts the local httpbin as a separate process, without telemetry.
pub async fn start_httpbin() -> Result<(Process, Upstream)> {
    let port = free_port()?;
    let mut command = Command::new(BINARY);
    command.args(["httpbin", "--port", &port.to_string()]).env_clear().env("OTEL_SDK_DISABLED", "true");
    let process = Process::start("httpbin", &mut command, &loopback(port, "/get")?).await?;
    Ok((process, Upstream::Shared(loopback(port, "")?)))
}

/// A port that is currently free. With port 0, the services would print their port only to their standard
/// output.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn loopback(port: u16, path: &str) -> Result<Url> {
    Ok(Url::parse(&format!("http://127.0.0.1:{port}{path}"))?)
}

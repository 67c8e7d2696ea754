//! What is started: the service with each mix of signals, the stand-in that it calls, and a foreign service.

use std::{net::TcpListener, process::Command};

use url::Url;

use crate::{Result, options::Options, process::Process, sink::Sink};

/// The release binary: Cargo builds it for benchmarks with that profile.
pub const BINARY: &str = env!("CARGO_BIN_EXE_handson");

/// All signals, as `OTEL_{}_EXPORTER` and `/v1/{}` name them.
pub const SIGNALS: [&str; 3] = ["traces", "metrics", "logs"];

/// Metrics leave every minute by default, which a run of half a minute would not show.
const METRIC_EXPORT_INTERVAL: &str = "5000";

/// Whose CPU time answers the four calls of a request.
pub enum Upstream {
    /// The service's own.
    Embedded,
    /// That of a process of its own, which all variants share.
    Shared(Url),
}

/// One way to run the service.
#[derive(Clone, Debug, PartialEq)]
pub enum Variant {
    /// The service with these signals; with none of them, telemetry is off altogether.
    Signals(&'static [&'static str]),
    /// A foreign service: shell command and URL to load.
    Peer { command: String, url: Url },
}

/// Telemetry off: `OTEL_SDK_DISABLED=true`.
pub const OFF: Variant = Variant::Signals(&[]);
/// Traces, metrics and logs.
pub const ALL: Variant = Variant::Signals(&SIGNALS);

/// A variant that runs.
pub struct Service {
    /// The process, for what it costs.
    pub process: Process,
    /// What to load.
    pub url: Url,
}

impl Variant {
    /// All that one run compares, beginning with [`OFF`].
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

    /// The foreign service that the options name.
    pub fn peer(options: &Options) -> Option<Self> {
        Some(Self::Peer { command: options.peer_command.clone()?, url: options.peer_url.clone()? })
    }

    /// Name in the report, and first part of the path at the sink.
    pub fn name(&self) -> String {
        match self {
            Self::Signals([]) => "off".to_owned(),
            Self::Signals(signals) if signals.len() == SIGNALS.len() => "all".to_owned(),
            Self::Signals(signals) => signals.join("+"),
            Self::Peer { .. } => "peer".to_owned(),
        }
    }

    /// Whether `signal` is exported; nobody knows of a peer.
    pub fn exports(&self, signal: &str) -> Option<bool> {
        match self {
            Self::Signals(signals) => Some(signals.contains(&signal)),
            Self::Peer { .. } => None,
        }
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&self, sink: &Sink, upstream: &Upstream) -> Result<Service> {
        let mut command;
        let url;
        let ready;
        match self {
            Self::Signals(signals) => {
                let port = free_port()?;
                command = Command::new(BINARY);
                // Nothing of the caller's environment: the defaults are what is measured.
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
                // `exec`, so that the process that is measured and killed is the service and not the shell.
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

/// Starts the httpbin stand-in as a process of its own, without telemetry.
pub async fn start_httpbin() -> Result<(Process, Upstream)> {
    let port = free_port()?;
    let mut command = Command::new(BINARY);
    command.args(["httpbin", "--port", &port.to_string()]).env_clear().env("OTEL_SDK_DISABLED", "true");
    let process = Process::start("httpbin", &mut command, &loopback(port, "/get")?).await?;
    Ok((process, Upstream::Shared(loopback(port, "")?)))
}

/// A port that is free now. The services could choose one themselves, but would tell it on their standard output.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn loopback(port: u16, path: &str) -> Result<Url> {
    Ok(Url::parse(&format!("http://127.0.0.1:{port}{path}"))?)
}

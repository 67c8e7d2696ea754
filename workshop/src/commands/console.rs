//! `console`: takes OTLP, and shows it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use bytesize::ByteSize;
use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::doctor::ports;
use super::place::Place;
use crate::console::{self, Attendee, Console, Hosts};
use crate::run;

/// Less would not hold one export.
const LEAST_MEMORY: u64 = 16 * 1024 * 1024;

/// What `console` and `up` have in common.
#[derive(Debug, Args)]
pub(super) struct ConsoleOptions {
    /// Where to listen; 0.0.0.0 lets other machines and containers in
    #[arg(long, env = "CONSOLE_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port of the pages; 0 takes a free one
    #[arg(long, env = "CONSOLE_PORT", default_value_t = 4000)]
    console_port: u16,
    /// Port of OTLP by HTTP; 0 takes a free one
    #[arg(long, env = "CONSOLE_OTLP_PORT", default_value_t = 4318)]
    otlp_port: u16,
    /// Port of OTLP by gRPC; 0 takes a free one
    #[arg(long, env = "CONSOLE_OTLP_GRPC_PORT", default_value_t = 4317)]
    otlp_grpc_port: u16,
    /// How much telemetry is kept: the oldest traces go first
    #[arg(long, env = "CONSOLE_MEMORY", default_value = "256MiB", value_parser = memory)]
    memory: ByteSize,
    /// A file that defines a monitor; may be repeated
    #[arg(long, env = "CONSOLE_MONITOR", value_name = "FILE")]
    monitor: Vec<PathBuf>,
    /// A name, beside localhost, under which a browser may call it; may be repeated
    #[arg(long, env = "CONSOLE_ALLOW_HOST", value_name = "NAME")]
    allow_host: Vec<String>,
}

fn memory(text: &str) -> Result<ByteSize, String> {
    match text.parse::<ByteSize>() {
        Ok(bytes) if bytes.as_u64() >= LEAST_MEMORY => Ok(bytes),
        Ok(_) => Err("allowed is 16MiB or more".to_owned()),
        Err(_) => Err("allowed is a size, such as 256MiB or 1GiB".to_owned()),
    }
}

/// A console whose ports are taken.
pub(super) struct Listening {
    pub(super) console: Arc<Console>,
    /// Its address for a browser.
    pub(super) url: String,
    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`, by HTTP.
    pub(super) endpoint: String,
    /// The same by gRPC.
    pub(super) grpc_endpoint: String,
    otlp: Vec<TcpListener>,
    page: TcpListener,
}

impl ConsoleOptions {
    /// Takes the ports. `curl` is what the pages tell to call for a trace.
    ///
    /// # Errors
    ///
    /// In one line: which port is taken, by whom, and what to do.
    pub(super) async fn listen(
        &self,
        monitors: Vec<PathBuf>,
        attendee: Option<Attendee>,
        curl: Option<String>,
    ) -> Result<Listening, String> {
        let page = listener(self.host, self.console_port, "the console", "--console-port").await?;
        let http = listener(self.host, self.otlp_port, "OTLP by HTTP", "--otlp-port").await?;
        let grpc = listener(self.host, self.otlp_grpc_port, "OTLP by gRPC", "--otlp-grpc-port").await?;
        let address = |listener: &TcpListener| match listener.local_addr() {
            Ok(address) => Ok(format!("http://localhost:{}", address.port())),
            Err(error) => Err(format!("a listener has no address: {error}")),
        };
        let (url, endpoint, grpc_endpoint) = (address(&page)?, address(&http)?, address(&grpc)?);
        let options = console::Options {
            memory: usize::try_from(self.memory.as_u64()).unwrap_or(usize::MAX / 2),
            monitors,
            attendee,
            guide: Place::here().ok().map(|place| place.root.join(crate::guide::FOLDER)),
            hosts: Hosts(self.allow_host.clone()),
            url: url.clone(),
            endpoint: endpoint.clone(),
            curl: curl.unwrap_or_else(|| "curl -i localhost:8080/handson".to_owned()),
        };
        Ok(Listening {
            console: Console::new(options),
            url,
            endpoint,
            grpc_endpoint,
            otlp: vec![http, grpc],
            page,
        })
    }

    /// The files of `--monitor`.
    pub(super) fn monitors(&self) -> Vec<PathBuf> {
        self.monitor.clone()
    }
}

impl Listening {
    pub(super) async fn serve(self) -> std::io::Result<()> {
        self.console.serve(self.otlp, self.page).await
    }
}

async fn listener(host: IpAddr, port: u16, whose: &str, option: &str) -> Result<TcpListener, String> {
    TcpListener::bind((host, port)).await.map_err(|error| taken(port, whose, option, &error))
}

/// In one line: whose port is taken, by whom, and what to do.
pub(super) fn taken(port: u16, whose: &str, option: &str, error: &std::io::Error) -> String {
    format!(
        "port {port}, for {whose}, is {}; end that, or choose another port with {option}",
        ports::why(port, error)
    )
}

pub(super) fn console(options: &ConsoleOptions) -> Result<u8, String> {
    let runtime = Runtime::new().map_err(|error| format!("no threads can be started: {error}"))?;
    let ended = runtime.block_on(async {
        let listening = options.listen(options.monitors(), None, None).await?;
        anstream::println!(
            "console   {}\nOTLP      {} by HTTP, {} by gRPC\nmemory    {}\n\nCtrl-C ends it, and all that it has is gone.",
            listening.url,
            listening.endpoint,
            listening.grpc_endpoint,
            options.memory
        );
        match run::unless_interrupted(listening.serve()).await {
            Ok(ended) => ended.map_err(|error| format!("the console cannot go on: {error}")),
            Err(_interrupted) => Ok(()),
        }
    });
    runtime.shutdown_background();
    ended.map(|()| 0)
}

//! The command line of the console, and its listeners.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::http::{HeaderValue, Uri};
use bytesize::ByteSize;
use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::{Console, Extension, Hosts, Options, files, ports};

/// With less memory, not even one export would fit.
const MIN_MEMORY: u64 = 16 * 1024 * 1024;

/// Why the console cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port is not free.
    #[error(transparent)]
    Port(#[from] ports::PortError),
    /// A listener has no address.
    #[error("a listener has no address: {0}")]
    Address(#[source] io::Error),
    /// The runtime cannot be built.
    #[error("no threads can be started: {0}")]
    Runtime(#[source] io::Error),
    /// A file cannot be shown.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// A server has ended.
    #[error("the console has stopped: {0}")]
    Serve(#[source] io::Error),
}

/// The options of a console.
#[derive(Debug, Args)]
pub struct ConsoleOptions {
    /// Where to listen; 0.0.0.0 lets other machines and containers in
    #[arg(long, env = "CONSOLE_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port of the pages; 0 uses a free one
    #[arg(long, env = "CONSOLE_PORT", default_value_t = 4000)]
    console_port: u16,
    /// Port of OTLP over HTTP; 0 uses a free one
    #[arg(long, env = "CONSOLE_OTLP_PORT", default_value_t = 4318)]
    otlp_port: u16,
    /// Port of OTLP over gRPC; 0 uses a free one
    #[arg(long, env = "CONSOLE_OTLP_GRPC_PORT", default_value_t = 4317)]
    otlp_grpc_port: u16,
    /// How much memory telemetry may use: the oldest traces are dropped first
    #[arg(long, env = "CONSOLE_MEMORY", default_value = "256MiB", value_parser = memory)]
    memory: ByteSize,
    /// A file that defines a monitor; may be repeated
    #[arg(long, env = "CONSOLE_MONITOR", value_name = "FILE")]
    monitor: Vec<PathBuf>,
    /// Another name than localhost under which a browser may call it; may be repeated
    #[arg(long, env = "CONSOLE_ALLOW_HOST", value_name = "NAME")]
    allow_host: Vec<String>,
    /// A web site whose pages may send OTLP, such as http://localhost:3000; may be repeated
    #[arg(long, env = "CONSOLE_ALLOW_ORIGIN", value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<HeaderValue>,
    /// Open the console in the browser
    #[arg(long)]
    open: bool,
}

/// The options of a console that runs alone.
#[derive(Debug, Args)]
pub struct ConsoleArguments {
    #[command(flatten)]
    options: ConsoleOptions,
    /// Files of OTLP/JSON to show: one object, or one per line, as the Collector's file exporter writes them
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Why a value is not the origin of web pages.
#[derive(Debug, thiserror::Error)]
#[error("expected scheme, host and port as a browser sends them, such as https://shop.example")]
struct OriginError;

/// The origin as in the header `Origin`: <https://www.rfc-editor.org/rfc/rfc6454#section-6.2>.
fn origin(text: &str) -> Result<HeaderValue, OriginError> {
    let uri: Uri = text.parse().map_err(|_| OriginError)?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(OriginError);
    };
    let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
    // Nothing else, not even a slash, because a browser sends nothing else.
    if origin != text || authority.as_str().contains('@') {
        return Err(OriginError);
    }
    HeaderValue::from_str(text).map_err(|_| OriginError)
}

/// Why a value is not an amount of memory for telemetry.
#[derive(Debug, thiserror::Error)]
enum MemoryError {
    #[error("expected a size, such as 256MiB or 1GiB")]
    NotASize,
    #[error("expected 16MiB or more")]
    TooSmall,
}

fn memory(text: &str) -> Result<ByteSize, MemoryError> {
    match text.parse::<ByteSize>() {
        Ok(bytes) if bytes.as_u64() >= MIN_MEMORY => Ok(bytes),
        Ok(_) => Err(MemoryError::TooSmall),
        Err(_) => Err(MemoryError::NotASize),
    }
}

/// A console whose ports are bound.
pub struct Listening {
    /// The console.
    pub console: Arc<Console>,
    /// Its address in a browser.
    pub url: String,
    /// The address for `OTEL_EXPORTER_OTLP_ENDPOINT` over HTTP.
    pub endpoint: String,
    /// The same over gRPC.
    pub grpc_endpoint: String,
    otlp: Vec<TcpListener>,
    page: TcpListener,
}

impl ConsoleOptions {
    /// Binds the ports.
    ///
    /// # Errors
    ///
    /// A port is not free.
    pub async fn listen(&self, monitors: Vec<PathBuf>, extension: Extension) -> Result<Listening, Error> {
        let page = listener(self.host, self.console_port, "the console", "--console-port").await?;
        let http = listener(self.host, self.otlp_port, "OTLP over HTTP", "--otlp-port").await?;
        let grpc = listener(self.host, self.otlp_grpc_port, "OTLP over gRPC", "--otlp-grpc-port").await?;
        let address = |listener: &TcpListener| match listener.local_addr() {
            Ok(address) => Ok(format!("http://localhost:{}", address.port())),
            Err(error) => Err(Error::Address(error)),
        };
        let (url, endpoint, grpc_endpoint) = (address(&page)?, address(&http)?, address(&grpc)?);
        let options = Options {
            memory: usize::try_from(self.memory.as_u64()).unwrap_or(usize::MAX / 2),
            monitors,
            extension,
            hosts: Hosts(self.allow_host.clone()),
            origins: self.allow_origin.clone(),
            url: url.clone(),
            endpoint: endpoint.clone(),
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

    /// Opens the pages in the browser, if `--open` says so. A failure is reported on the terminal.
    pub fn open(&self, url: &str) {
        if !self.open {
            return;
        }
        if let Err(error) = open::that_detached(url) {
            anstream::eprintln!("No browser could be opened ({error}): open {url}");
        }
    }

    /// The files of `--monitor`.
    pub fn monitors(&self) -> Vec<PathBuf> {
        self.monitor.clone()
    }
}

impl Listening {
    /// Serves OTLP and pages.
    ///
    /// # Errors
    ///
    /// A server has ended.
    pub async fn serve(self) -> io::Result<()> {
        self.console.serve(self.otlp, self.page).await
    }
}

async fn listener(
    host: IpAddr,
    port: u16,
    whose: &'static str,
    option: &'static str,
) -> Result<TcpListener, Error> {
    Ok(TcpListener::bind((host, port))
        .await
        .map_err(|error| ports::PortError::new(port, whose, option, &error))?)
}

/// Runs a console until it is interrupted, and prints its addresses.
///
/// # Errors
///
/// A port is not free, a file cannot be shown, or a server has ended.
pub fn run(arguments: &ConsoleArguments, extension: Extension) -> Result<(), Error> {
    let ConsoleArguments { options, files } = arguments;
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let ended = runtime.block_on(async {
        let listening = options.listen(options.monitors(), extension).await?;
        anstream::println!(
            "console   {}\nOTLP      {} over HTTP, {} over gRPC\nmemory    {}\n\n\
             A program in any language sends to it with OTEL_EXPORTER_OTLP_ENDPOINT={}\n\
             Ctrl-C ends it; it keeps nothing on disk.",
            listening.url,
            listening.endpoint,
            listening.grpc_endpoint,
            options.memory,
            listening.endpoint,
        );
        for file in files {
            let (console, file, memory) = (Arc::clone(&listening.console), file.clone(), options.memory);
            let read = tokio::task::spawn_blocking(move || files::open(&console, &file, memory)).await;
            anstream::println!("{}", read.map_err(|error| Error::Serve(io::Error::other(error)))??);
        }
        options.open(&listening.url);
        tokio::select! {
            ended = listening.serve() => ended.map_err(Error::Serve),
            interrupted = shutdown::interrupted() => interrupted.map_err(Error::Serve),
        }
    });
    runtime.shutdown_background();
    ended
}

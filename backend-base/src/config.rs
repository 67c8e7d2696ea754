//! Options and environment variables. Every option is also a variable; `handson --help` tells them all.

mod refusal;
mod values;

use std::net::IpAddr;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::filter::Targets;
use url::Url;

pub use refusal::Refusal;
pub use values::{Delay, Environment, ErrorRate, LogFormat, LogLevel};

use crate::telemetry;

/// What the program is asked to do.
#[derive(Debug, Parser)]
#[command(version = crate::identity::VERSION, about, after_help = telemetry::settings::HELP)]
pub struct Options {
    /// What to do instead of serving `/handson`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where to listen.
    #[command(flatten)]
    pub address: Address,
    /// How to serve `/handson`.
    #[command(flatten)]
    pub service: Service,
    /// What every way of running has in common.
    #[command(flatten)]
    pub process: Process,
}

/// The other programs in this binary.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run the stand-in for httpbin alone, as the traced service `httpbin`
    Httpbin {
        /// Port to listen on; 0 takes a free one
        #[arg(long, env = "PORT", default_value_t = 8081, value_parser = values::port)]
        port: u16,
        /// How long each answer takes: one duration, or a range from which it is drawn (20ms..80ms)
        #[arg(long, env = "HTTPBIN_DELAY", default_value = "0ms", value_parser = values::delay)]
        delay: Delay,
    },
    /// Ask `/healthz` of the service on this machine; the exit status is 0 where it answers, else 1
    Healthcheck,
}

/// Where to listen.
#[derive(Debug, Clone, clap::Args)]
pub struct Address {
    /// Address to listen on; containers set 0.0.0.0
    #[arg(long, env = "HOST", default_value = "127.0.0.1", global = true, value_parser = values::host)]
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, env = "PORT", default_value_t = 8080, value_parser = values::port)]
    pub port: u16,
}

/// How to serve `/handson`.
#[derive(Debug, Clone, clap::Args)]
pub struct Service {
    /// backend-sakura makes the service handson-sakura [default: the package's name where it begins backend-]
    #[arg(long, env = "BACKEND_NAME", value_parser = values::backend_name)]
    pub backend_name: Option<String>,
    /// httpbin to call, such as `https://httpbin.org` [default: an embedded stand-in on a free loopback port]
    #[arg(long, env = "HTTPBIN_URL", value_parser = values::http_url)]
    pub httpbin_url: Option<Url>,
    /// Time that one call of httpbin may take, connect included
    #[arg(long, env = "HTTPBIN_TIMEOUT", default_value = "5s", value_parser = values::timeout)]
    pub httpbin_timeout: Duration,
    /// Time that the whole of a request may take
    #[arg(long, env = "REQUEST_TIMEOUT", default_value = "30s", value_parser = values::timeout)]
    pub request_timeout: Duration,
    /// SQLite database: sqlite::memory: or a file, sqlite://handson.db?mode=rwc
    #[arg(long, env = "DATABASE_URL", default_value = "sqlite::memory:", value_parser = values::database_url)]
    pub database_url: sqlx::sqlite::SqliteConnectOptions,
    /// Share of requests that fail at random, 0 to 1
    #[arg(long, env = "RANDOM_ERROR_RATE", default_value = "0.0", allow_hyphen_values = true)]
    pub random_error_rate: ErrorRate,
    /// Makes the random errors repeatable
    #[arg(long, env = "RANDOM_SEED", value_parser = values::seed)]
    pub random_seed: Option<u64>,
}

/// What every way of running has in common.
#[derive(Debug, Clone, clap::Args)]
pub struct Process {
    /// Where this runs: `deployment.environment.name`, and `env` in log lines
    #[arg(long = "env", env = "ENV", value_enum, default_value_t = Environment::Development, global = true)]
    pub environment: Environment,
    /// Time for running requests to end after SIGTERM or SIGINT; telemetry is flushed after that
    #[arg(long, env = "GRACE_PERIOD", default_value = "10s", global = true, value_parser = values::duration)]
    pub grace_period: Duration,
    /// Least severe level to log
    #[arg(long, env = "LOG_LEVEL", value_enum, default_value_t = LogLevel::Info, global = true)]
    pub log_level: LogLevel,
    /// text for people
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log_format: LogFormat,
    /// Levels by module, for example info,handson=debug; wins over LOG_LEVEL
    #[arg(long, env = "RUST_LOG", global = true, value_parser = values::directives)]
    pub rust_log: Option<Targets>,
    /// Name of the service; wins over BACKEND_NAME
    #[arg(long, env = "OTEL_SERVICE_NAME", global = true)]
    pub otel_service_name: Option<String>,
}

impl Options {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    ///
    /// The first bad value or unknown option, as one line for people; or the text of `--help` and `--version`.
    pub fn read() -> Result<Self, Refusal> {
        let mut command = empty_counts_as_unset(Self::command());
        let matches = command
            .try_get_matches_from_mut(std::env::args_os())
            .map_err(|error| Refusal::new(&error, &command))?;
        Self::from_arg_matches(&matches).map_err(|error| Refusal::new(&error, &command))
    }
}

impl Service {
    /// The name of the backend: as configured, else the package's own where an attendee's copy gives it one.
    pub fn backend_name(&self) -> Option<&str> {
        let package = env!("CARGO_PKG_NAME");
        self.backend_name.as_deref().or_else(|| package.starts_with("backend-").then_some(package))
    }
}

/// Compose files pass variables on empty; OpenTelemetry's specification reads those as unset, and so do we.
fn empty_counts_as_unset(command: clap::Command) -> clap::Command {
    let is_empty = |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|argument| match argument.get_env() {
            Some(name) if is_empty(name) => argument.env(Resettable::Reset),
            _ => argument,
        })
        .mut_subcommands(empty_counts_as_unset)
}

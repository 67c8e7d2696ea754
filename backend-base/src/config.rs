//! Options and environment variables. Every option is also a variable; `handson --help` lists them all.

mod values;

use std::io::{self, Write};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use instrumentation::Identity;
use instrumentation::settings::{self, Settings};
use sqlx::sqlite::SqliteConnectOptions;
use tracing_subscriber::filter::Targets;
use url::Url;

pub use values::{Environment, LogFormat, LogLevel};

/// What the program should do.
#[derive(Debug, Parser)]
#[command(version = crate::identity::VERSION, about, after_help = settings::HELP)]
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
    /// Options that all commands have in common.
    #[command(flatten)]
    pub process: Process,
}

/// The other programs in this binary.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run a local httpbin alone, as the traced service `httpbin`
    Httpbin {
        /// Port to listen on; 0 uses a free one
        #[arg(long, env = "PORT", default_value_t = 8081, value_parser = values::port)]
        port: u16,
        /// How long each response takes: a duration, or a range from which it is drawn (20ms..80ms)
        #[arg(long, env = "HTTPBIN_DELAY", value_name = "HTTPBIN_DELAY", default_value = "0ms", value_parser = values::delay)]
        delay: RangeInclusive<Duration>,
    },
    /// Request `/healthz` of the service on this machine, and exit with 0 if it answers, with 1 if not
    Healthcheck,
}

/// Where to listen.
#[derive(Debug, Clone, clap::Args)]
pub struct Address {
    /// Address to listen on; containers set 0.0.0.0
    #[arg(long, env = "HOST", default_value = "127.0.0.1", global = true, value_parser = values::host)]
    pub host: IpAddr,
    /// Port to listen on; 0 uses a free one
    #[arg(long, env = "PORT", default_value_t = 8080, value_parser = values::port)]
    pub port: u16,
}

/// How to serve `/handson`.
#[derive(Debug, Clone, clap::Args)]
pub struct Service {
    /// backend-sakura makes the service handson-sakura [default: the package's name if it begins with
    /// backend-]
    #[arg(long, env = "BACKEND_NAME", value_parser = values::backend_name)]
    pub backend_name: Option<String>,
    /// httpbin to call, for example `https://httpbin.org` [default: a local one inside this process]
    #[arg(long, env = "HTTPBIN_URL", value_parser = values::http_url)]
    pub httpbin_url: Option<Url>,
    /// Time limit of one call of httpbin, connect included
    #[arg(long, env = "HTTPBIN_TIMEOUT", default_value = "5s", value_parser = values::timeout)]
    pub httpbin_timeout: Duration,
    /// Time limit of a whole request
    #[arg(long, env = "REQUEST_TIMEOUT", default_value = "30s", value_parser = values::timeout)]
    pub request_timeout: Duration,
    /// SQLite database: sqlite::memory: or a file, sqlite://handson.db?mode=rwc
    #[arg(long, env = "DATABASE_URL", default_value = "sqlite::memory:", value_parser = values::database_url)]
    pub database_url: SqliteConnectOptions,
    /// Share of requests that fail at random, 0 to 1
    #[arg(long, env = "RANDOM_ERROR_RATE", default_value = "0.0", allow_hyphen_values = true, value_parser = values::rate)]
    pub random_error_rate: f64,
    /// Makes the random errors repeatable
    #[arg(long, env = "RANDOM_SEED", value_parser = values::seed)]
    pub random_seed: Option<u64>,
}

/// Options that all commands have in common.
#[derive(Debug, Clone, clap::Args)]
pub struct Process {
    /// Where this runs: `deployment.environment.name`, and `env` in log lines
    #[arg(long = "env", env = "ENV", value_name = "ENV", value_enum, default_value_t = Environment::Development, global = true)]
    pub environment: Environment,
    /// Time limit for running requests after SIGTERM or SIGINT; telemetry is flushed after that
    #[arg(long, env = "GRACE_PERIOD", default_value = "10s", global = true, value_parser = values::duration)]
    pub grace_period: Duration,
    /// Least severe level to log
    #[arg(long, env = "LOG_LEVEL", value_enum, default_value_t = LogLevel::Info, global = true)]
    pub log_level: LogLevel,
    /// json for machines, text for people
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Json, global = true)]
    pub log_format: LogFormat,
    /// Levels by module, for example info,handson=debug; overrides LOG_LEVEL
    #[arg(long, env = "RUST_LOG", global = true, value_parser = values::directives)]
    pub rust_log: Option<Targets>,
    /// Name of the service; overrides BACKEND_NAME
    #[arg(long, env = "OTEL_SERVICE_NAME", global = true)]
    pub otel_service_name: Option<String>,
}

/// The settings from which logging and telemetry are built.
pub struct Setup {
    /// The `OTEL_*` variables.
    pub settings: Settings,
    /// Format and levels of the log lines.
    pub process: Process,
    /// The identity of this process.
    pub identity: Identity,
}

impl Options {
    /// Reads the command line, the environment, and its `OTEL_*` variables. For an invalid value, `--help`
    /// and `--version`, it prints the message; the caller only has to exit.
    ///
    /// # Errors
    ///
    /// The exit status: 2 for a bad value or an unknown option, 0 for `--help` and `--version`.
    pub fn read() -> Result<(Self, Settings), ExitCode> {
        let mut command = empty_is_unset(Self::command());
        let options = command
            .try_get_matches_from_mut(std::env::args_os())
            .and_then(|matches| Self::from_arg_matches(&matches))
            .map_err(|error| {
                let status = u8::try_from(error.exit_code()).unwrap_or(2);
                exit(status, &error.to_string())
            })?;
        let settings = Settings::from_env()
            .map_err(|error| exit(2, &format!("error: {error}\n\nFor more, try '--help'.\n")))?;
        Ok((options, settings))
    }
}

/// Prints `text`, without the passwords in its URLs.
fn exit(status: u8, text: &str) -> ExitCode {
    let text = settings::mask_user_info(text);
    // If the output is closed, the exit status is enough.
    let _ = match status {
        0 => write!(io::stdout(), "{text}"),
        _ => write!(io::stderr(), "{text}"),
    };
    ExitCode::from(status)
}

impl Service {
    /// The name of the backend: as configured, otherwise the package's name in an attendee's copy.
    pub fn backend_name(&self) -> Option<&str> {
        let package = env!("CARGO_PKG_NAME");
        self.backend_name.as_deref().or_else(|| package.starts_with("backend-").then_some(package))
    }
}

/// Compose files pass on empty variables. OpenTelemetry's specification treats those as unset, and so does
/// this program.
fn empty_is_unset(command: clap::Command) -> clap::Command {
    let is_empty = |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|argument| match argument.get_env() {
            Some(name) if is_empty(name) => argument.env(Resettable::Reset),
            _ => argument,
        })
        .mut_subcommands(empty_is_unset)
}

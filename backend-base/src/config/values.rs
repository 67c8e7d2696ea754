//! The values of options: their types, their parsers, and what each error message says is expected.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tracing_subscriber::filter::{LevelFilter, Targets};
use url::Url;

/// `deployment.environment.name`: the well-known values of the semantic conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    Development,
    Test,
    Staging,
    Production,
}

impl Environment {
    /// The name in the registry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// A format for people.
    Text,
}

/// The least severe level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

pub(super) fn rate(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(rate) if (0.0..=1.0).contains(&rate) => Ok(rate),
        _ => Err("expected a number from 0 to 1"),
    }
}

pub(super) fn host(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(|_| "expected an IP address, for example 127.0.0.1 or 0.0.0.0")
}

pub(super) fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "expected a port from 0 to 65535")
}

pub(super) fn seed(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "expected a whole number from 0 to 18446744073709551615")
}

pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "expected a duration, for example 500ms, 10s or 2m")
}

pub(super) fn timeout(text: &str) -> Result<Duration, &'static str> {
    match duration(text) {
        Ok(timeout) if !timeout.is_zero() => Ok(timeout),
        _ => Err("expected a duration longer than zero, for example 500ms, 5s or 2m"),
    }
}

pub(super) fn delay(text: &str) -> Result<RangeInclusive<Duration>, &'static str> {
    let (shortest, longest) = text.split_once("..").unwrap_or((text, text));
    match (duration(shortest), duration(longest)) {
        (Ok(shortest), Ok(longest)) if shortest <= longest => Ok(shortest..=longest),
        _ => Err(
            "expected a duration, for example 20ms, or a range from short to long, for example 20ms..80ms",
        ),
    }
}

pub(super) fn backend_name(text: &str) -> Result<String, &'static str> {
    let is_valid = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    match text.strip_prefix("backend-") {
        Some(name) if is_valid(name) => Ok(text.to_owned()),
        _ => Err(
            "expected backend- and a name of lower-case letters, digits and dashes that begins with a letter",
        ),
    }
}

pub(super) fn http_url(text: &str) -> Result<Url, &'static str> {
    match Url::parse(text) {
        Ok(url)
            if ["http", "https"].contains(&url.scheme())
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(url)
        }
        _ => Err("expected an http:// or https:// URL without query, for example https://httpbin.org"),
    }
}

pub(super) fn database_url(text: &str) -> Result<SqliteConnectOptions, &'static str> {
    match SqliteConnectOptions::from_str(text) {
        // sqlx would log every statement, but the span of the query contains more.
        Ok(options) if text.starts_with("sqlite:") => Ok(options.disable_statement_logging()),
        _ => Err("expected sqlite::memory:, or a file such as sqlite://handson.db?mode=rwc"),
    }
}

pub(super) fn directives(text: &str) -> Result<Targets, &'static str> {
    text.parse().map_err(|_| "expected levels by module, for example info,handson=debug")
}

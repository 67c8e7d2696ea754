//! Options and environment variables. Every option is also a variable: under k6's name if k6 has one,
//! otherwise `LOADTEST_` and the option's name.

mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser};
use http::{HeaderName, HeaderValue, Method};
use url::Url;

use crate::arrivals::Schedule;
use crate::checks::Check;
use crate::executor::Plan;
use crate::thresholds::Threshold;

/// The options.
#[derive(Debug, Parser)]
#[command(version, about, after_help = HELP, args_override_self = true)]
pub struct Options {
    /// Iterations to start in each time unit
    #[arg(long, env = "LOADTEST_RATE", default_value_t = 5, value_parser = values::positive)]
    pub rate: u32,
    /// The time unit of the rate
    #[arg(long, env = "LOADTEST_TIME_UNIT", default_value = "1s", value_parser = values::longer_than_zero)]
    pub time_unit: Duration,
    /// How long iterations are started; 0: until stopped
    #[arg(long, env = "K6_DURATION", default_value = "2h", value_parser = values::duration)]
    pub duration: Duration,
    /// Number of VUs (virtual users) at the start
    #[arg(long, env = "LOADTEST_PRE_ALLOCATED_VUS", default_value_t = 50, value_parser = values::positive)]
    pub pre_allocated_vus: u32,
    /// Maximum number of VUs; an iteration without a free one is dropped [default: as many as pre-allocated]
    #[arg(long, env = "LOADTEST_MAX_VUS", value_parser = values::positive)]
    pub max_vus: Option<u32>,
    /// Time for running iterations at the end
    #[arg(long, env = "LOADTEST_GRACEFUL_STOP", default_value = "30s", value_parser = values::duration)]
    pub graceful_stop: Duration,
    /// URL to send requests to
    #[arg(long, env = "LOADTEST_URL", default_value = "http://localhost:8080/handson", value_parser = values::url)]
    pub url: Url,
    /// Method of the requests
    #[arg(long, env = "LOADTEST_METHOD", default_value = "GET", value_parser = values::method)]
    pub method: Method,
    /// Header of the requests, 'Name: value'; may be repeated
    #[arg(long, env = "LOADTEST_HEADER", hide_env_values = true, value_parser = values::header)]
    pub header: Vec<(HeaderName, HeaderValue)>,
    /// Body of the requests
    #[arg(long, env = "LOADTEST_BODY")]
    pub body: Option<String>,
    /// Time limit of a request, connecting included
    #[arg(long, env = "LOADTEST_TIMEOUT", default_value = "60s", value_parser = values::longer_than_zero)]
    pub timeout: Duration,
    /// What a response must be like: 'status is 200' or 'body contains TEXT'; may be repeated
    #[arg(long, env = "LOADTEST_CHECK", default_value = "status is 200")]
    pub check: Vec<Check>,
    /// What the run must be like, in k6's syntax, for example 'http_req_duration:p(95)<200'; may be repeated;
    /// in the variable, separated by commas
    #[arg(long, env = "LOADTEST_THRESHOLD", value_delimiter = ',')]
    pub threshold: Vec<Threshold>,
    /// Write the summary to this file, in the JSON format of k6's option of this name
    #[arg(long, env = "K6_SUMMARY_EXPORT", value_name = "FILE")]
    pub summary_export: Option<PathBuf>,
    /// Start when this URL responds with 2xx [default: /healthz on the host of --url]
    #[arg(long, env = "LOADTEST_WAIT_FOR", value_name = "URL", value_parser = values::url)]
    pub wait_for: Option<Url>,
    /// Time limit for that; 0 does not wait
    #[arg(long, env = "LOADTEST_WAIT_TIMEOUT", default_value = "60s", value_parser = values::duration)]
    pub wait_timeout: Duration,
    /// Record a span for each request, and send it over OTLP/HTTP as the OTEL_EXPORTER_OTLP_* variables say
    #[arg(long, env = "LOADTEST_OTLP")]
    pub otlp: bool,
}

const HELP: &str = "\
Exit status: 0; 99 if a threshold was crossed; 2 for an invalid option; 1 for any other error. Ctrl-C and SIGTERM end
the run early, and the summary is still written. An empty variable counts as unset.";

impl Options {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    ///
    /// The first invalid value or unknown option; or the text of `--help` or `--version`.
    pub fn read() -> Result<Self, clap::Error> {
        let mut command = empty_counts_as_unset(Self::command());
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        let options = Self::from_arg_matches(&matches)?;
        if options.max_vus() < options.pre_allocated_vus {
            let refused = format!(
                "invalid value '{}' for '--max-vus <MAX_VUS>': expected at least as many as --pre-allocated-vus {}",
                options.max_vus(),
                options.pre_allocated_vus
            );
            return Err(command.error(ErrorKind::ValueValidation, refused));
        }
        Ok(options)
    }

    /// The plan of the load.
    pub fn plan(&self) -> Plan {
        Plan {
            schedule: Schedule {
                rate: self.rate,
                time_unit: self.time_unit,
                duration: Some(self.duration).filter(|duration| !duration.is_zero()),
            },
            pre_allocated_vus: self.pre_allocated_vus,
            max_vus: self.max_vus(),
            graceful_stop: self.graceful_stop,
        }
    }

    /// The URL that shows whether the target is healthy; `None` if the load starts without waiting.
    pub fn health(&self) -> Option<Url> {
        let of_the_target = || {
            let mut health = self.url.clone();
            health.set_path("/healthz");
            health.set_query(None);
            health
        };
        (!self.wait_timeout.is_zero()).then(|| self.wait_for.clone().unwrap_or_else(of_the_target))
    }

    fn max_vus(&self) -> u32 {
        self.max_vus.unwrap_or(self.pre_allocated_vus)
    }
}

/// Treats empty variables as unset, because compose files pass them on.
fn empty_counts_as_unset(command: clap::Command) -> clap::Command {
    command.mut_args(|argument| match argument.get_env() {
        Some(name) if std::env::var_os(name).is_some_and(|value| value.is_empty()) => {
            argument.env(Resettable::Reset)
        }
        _ => argument,
    })
}

//! Everything that is known about a backend after it has run. The checks use only this.

mod delivery;
mod log_field;

use std::time::Duration;

use crate::datadog::AgentRecord;
use crate::messages::Message;
use crate::source::Tree;
use otlp::model::Telemetry;

pub use delivery::{DeliveryRun, Fault, LossReport};
pub use log_field::log_field;

/// What the runs of one backend produced.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The backend that was run.
    pub backend: Backend,
    /// `RANDOM_ERROR_RATE=0`: nothing should fail.
    pub calm: Run,
    /// `RANDOM_ERROR_RATE` is [`Run::error_rate`], and httpbin fails some calls.
    pub errors: Run,
    /// One request for each of [`Unusual::ALL`].
    pub unusual: Run,
    /// A run of the program built with the feature `datadog`, or why it was not possible; `None` if it was
    /// not requested.
    pub datadog: Option<Result<DatadogRun, Message>>,
    /// Runs with a faulty collector, one for each of [`Fault::ALL`], or why they were not possible; `None` if
    /// they were not requested.
    pub delivery: Option<Result<Vec<DeliveryRun>, Message>>,
}

/// A calm run that exports to a Datadog trace agent.
#[derive(Debug, Clone)]
pub struct DatadogRun {
    /// The requests, in the order in which they were sent.
    pub exchanges: Vec<Exchange>,
    /// What the trace agent received until the program ended.
    pub agent: AgentRecord,
}

/// The program that was run.
#[derive(Debug, Clone)]
pub struct Backend {
    /// `backend-sakura`, or the command.
    pub name: String,
    /// The `service.name` derived from the name: `handson-sakura`.
    pub service: String,
    /// Where the program comes from.
    pub origin: Origin,
    /// `ENV` of all runs: `staging`, which is not the default, so that no code has it by chance.
    pub environment: String,
    /// The commit of the repository, if git knows it.
    pub commit: Option<String>,
    /// The text of its `monitor.toml`, if it has one.
    pub monitor: Option<String>,
    /// The address of the repository for a browser, if git knows it.
    pub repository: Option<String>,
    /// The files of its deployment, by their paths in the repository; `None` if they are not checked.
    pub deployment: Option<Tree>,
}

/// Where a program comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A package that Cargo has built here.
    Package {
        /// Its version, `0.1.0`; `service.version` begins with it.
        version: String,
    },
    /// A command in any language. Only the program itself knows its version.
    Command,
}

impl Backend {
    /// The package's version; empty for a command.
    pub fn package_version(&self) -> &str {
        match &self.origin {
            Origin::Package { version } => version,
            Origin::Command => "",
        }
    }
}

/// One start of the program, its requests, and its end by SIGTERM.
#[derive(Debug, Clone)]
pub struct Run {
    /// `RANDOM_ERROR_RATE`.
    pub error_rate: f64,
    /// `PORT`; `HOST` is 127.0.0.1.
    pub port: u16,
    /// The port on which httpbin listens, at 127.0.0.1.
    pub httpbin_port: u16,
    /// The port on which the OTLP receiver listens, at 127.0.0.1.
    pub collector_port: u16,
    /// The database of the run.
    pub database: Database,
    /// The time before the program was started, in nanoseconds since 1970.
    pub started: u64,
    /// The time after it ended, in nanoseconds since 1970.
    pub ended: u64,
    /// The requests, in the order in which they were sent.
    pub exchanges: Vec<Exchange>,
    /// The calls that httpbin received, in the order of arrival.
    pub upstream: Vec<UpstreamCall>,
    /// Lines without their line ends.
    pub stdout: Vec<String>,
    /// Lines without their line ends.
    pub stderr: Vec<String>,
    /// What the OTLP receiver accepted until the program ended.
    pub telemetry: Telemetry,
    /// The number of OTLP requests in which it came.
    pub exports: u64,
    /// How it ended.
    pub ending: Ending,
}

/// The SQLite database of a run, in its own file.
#[derive(Debug, Clone)]
pub struct Database {
    /// The absolute path of the file.
    pub path: String,
    /// `user.id` of the first user, as the log line contains it.
    pub user_id: String,
    /// Its `user.name`: random in each run, so that only a query can return it.
    pub user_name: String,
    /// Its `user.name` during a burst: the user is renamed before it, so that only a query of the same
    /// request can return it.
    pub renamed: String,
}

impl Database {
    /// The user's name while this request ran.
    pub fn user_name_of(&self, exchange: &Exchange) -> &str {
        if exchange.purpose == Purpose::Burst { &self.renamed } else { &self.user_name }
    }

    /// All names that the user had.
    pub fn user_names(&self) -> [&str; 2] {
        [&self.user_name, &self.renamed]
    }

    /// The allowed values of its name: the file with or without folder and extension, or its URL.
    pub fn names(&self) -> [String; 5] {
        let path = &self.path;
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = file.strip_suffix(".db").unwrap_or(file);
        [path.clone(), file.to_owned(), stem.to_owned(), format!("sqlite://{path}"), format!("sqlite:{path}")]
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// It ended after SIGTERM.
    Ended {
        /// The exit status; 128 plus the number of the signal if a signal ended it.
        status: Option<i32>,
        /// The time from SIGTERM to its end.
        after: Duration,
    },
    /// It was still running after this time, and was killed.
    Killed(Duration),
}

/// A request that the check sent, and its response.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Why it was sent.
    pub purpose: Purpose,
    /// `/handson` or `/healthz`.
    pub path: String,
    /// The `traceparent` of the request.
    pub parent: Option<Parent>,
    /// Nanoseconds since 1970.
    pub sent: u64,
    /// Nanoseconds since 1970.
    pub answered: u64,
    /// The response, or why there was none.
    pub answer: Result<Answer, NoAnswer>,
}

/// Why a request has no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The response did not arrive in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection failed, for this reason.
    #[error("{0}")]
    Failed(String),
    /// It was [`Unusual::HangsUp`].
    #[error("the caller has hung up")]
    HungUp,
}

/// Why a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Sent while no other request ran.
    Alone,
    /// Sent together with the others of a burst.
    Burst,
    /// Sent to `/healthz`.
    Health,
    /// Sent while httpbin answered one of its calls with 503, 404 or 429, and no other request ran.
    UpstreamFails,
    /// Sent in the run with unusual requests.
    Unusual(Unusual),
}

/// A request that is rarer than `GET /handson`, or that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusual {
    /// `GET /handson` with a query string in which a name occurs twice.
    Query,
    /// `GET /nowhere/4711`
    UnknownPath,
    /// `POST /handson`
    OtherMethod,
    /// With a method that nobody knows.
    UnknownMethod,
    /// With a `traceparent` that is not valid.
    MalformedParent,
    /// With a `traceparent` in upper case, which is not valid.
    UppercaseParent,
    /// With a `traceparent` of version 00 that has one field too many, which is not valid.
    SurplusParent,
    /// With a `traceparent` of version ff, which is not valid.
    ForbiddenVersion,
    /// With a `traceparent` whose flags are 00.
    Unsampled,
    /// With a `tracestate` and a `baggage`.
    TraceState,
    /// httpbin answers its first call late, so that metrics are exported while it runs.
    SlowUpstream,
    /// httpbin closes the connection without an answer.
    UpstreamBreaks,
    /// httpbin does not listen, so the connection is refused.
    UpstreamRefuses,
    /// The database has no table `users`.
    DatabaseFails,
    /// The caller closes the connection while httpbin is called.
    HangsUp,
    /// SIGTERM arrives while httpbin is called.
    AtTheEnd,
}

impl Unusual {
    /// In the order in which they are sent.
    pub const ALL: [Self; 16] = [
        Self::Query,
        Self::UnknownPath,
        Self::OtherMethod,
        Self::UnknownMethod,
        Self::MalformedParent,
        Self::UppercaseParent,
        Self::SurplusParent,
        Self::ForbiddenVersion,
        Self::Unsampled,
        Self::TraceState,
        Self::SlowUpstream,
        Self::UpstreamBreaks,
        Self::UpstreamRefuses,
        Self::DatabaseFails,
        Self::HangsUp,
        Self::AtTheEnd,
    ];
    /// The kinds with a `traceparent` that is not valid.
    pub const MALFORMED: [Self; 4] =
        [Self::MalformedParent, Self::UppercaseParent, Self::SurplusParent, Self::ForbiddenVersion];
    /// `tracestate` of [`Self::TraceState`].
    pub const TRACE_STATE: &str = "workshop=4711";
    /// `baggage` of [`Self::TraceState`].
    pub const BAGGAGE: &str = "workshop.room=4711";

    /// The method in the request: `GET`, `POST`, or one that nobody knows.
    pub fn method(self) -> &'static str {
        match self {
            Self::OtherMethod => "POST",
            Self::UnknownMethod => "BREW",
            _ => "GET",
        }
    }

    /// The value of `http.request.method`.
    pub fn method_attribute(self) -> &'static str {
        if self == Self::UnknownMethod { "_OTHER" } else { self.method() }
    }

    /// Its `traceparent`, if that is not valid.
    pub fn malformed_parent(self) -> Option<&'static str> {
        match self {
            Self::MalformedParent => Some("00-4711-zz-01"),
            Self::UppercaseParent => Some("00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067C10E2902B7-01"),
            Self::SurplusParent => Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-4711"),
            Self::ForbiddenVersion => Some("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            _ => None,
        }
    }

    /// `/handson`, or a path that does not exist.
    pub fn path(self) -> &'static str {
        if self == Self::UnknownPath { "/nowhere/4711" } else { "/handson" }
    }

    /// The query string, without `?`.
    pub fn query(self) -> Option<&'static str> {
        (self == Self::Query).then_some("page=2&sort=full%20name&page=3")
    }

    /// The status of the response.
    pub fn status(self) -> u16 {
        match self {
            Self::UnknownPath => 404,
            Self::OtherMethod | Self::UnknownMethod => 405,
            Self::UpstreamBreaks | Self::UpstreamRefuses | Self::DatabaseFails => 500,
            _ => 200,
        }
    }
}

/// The remote parent of a request: `traceparent: 00-<trace id>-<span id>-01`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// 32 lowercase hex digits.
    pub trace_id: String,
    /// 16 lowercase hex digits.
    pub span_id: String,
}

/// A response of the backend.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// How long httpbin takes for the calls at the same time as one that fails: a request that waits for them
/// takes at least as long.
pub const BESIDE_A_FAILURE: Duration = Duration::from_millis(300);

/// A call that reached httpbin.
#[derive(Debug, Clone)]
pub struct UpstreamCall {
    /// Index into [`Run::exchanges`] of the request that caused it; `None` if several requests ran at once.
    pub exchange: Option<usize>,
    /// `GET`.
    pub method: String,
    /// `/get`.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Nanoseconds since 1970.
    pub arrived: u64,
    /// Nanoseconds since 1970.
    pub answered: u64,
    /// Whether other calls of the same request waited in httpbin at the same time. httpbin delays its
    /// response until three calls have arrived or half a second is over, so that calls do not look sequential
    /// on a busy machine.
    pub overlapped: bool,
    /// HTTP status; 0 if the connection was closed without an answer.
    pub status: u16,
}

impl Answer {
    /// The value of a header; `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl UpstreamCall {
    /// Whether the flag `sampled` of its `traceparent` is set.
    pub fn is_sampled(&self) -> bool {
        let flags = self.header("traceparent").and_then(|header| header.rsplit('-').next());
        flags.and_then(|flags| u8::from_str_radix(flags, 16).ok()).is_some_and(|flags| flags & 1 == 1)
    }

    /// Trace id and span id of its `traceparent`.
    pub fn traceparent(&self) -> Option<(&str, &str)> {
        let mut parts = self.header("traceparent")?.split('-').skip(1);
        Some((parts.next()?, parts.next()?))
    }

    /// The value of a header; `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Run {
    /// The requests to `/handson` that were answered, with their responses.
    pub fn answered(&self) -> impl Iterator<Item = (&Exchange, &Answer)> {
        self.exchanges
            .iter()
            .filter(|exchange| exchange.path == "/handson")
            .filter_map(|exchange| exchange.answer.as_ref().ok().map(|answer| (exchange, answer)))
    }

    /// The request of this kind.
    pub fn unusual(&self, kind: Unusual) -> Option<(usize, &Exchange)> {
        let mut exchanges = self.exchanges.iter().enumerate();
        exchanges.find(|(_, exchange)| exchange.purpose == Purpose::Unusual(kind))
    }

    /// The answered requests that reached the database query, so not those that httpbin failed before it.
    pub fn queried(&self) -> impl Iterator<Item = &Exchange> {
        let answered = self.answered().map(|(exchange, _)| exchange);
        answered.filter(|exchange| exchange.purpose != Purpose::UpstreamFails)
    }

    /// The calls of httpbin that this request caused.
    pub fn upstream_of(&self, exchange: usize) -> impl Iterator<Item = &UpstreamCall> {
        self.upstream.iter().filter(move |call| call.exchange == Some(exchange))
    }
}

//! Runs of a backend whose collector has a fault, for the step `delivery`.

use serde_json::Value;

use super::{Ending, Exchange, log_field};
use crate::messages::Message;
use crate::text;
use otlp::model::Telemetry;

/// What is wrong with the collector of a run, from some moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing listens at its address from the start of the service; later it accepts.
    Down,
    /// It reads requests and never answers them; later it accepts.
    Hangs,
    /// The same, until the service has ended.
    HangsToTheEnd,
    /// It answers so slowly that the queues of the service, which are small in this run, overflow; later it
    /// is fast.
    Slow,
    /// It answers with this HTTP status; later it accepts.
    Answers(u16),
}

impl Fault {
    /// One of each.
    pub const ALL: [Self; 6] =
        [Self::Down, Self::Hangs, Self::HangsToTheEnd, Self::Slow, Self::Answers(400), Self::Answers(503)];

    /// Text for a report, a clause with subject and verb: "the collector hangs".
    pub fn text(self) -> Message {
        match self {
            Self::Down => text!("the collector is down"),
            Self::Hangs => text!("the collector hangs"),
            Self::HangsToTheEnd => text!("the collector hangs until the end"),
            Self::Slow => text!("the collector is slow and the queue is small"),
            Self::Answers(status) => text!("the collector answers {status}", status),
        }
    }
}

/// One start of the program, with a collector that has a fault for a while, and its end by SIGTERM.
#[derive(Debug, Clone)]
pub struct DeliveryRun {
    /// The fault of the collector.
    pub fault: Fault,
    /// Host and port of the collector: `127.0.0.1:4318`.
    pub collector: String,
    /// The password in `OTEL_EXPORTER_OTLP_ENDPOINT`, if this run had one.
    pub password: Option<String>,
    /// Requests before the fault; empty if the fault existed from the start.
    pub before: Vec<Exchange>,
    /// Requests during the fault.
    pub during: Vec<Exchange>,
    /// Requests after the fault.
    pub after: Vec<Exchange>,
    /// When the fault began, in nanoseconds since 1970.
    pub fault_began: u64,
    /// When the fault ended; `None` if it lasted longer than the service.
    pub fault_ended: Option<u64>,
    /// Lines without their line ends.
    pub stdout: Vec<String>,
    /// Lines without their line ends.
    pub stderr: Vec<String>,
    /// What the collector accepted.
    pub accepted: Telemetry,
    /// What it rejected with [`Fault::Answers`]. An item is here once for each attempt.
    pub refused: Telemetry,
    /// How the program ended.
    pub ending: Ending,
}

impl DeliveryRun {
    /// All requests, in order.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.before.iter().chain(&self.during).chain(&self.after)
    }

    /// The log lines that report loss, in order.
    pub fn reports(&self) -> Vec<LossReport> {
        self.stdout.iter().filter_map(|line| LossReport::parse(line)).collect()
    }
}

/// A log line that reports that telemetry is or was lost: every line at WARN or above, because nothing else
/// fails in these runs, and every line with the field `handson.dropped.spans`.
#[derive(Debug, Clone)]
pub struct LossReport(Value);

impl LossReport {
    /// `None` if the line is not a JSON object, or reports something else.
    pub fn parse(line: &str) -> Option<Self> {
        let report = Self(serde_json::from_str(line).ok().filter(Value::is_object)?);
        let level = report.0["level"].as_str().unwrap_or_default().to_uppercase();
        let is_warning = matches!(level.as_str(), "WARN" | "WARNING" | "ERROR" | "FATAL" | "CRITICAL");
        (is_warning || report.field("handson.dropped.spans").is_some()).then_some(report)
    }

    /// The value of a field, as [`log_field()`] finds it.
    pub fn field(&self, name: &str) -> Option<&Value> {
        log_field(&self.0, name)
    }

    /// The line as JSON.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

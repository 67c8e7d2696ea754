//! What each step expects from the evidence: one file per step, each with a list of expectations.
//!
//! The checks look at telemetry, not at how it was made. Order and overlap come from the times of the spans
//! and from the record of the stand-in for httpbin; no expectation depends on the speed of the machine.

mod alert;
mod assert;
mod attributes;
mod canary;
mod client_spans;
mod datadog_sdk;
mod db_spans;
mod delivery;
mod deploy;
mod errors;
mod first_span;
mod log_correlation;
mod log_lines;
mod metrics;
mod requests;
mod resource;
mod run;
mod server_spans;
mod structured_logs;
mod traceresponse;
mod unusual;

use crate::evidence::Evidence;
use crate::verdict::Expectation;

/// Whether steps 2 to 8 pass. Datadog's SDK must not change that.
pub fn passes_without_datadog(evidence: &Evidence) -> bool {
    datadog_sdk::first_failure_without(evidence).is_none()
}

/// How a step is checked.
enum Judge {
    /// Every run has the evidence for it.
    Always(fn(&Evidence) -> Vec<Expectation>),
    /// Not every run has the evidence for it; without it, the function returns `None`.
    WithEvidence(fn(&Evidence) -> Option<Vec<Expectation>>),
}
use Judge::{Always, WithEvidence};

/// The check of each step, by the step's id.
static CHECKS: &[(&str, Judge)] = &[
    ("run", Always(run::judge)),
    ("structured-logs", Always(structured_logs::judge)),
    ("first-span", Always(first_span::judge)),
    ("server-spans", Always(server_spans::judge)),
    ("client-spans", Always(client_spans::judge)),
    ("db-spans", Always(db_spans::judge)),
    ("log-correlation", Always(log_correlation::judge)),
    ("errors", Always(errors::judge)),
    ("metrics", Always(metrics::judge)),
    ("alert", Always(alert::judge)),
    ("deploy", WithEvidence(deploy::judge)),
    ("canary", WithEvidence(canary::judge)),
    ("datadog-sdk", WithEvidence(datadog_sdk::judge)),
    ("delivery", WithEvidence(delivery::judge)),
];

/// The ids of the steps that have a check.
pub fn ids() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(id, _)| *id)
}

/// The expectations of the step with this id; `None` if there is no such check, or no evidence for it.
pub fn judge(step: &str, evidence: &Evidence) -> Option<Vec<Expectation>> {
    match CHECKS.iter().find(|(id, _)| *id == step)? {
        (_, Always(judge)) => Some(judge(evidence)),
        (_, WithEvidence(judge)) => judge(evidence),
    }
}

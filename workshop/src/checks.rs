//! What each step expects of the evidence: one file a step, each a list of expectations.
//!
//! They judge telemetry, and not how it was made. Order and overlap come from the spans' own times and from the record of
//! the stand-in for httpbin; no expectation depends on how fast the machine is.

mod alert;
mod canary;
mod client_spans;
mod datadog_sdk;
mod db_spans;
mod deploy;
mod errors;
mod first_span;
mod log_correlation;
mod metrics;
mod run;
mod server_spans;
mod structured_logs;
mod words;

use crate::evidence::Evidence;
use crate::verdict::Expectation;

/// Whether steps 2 to 8 pass: what Datadog's SDK must not take away.
pub fn passes_without_datadog(evidence: &Evidence) -> bool {
    datadog_sdk::first_failure_without(evidence).is_none()
}

/// The expectations of the step with this id; `None` where it cannot be judged yet.
pub fn judge(step: &str, evidence: &Evidence) -> Option<Vec<Expectation>> {
    let judge = match step {
        "run" => run::judge,
        "structured-logs" => structured_logs::judge,
        "first-span" => first_span::judge,
        "server-spans" => server_spans::judge,
        "client-spans" => client_spans::judge,
        "db-spans" => db_spans::judge,
        "log-correlation" => log_correlation::judge,
        "errors" => errors::judge,
        "metrics" => metrics::judge,
        "alert" => alert::judge,
        "deploy" => return deploy::judge(evidence),
        "canary" => return canary::judge(evidence),
        "datadog-sdk" => return datadog_sdk::judge(evidence),
        _ => return None,
    };
    Some(judge(evidence))
}

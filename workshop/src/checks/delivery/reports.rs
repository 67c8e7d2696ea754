//! The log lines that report the beginning and the end of loss.
//!
//! In these runs nothing fails except the exports. So every line at WARN or above, and every line with the
//! field `handson.dropped.spans`, is a report of loss: the first must report the beginning, the last must
//! report the end, and there must be no others.

use serde_json::Value;

use crate::checks::assert::{Check, each, ensure, fail};
use crate::checks::log_lines::{has_ids, object, time};
use crate::evidence::{DeliveryRun, LossReport};
use crate::text;

/// The fields with the numbers of dropped items.
pub(super) const DROPPED: [&str; 2] = ["handson.dropped.spans", "handson.dropped.log_records"];

pub(super) fn reports_beginning(run: &DeliveryRun) -> Check {
    let reports = run.reports();
    let Some(begin) = reports.first() else {
        return fail(
            text!("no log line at WARN or above"),
            text!(
                "Telemetry is lost silently: report the first item that is dropped or not exported, in the service's own log."
            ),
        );
    };
    let line = object(&begin.text()).unwrap_or_default();
    ensure!(
        !has_ids(&line),
        begin.text(),
        text!(
            "This line has a trace id: it was logged by the request that found the queue full. The loss concerns all requests: log it \
             from a separate task."
        )
    );
    ensure!(
        time(&line).is_none_or(|time| time.to >= run.fault_began),
        text!("{line} was logged before anything went wrong", line = begin.text()),
        text!("Report loss only if an export fails or an item is dropped.")
    );
    ensure!(
        time(&line).zip(run.fault_ended).is_none_or(|(time, end)| time.from <= end),
        text!("{line} was logged only after the collector had recovered", line = begin.text()),
        text!("Report the beginning at the first item that is dropped, or the first export that fails.")
    );
    let endpoint = begin.field("handson.otlp.endpoint").map(in_text).unwrap_or_default();
    ensure!(
        endpoint.contains(&run.collector),
        begin.text(),
        text!(
            "`handson.otlp.endpoint` should name where telemetry is sent, here {collector}.",
            collector = &run.collector
        )
    );
    let error = begin.field("error.type").map(in_text).unwrap_or_default();
    ensure!(
        !error.is_empty(),
        begin.text(),
        text!("`error.type` should name the reason: what the exporter reported, or that the queue is full.")
    );
    Ok(())
}

pub(super) fn reports_end(run: &DeliveryRun) -> Check {
    let reports = run.reports();
    let end = match &reports[..] {
        // Another expectation fails if the beginning is not reported.
        [] => return Ok(()),
        [_, end] => end,
        [only] => {
            return fail(
                text!("only one line reports loss:\n{line}", line = only.text()),
                text!(
                    "Nothing reports that the loss is over, or how much was lost. Log a second line when all signals are accepted \
                     again, or when the service ends."
                ),
            );
        }
        several => {
            let lines: Vec<String> = several.iter().take(4).map(LossReport::text).collect();
            return fail(
                text!(
                    "{count} lines report loss, such as\n{lines}",
                    count = several.len(),
                    lines = lines.join("\n")
                ),
                text!(
                    "An outage of hours would fill the log. Keep the state, and log only when it changes: one line when exports \
                     begin to fail, one when they recover."
                ),
            );
        }
    };
    let line = object(&end.text()).unwrap_or_default();
    for name in DROPPED {
        ensure!(
            dropped(end, name).is_some(),
            end.text(),
            text!(
                "`{name}` should be an integer: how many items were dropped, or failed to be exported, in this time.",
                name
            )
        );
    }
    ensure!(
        !has_ids(&line),
        end.text(),
        text!("This line has a trace id, but concerns all requests: log it from a separate task.")
    );
    ensure!(
        time(&line).zip(run.fault_ended).is_none_or(|(time, end)| time.to >= end),
        text!("{line} was logged while the collector still accepted nothing", line = end.text()),
        text!("The loss is over when each signal that failed has been exported again.")
    );
    Ok(())
}

/// The number in a field of a report, if it is an integer.
pub(super) fn dropped(report: &LossReport, name: &str) -> Option<u64> {
    report.field(name).and_then(Value::as_u64)
}

/// A string without quotes, anything else as JSON; an empty object or array as an empty string.
fn in_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) if members.is_empty() => String::new(),
        other => other.to_string(),
    }
}

pub(super) fn hides_password(run: &DeliveryRun) -> Check {
    let Some(password) = run.password.as_deref() else { return Ok(()) };
    let lines = run.stdout.iter().chain(&run.stderr).cloned();
    let records =
        run.accepted.log_records.iter().map(|record| format!("{} {:?}", record.body, record.attributes));
    each(lines.chain(records), |line| {
        ensure!(
            !line.contains(password),
            line.replace(password, "***"),
            text!(
                "The part of OTEL_EXPORTER_OTLP_ENDPOINT before the @ is a secret (shown here as ***): remove it before the address \
                 is logged. Errors of HTTP clients may contain it, too."
            )
        );
        Ok(())
    })
}

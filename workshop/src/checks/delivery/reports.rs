//! The log lines that report the beginning and the end of loss.
//!
//! In these runs nothing goes wrong but the exports. So every line at WARN or above, and every line with the field
//! `handson.dropped.spans`, is a report of loss: the first reports the beginning, the last the end, and there are no others.

use serde_json::Value;

use crate::checks::log_lines::{has_ids, object, time};
use crate::checks::words::{Wrong, first_of, wrong};
use crate::evidence::{DeliveryRun, LossReport};

/// The fields that hold the numbers.
pub(super) const DROPPED: [&str; 2] = ["handson.dropped.spans", "handson.dropped.log_records"];

pub(super) fn begin_is_wrong(run: &DeliveryRun) -> Option<Wrong> {
    let reports = run.reports();
    let Some(begin) = reports.first() else {
        return wrong(
            "no log line at WARN or above",
            "Telemetry is lost in silence: report the first item that is dropped or fails to be exported, in the service's own log.",
        );
    };
    let line = object(&begin.text()).unwrap_or_default();
    if has_ids(&line) {
        return wrong(
            begin.text(),
            "This line carries a trace id: it is logged by the request that met the full queue. The loss concerns all requests: log \
             it from a task of its own.",
        );
    }
    if time(&line).is_some_and(|time| time.to < run.fault_began) {
        return wrong(
            format!("{} was logged before anything went wrong", begin.text()),
            "Report loss only if an export fails or an item is dropped.",
        );
    }
    if time(&line).zip(run.fault_ended).is_some_and(|(time, end)| time.from > end) {
        return wrong(
            format!("{} was logged only after the collector was well again", begin.text()),
            "Report the beginning at the first item that is dropped or the first export that fails.",
        );
    }
    let endpoint = begin.field("handson.otlp.endpoint").map(text).unwrap_or_default();
    if !endpoint.contains(&run.collector) {
        return wrong(
            begin.text(),
            format!("`handson.otlp.endpoint` should name where telemetry goes, here {}.", run.collector),
        );
    }
    let error = begin.field("error.type").map(text).unwrap_or_default();
    if error.is_empty() {
        return wrong(
            begin.text(),
            "`error.type` should say why: what the exporter reported, or that the queue is full.",
        );
    }
    None
}

pub(super) fn end_is_wrong(run: &DeliveryRun) -> Option<Wrong> {
    let reports = run.reports();
    let [_, end] = &reports[..] else {
        let lines: Vec<String> = reports.iter().take(4).map(LossReport::text).collect();
        let lines = lines.join("\n");
        return match reports.len() {
            0 => None,
            1 => wrong(
                format!("only one line reports loss:\n{lines}"),
                "Nobody learns that it is over, nor how much is missing. Log a second line when all signals are accepted again, or \
                 when the service ends.",
            ),
            count => wrong(
                format!("{count} lines report loss, such as\n{lines}"),
                "A fault that lasts for hours would fill the log. Keep the state: one line when it changes to failing, one when it \
                 changes back.",
            ),
        };
    };
    let line = object(&end.text()).unwrap_or_default();
    if let Some(missing) = DROPPED.iter().find(|name| dropped(end, name).is_none()) {
        return wrong(
            end.text(),
            format!("`{missing}` should be an integer: how many items were dropped or failed in this time."),
        );
    }
    if has_ids(&line) {
        return wrong(
            end.text(),
            "This line carries a trace id, and concerns all requests: log it from a task of its own.",
        );
    }
    if time(&line).zip(run.fault_ended).is_some_and(|(time, end)| time.to < end) {
        return wrong(
            format!("{} was logged while the collector still accepted nothing", end.text()),
            "It is over when an export of each signal that failed has succeeded.",
        );
    }
    None
}

/// The number in a field of a report, if it is an integer.
pub(super) fn dropped(report: &LossReport, name: &str) -> Option<u64> {
    report.field(name).and_then(Value::as_u64)
}

/// A string as it is, anything else as JSON; an empty object or array is empty.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) if members.is_empty() => String::new(),
        other => other.to_string(),
    }
}

pub(super) fn password_is_logged(run: &DeliveryRun) -> Option<Wrong> {
    let password = run.password.as_deref()?;
    let hidden = |line: &str| line.replace(password, "***");
    let lines = run.stdout.iter().chain(&run.stderr).filter(|line| line.contains(password));
    let records =
        run.accepted.log_records.iter().map(|record| format!("{} {:?}", record.body, record.attributes));
    let lines: Vec<String> =
        lines.cloned().chain(records.filter(|record| record.contains(password))).collect();
    first_of(&lines, |line| {
        wrong(
            hidden(line),
            "The part before the @ of OTEL_EXPORTER_OTLP_ENDPOINT is a secret (shown here as ***): take it off before the address is \
             logged. Errors of HTTP clients may contain it, too.",
        )
    })
}

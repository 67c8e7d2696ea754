//! Ids in log lines.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::checks::log_lines::{IDS_OF_SPAN, IDS_OF_TRACE, has_ids, object, objects, time};
use crate::checks::words::{Served, Wrong, first_of, wrong};
use crate::evidence::Run;

/// Clocks of logs and spans may differ by so many nanoseconds; less than the run waits between the last request and SIGTERM.
const CLOCK_TOLERANCE: u64 = 10_000_000;

pub(super) fn query_is_wrong(served: &Served<'_>, lines: &[Value]) -> Option<Wrong> {
    let queries: Vec<&Value> = lines.iter().filter(|line| line["message"] == "dbQuery").collect();
    let Some(any) = queries.first() else {
        return wrong("no JSON line with the message dbQuery", "Step structured-logs comes first.");
    };
    if let Some(missing) = IDS_OF_TRACE.iter().chain(&IDS_OF_SPAN).find(|key| any.get(**key).is_none()) {
        return wrong(
            any.to_string(),
            format!(
                "{missing} is missing: .with_span_ids() in src/logs.rs lets each line name the span of the current context."
            ),
        );
    }
    let own: Vec<&&Value> =
        queries.iter().filter(|line| line["trace_id"] == served.trace.id.as_str()).collect();
    match own[..] {
        [line] => same_in_all_spellings(line),
        [] => wrong(
            format!("no line has the trace id {} of this request; there is\n{any}", served.trace.id),
            "The lines have ids, but of another trace: ask for the context in which the event happened, when it happens.",
        ),
        [first, ..] => wrong(
            format!("{} lines have the trace id {}, such as\n{first}", own.len(), served.trace.id),
            "Lines of other requests carry this request's ids: they are kept between requests, in a global or a span that stays entered.",
        ),
    }
}

fn same_in_all_spellings(line: &Value) -> Option<Wrong> {
    for (keys, digits) in [(IDS_OF_TRACE, 32), (IDS_OF_SPAN, 16)] {
        for key in keys {
            let id = line[key].as_str().unwrap_or_default();
            let is_hex =
                id.len() == digits && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
            if !is_hex || line[key] != line[keys[0]] {
                return wrong(
                    line.to_string(),
                    format!("{key} should be the same {digits} lowercase hex digits as the others."),
                );
            }
        }
    }
    None
}

/// Of every line that has at least one id, the lines of failures included.
pub(super) fn ids_are_wrong(run: &Run) -> Option<Wrong> {
    first_of(&run.stdout, |text| {
        let line = object(text).filter(has_ids)?;
        let all_zero = |key: &&&str| is_zero(&line, key);
        if IDS_OF_TRACE.iter().chain(&IDS_OF_SPAN).find(all_zero).is_some() {
            // Another expectation says so.
            return None;
        }
        // A parser of JSON keeps one of several members with the same name, so the text is searched.
        let count = |key: &str| text.matches(&format!("\"{key}\":")).count();
        if let Some(key) = IDS_OF_TRACE.iter().chain(&IDS_OF_SPAN).find(|key| count(key) > 1) {
            return wrong(
                text,
                format!(
                    "{key} is in the line {} times: does a span or an event have a field of that name, too?",
                    count(key)
                ),
            );
        }
        same_in_all_spellings(&line)
    })
}

/// A message that comes with ids in one line comes with ids in every line.
pub(super) fn ids_are_missing(run: &Run) -> Option<Wrong> {
    let lines = objects(run);
    let messages = |with_ids: bool| {
        let lines = lines.iter().filter(move |line| has_ids(line) == with_ids);
        lines.filter_map(|line| Some((line["message"].as_str()?, line)))
    };
    let of_requests: BTreeSet<&str> = messages(true).map(|(message, _)| message).collect();
    first_of(messages(false), |(message, line)| {
        of_requests.contains(message).then(|| {
            (
                line.to_string(),
                "Other lines with this message carry ids, and this one does not: is it logged outside the request's context, after an \
                 .await or in a spawned task?"
                    .to_owned(),
            )
        })
    })
}

/// Ids that name a trace must name a span of it, which had begun and not ended.
pub(super) fn span_is_wrong(run: &Run, line: &Value) -> Option<Wrong> {
    let (trace, span) = (line["trace_id"].as_str()?, line["span_id"].as_str()?);
    if is_zero(line, "trace_id") || is_zero(line, "span_id") {
        // Another expectation says so.
        return None;
    }
    let Some(found) = run.telemetry.trace(trace).span(span) else {
        return wrong(
            format!("no span {span} in trace {trace} was received; the line is\n{line}"),
            "Both ids come from one span context, that of the span in which the event happened.",
        );
    };
    let time = time(line)?;
    let is_outside = time.to + CLOCK_TOLERANCE < found.start || time.from > found.end + CLOCK_TOLERANCE;
    is_outside.then(|| {
        (
            format!("the span {} did not run at that time; the line is\n{line}", found.name),
            "The line belongs to no request, and carries ids of one: they are kept in a global or a span that stays entered. Ask for the \
             current context when the event happens."
                .to_owned(),
        )
    })
}

fn is_zero(line: &Value, key: &str) -> bool {
    line[key].as_str().is_some_and(|id| !id.is_empty() && id.bytes().all(|digit| digit == b'0'))
}

pub(super) fn zero_ids(run: &Run) -> Option<Wrong> {
    first_of(&objects(run), |line| {
        let key = IDS_OF_TRACE.iter().chain(&IDS_OF_SPAN).find(|key| is_zero(line, key))?;
        wrong(
            line.to_string(),
            format!("{key} is all zeros, which is no id: leave it out where there is no span."),
        )
    })
}

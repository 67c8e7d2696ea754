//! Ids in log lines.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::checks::assert::{Check, each, ensure, fail};
use crate::checks::log_lines::{IDS_OF_SPAN, IDS_OF_TRACE, Logged, has_ids, time};
use crate::checks::requests::{Served, cause_of_lost_parent, lost_or_not_sampled, trace_id_of};
use crate::checks::resource::release;
use crate::evidence::Purpose;
use crate::messages::Message;
use crate::text;

/// Allowed difference between the clocks of logs and spans, in nanoseconds; less than the pause between the
/// last request and SIGTERM.
pub(super) const CLOCK_TOLERANCE: u64 = 10_000_000;

fn all_ids() -> impl Iterator<Item = &'static str> {
    IDS_OF_TRACE.into_iter().chain(IDS_OF_SPAN)
}

/// The lines of the queries of a run: all of them, and by trace id.
pub(super) struct Queries<'a> {
    first: Option<&'a Value>,
    by_trace: BTreeMap<&'a str, Vec<&'a Value>>,
}

impl<'a> Queries<'a> {
    pub(super) fn in_trace(&self, id: &str) -> &[&'a Value] {
        self.by_trace.get(id).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn queries<'a>(logged: &'a Logged<'_>) -> Queries<'a> {
    let all = || logged.objects().filter(|line| line["message"] == "dbQuery");
    let mut by_trace: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for line in all() {
        by_trace.entry(line["trace_id"].as_str().unwrap_or_default()).or_default().push(line);
    }
    Queries { first: all().next(), by_trace }
}

pub(super) fn query_has_ids(served: &Served<'_>, queries: &Queries<'_>) -> Check {
    let Some(any) = queries.first else {
        return fail(
            text!("no JSON line with the message dbQuery"),
            text!("Do the step structured-logs first."),
        );
    };
    if let Some(missing) = all_ids().find(|key| any.get(*key).is_none()) {
        return fail(
            Message::verbatim(any),
            text!(
                "{key} is missing: .with_span_ids() in src/logs.rs lets each line name the span of the current context.",
                key = missing
            ),
        );
    }
    let id = &served.trace.id;
    let own = queries.in_trace(id);
    match *own {
        [line] => same_in_all_spellings(line),
        [] => fail(
            text!("no line has the trace id {id} of this request; there is\n{line}", id, line = any),
            text!(
                "The lines have ids, but of another trace: use the context in which the event happened, when it happens."
            ),
        ),
        [first, ..] => fail(
            text!(
                "{count} lines have the trace id {id}, such as\n{line}",
                count = own.len(),
                id,
                line = first
            ),
            text!(
                "Lines of other requests contain this request's ids: they are kept between requests, in a global or a span that stays \
                 entered."
            ),
        ),
    }
}

fn same_in_all_spellings(line: &Value) -> Check {
    for (keys, digits) in [(IDS_OF_TRACE, 32), (IDS_OF_SPAN, 16)] {
        for key in keys {
            let id = line[key].as_str().unwrap_or_default();
            let is_hex =
                id.len() == digits && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
            ensure!(
                is_hex && line[key] == line[keys[0]],
                Message::verbatim(line),
                text!("{key} should be the same {digits} lowercase hex digits as the others.", key, digits)
            );
        }
    }
    Ok(())
}

/// Checks every line that has at least one id, including the lines of failures.
pub(super) fn ids_are_right(logged: &Logged<'_>) -> Check {
    each(logged.lines.iter().filter(|(_, line)| has_ids(line)), |(text, line)| {
        if all_ids().any(|key| is_zero(line, key)) {
            // Another expectation reports it.
            return Ok(());
        }
        // A JSON parser keeps only one of several members with the same name, so the text is searched.
        let count = |key: &str| text.matches(&format!("\"{key}\":")).count();
        if let Some(key) = all_ids().find(|key| count(key) > 1) {
            return fail(
                (*text).to_owned(),
                text!(
                    "{key} is in the line {count} times: does a span or an event have a field of that name, too?",
                    key,
                    count = count(key)
                ),
            );
        }
        same_in_all_spellings(line)
    })
}

/// If a message has ids in one line, it must have ids in every line.
pub(super) fn ids_are_complete(logged: &Logged<'_>) -> Check {
    let messages = |with_ids: bool| {
        let lines = logged.objects().filter(move |line| has_ids(line) == with_ids);
        lines.filter_map(|line| Some((line["message"].as_str()?, line)))
    };
    let of_requests: BTreeSet<&str> = messages(true).map(|(message, _)| message).collect();
    // The same message may also come from a health check or from the start.
    let in_a_request = |line: &Value| {
        let requests = logged.run.exchanges.iter().filter(|exchange| exchange.path == "/handson");
        time(line).is_some_and(|time| {
            requests.clone().any(|exchange| exchange.sent <= time.from && time.to <= exchange.answered)
        })
    };
    each(messages(false), |(message, line)| {
        ensure!(
            !of_requests.contains(message) || !in_a_request(line) || is_access_log(logged, message),
            Message::verbatim(line),
            text!(
                "Other lines with this message contain ids, but this one does not: is it logged outside the request's context, after \
                 an .await or in a spawned task?"
            )
        );
        Ok(())
    })
}

/// The ids must name a span that was running at that time.
pub(super) fn names_its_span(logged: &Logged<'_>, line: &Value) -> Check {
    let (Some(trace), Some(span)) = (line["trace_id"].as_str(), line["span_id"].as_str()) else {
        return Ok(());
    };
    if is_zero(line, "trace_id") || is_zero(line, "span_id") {
        // Another expectation reports it.
        return Ok(());
    }
    let Some(found) = logged.span(trace, span) else {
        return fail(
            text!("no span {span} in trace {trace} was received; the line is\n{line}", span, trace, line),
            cause_of_lost_span(logged, trace, span).unwrap_or_else(|| {
                text!("Both ids come from one span context, that of the span in which the event happened.")
            }),
        );
    };
    let Some(time) = time(line) else { return Ok(()) };
    ensure!(
        time.to.saturating_add(CLOCK_TOLERANCE) >= found.start
            && (time.from <= found.end.saturating_add(CLOCK_TOLERANCE) || is_after_each_answer(logged, line)),
        text!("the span {name} did not run at that time; the line is\n{line}", name = &found.name, line),
        text!(
            "The line does not belong to a request, but contains the ids of one: they are kept in a global or a span that stays entered. Read the \
             current context when the event happens."
        )
    );
    Ok(())
}

/// The check also asks for the health when it waits for the start, and before it stops the program.
const MORE_HEALTH_CHECKS: usize = 2;

/// Whether each request of the run has one line with this message, also a health check, which is not traced.
fn is_access_log(logged: &Logged<'_>, message: &str) -> bool {
    let exchanges = &logged.run.exchanges;
    let health = exchanges.iter().filter(|exchange| exchange.purpose == Purpose::Health).count();
    let Some(first) = exchanges.iter().map(|exchange| exchange.sent).min() else { return false };
    let is_of_run = |line: &&Value| time(line).is_some_and(|time| time.to >= first);
    let lines = logged.objects().filter(|line| line["message"] == message).filter(is_of_run);
    let (with_ids, without): (Vec<_>, Vec<_>) = lines.partition(|line| has_ids(line));
    (health..=health + MORE_HEALTH_CHECKS).contains(&without.len())
        && with_ids.len() + health == exchanges.len()
}

/// Whether a line is about work that a request starts and does not wait for: each request has one, with its
/// own ids. An id that is kept would be in one line, or in those of another request, whose query shows it.
pub(super) fn is_after_each_answer(logged: &Logged<'_>, line: &Value) -> bool {
    let message = &line["message"];
    let same = || logged.objects().filter(|other| other["message"] == *message && has_ids(other));
    let traces: BTreeSet<&str> = same().filter_map(|line| line["trace_id"].as_str()).collect();
    message != "dbQuery" && line["level"] != "ERROR" && traces.len() > 1 && traces.len() == same().count()
}

/// Lines and spans must name the same version; one of them may also name the commit, after a `+`.
pub(super) fn version_is_that_of_spans(logged: &Logged<'_>) -> Check {
    let span = logged.run.telemetry.spans.iter().find_map(|span| span.resource.text("service.version"));
    let Some(span) = span else { return Ok(()) };
    each(logged.objects().filter_map(|line| line["version"].as_str()), |line| {
        ensure!(
            release(line) == release(span),
            text!(
                "version = {line} in a line, and service.version = {span} in the resource of the spans",
                line,
                span
            ),
            text!(
                "Lines and spans of a program have one version, by which a backend finds both: take it from one place."
            )
        );
        Ok(())
    })
}

/// Why the span of a line was not received, if the ids are those of a request: its spans name it as their
/// parent, or the lines of other requests show that the ids are right.
fn cause_of_lost_span(logged: &Logged<'_>, trace: &str, span: &str) -> Option<Message> {
    let run = logged.run;
    let spans = || run.telemetry.spans.iter();
    let exchange = run.exchanges.iter().find(|exchange| trace_id_of(exchange) == Some(trace))?;
    if spans().any(|other| other.span_id == span) {
        return None;
    }
    if spans().any(|other| other.trace_id == trace && other.parent_span_id.as_deref() == Some(span)) {
        return cause_of_lost_parent(run, exchange, &run.telemetry.trace(trace));
    }
    let same = logged.objects().filter(|line| line["span_id"].as_str() == Some(span));
    let traces: BTreeSet<&str> = same.filter_map(|line| line["trace_id"].as_str()).collect();
    if traces.len() > 1 {
        return Some(text!(
            "Lines of {count} traces have this span id, so it is not that of a span: take both ids from the current span's context, for each line.",
            count = traces.len()
        ));
    }
    let received: BTreeSet<&str> = spans().map(|other| other.span_id.as_str()).collect();
    let mut ids = logged.objects().filter_map(|line| line["span_id"].as_str());
    ids.any(|id| received.contains(id)).then(lost_or_not_sampled)
}

fn is_zero(line: &Value, key: &str) -> bool {
    line[key].as_str().is_some_and(|id| !id.is_empty() && id.bytes().all(|digit| digit == b'0'))
}

pub(super) fn ids_are_not_zero(logged: &Logged<'_>) -> Check {
    each(logged.objects(), |line| match all_ids().find(|key| is_zero(line, key)) {
        None => Ok(()),
        Some(key) => fail(
            Message::verbatim(line),
            text!("{key} is all zeros, which is not a valid id: leave it out if there is no span.", key),
        ),
    })
}

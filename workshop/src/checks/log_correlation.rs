//! Step 6: log lines and log records that name their trace.

mod lines;
mod records;

use super::assert::each;
use super::log_lines::{Logged, has_ids};
use super::requests::{Served, no_server_spans, served_in};
use super::resource::{is_one_program, resource_is_right};
use super::unusual;
use crate::evidence::{Evidence, Run};
use crate::messages::Message;
use crate::text;
use crate::verdict::Expectation;
use otlp::model::Event;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let runs = [&evidence.calm, &evidence.errors];
    let all_records = || runs.iter().flat_map(|run| &run.telemetry.log_records);
    let logged = runs.map(Logged::by_run);
    let queries = logged.each_ref().map(lines::queries);
    let queried = || {
        runs.into_iter().zip(&queries).flat_map(|(run, queries)| {
            let served = served_in(run).filter(|served: &Served<'_>| !served.stopped_at_httpbin());
            served.map(move |served| (served, queries))
        })
    };
    let mut expectations = vec![
        Expectation::new(
            text!(
                "each request has its dbQuery line, which contains trace.id, trace_id, dd.trace_id, span.id, span_id, dd.span_id in \
                 lowercase hex"
            ),
            each(queried(), |(served, queries)| lines::query_has_ids(&served, queries)),
        ),
        Expectation::new(
            text!("every line of a request contains these six ids, each once"),
            each(&logged, lines::ids_are_right).and_then(|()| each(&logged, lines::ids_are_complete)),
        ),
        Expectation::new(
            text!(
                "the ids in a line are those of one span that was received, and that ran when the line was logged"
            ),
            each(&logged, |logged| {
                let lines = logged.objects().filter(|line| has_ids(line));
                each(lines, |line| lines::names_its_span(logged, line))
            }),
        ),
        Expectation::new(
            text!("a line outside any request, such as the start-up line, has no ids"),
            each(&logged, lines::ids_are_not_zero),
        ),
        Expectation::new(
            text!(
                "each request has its dbQuery log record over OTLP, with trace id and span id in their own fields"
            ),
            each(queried(), |(served, queries)| records::query_is_sent(evidence, &served, queries)),
        ),
        Expectation::new(
            text!(
                "each line is one log record with the same message and level, in the same span, and there are no other records"
            ),
            each(&logged, records::are_the_lines),
        )
        .with_advice(lines_are_events(&evidence.calm)),
        Expectation::new(
            text!(
                "the fields of an event are in its line and in its record, with the same names, values and types"
            ),
            each(&logged, records::fields_are_the_lines),
        ),
        Expectation::new(
            text!(
                "a log record has a severity, its message as body, the time when it happened, and no copy of the ids in attributes"
            ),
            each(&logged, |logged| {
                each(&logged.run.telemetry.log_records, |record| records::form_is_right(record, logged))
            }),
        ),
        Expectation::new(
            text!("the resource of log records is that of the spans, and their scope has a name"),
            each(all_records(), |record| {
                resource_is_right(&record.resource, &evidence.backend)?;
                records::scope_is_named(record)
            })
            .and_then(|()| each(runs, |run| is_one_program(run, Vec::new())))
            .and_then(|()| each(&logged, lines::version_is_that_of_spans)),
        ),
        Expectation::new(
            text!("no log record is below LOG_LEVEL=info: what libraries log for themselves is left out"),
            each(all_records(), records::is_at_the_level),
        ),
    ];
    expectations.extend(unusual::log_correlation(evidence));
    expectations
}

/// Advice not to store a log line twice.
fn lines_are_events(run: &Run) -> Option<Message> {
    let records = &run.telemetry.log_records;
    let (span, event) = run.telemetry.spans.iter().find_map(|span| {
        let is_record = |event: &&Event| {
            records.iter().any(|record| {
                record.span_id.as_ref() == Some(&span.span_id) && record.body.unquoted() == event.name
            })
        };
        Some((span, span.events.iter().find(is_record)?))
    })?;
    Some(text!(
        "The log line {event} is also an event of the span {span}. As a log record it has the ids of that span, so the event stores it a \
         second time.",
        event = &event.name,
        span = &span.name
    ))
}

//! Step 6: log lines and log records that name their trace.

use serde_json::Value;

use super::words::{Served, Wrong, expect, first_of, no_server_spans, served_in, wrong};
use crate::evidence::{Evidence, Run};
use crate::telemetry::LogRecord;
use crate::verdict::Expectation;

const TRACE: [&str; 3] = ["trace.id", "trace_id", "dd.trace_id"];
/// OTLP's severity number.
const INFO: i32 = 9;
const SPAN: [&str; 3] = ["span.id", "span_id", "dd.span_id"];

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let calm = &evidence.calm;
    let lines = lines(calm);
    vec![
        expect(
            "each request has its dbQuery line, which carries trace.id, trace_id, dd.trace_id, span.id, span_id, dd.span_id \
             in lowercase hex",
            first_of(served_in(calm), |served| line_of(&served, &lines)),
        ),
        expect(
            "the ids in a line are those of one span that was received",
            first_of(&lines, |line| known(calm, line)),
        ),
        expect(
            "a line outside any request, such as the start-up line, has no ids",
            first_of(lines.iter().filter(|line| line["message"] != "dbQuery"), |line| {
                let is_zero = |key: &&&str| {
                    line[**key].as_str().is_some_and(|id| id.bytes().all(|digit| digit == b'0'))
                };
                let key = TRACE.iter().chain(&SPAN).find(is_zero)?;
                wrong(
                    line.to_string(),
                    format!("{key} is all zeros, which is no id: leave it out where there is no span."),
                )
            }),
        ),
        expect(
            "each request has its dbQuery log record over OTLP, with trace id and span id in their own fields",
            first_of(served_in(calm), |served| record_of(&served, &lines)),
        ),
        expect(
            "a log record has a severity, its message as body, the service's name in its resource, and no copy of the ids in attributes",
            first_of(&calm.telemetry.log_records, |record| form(record, &evidence.backend.service)),
        ),
        expect(
            "no log record is below LOG_LEVEL=info: what libraries say to themselves stays out",
            first_of(&calm.telemetry.log_records, below_the_level),
        ),
    ]
}

fn lines(run: &Run) -> Vec<Value> {
    run.stdout.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn line_of(served: &Served<'_>, lines: &[Value]) -> Option<Wrong> {
    let queries: Vec<&Value> = lines.iter().filter(|line| line["message"] == "dbQuery").collect();
    let Some(any) = queries.first() else {
        return wrong("no JSON line with the message dbQuery", "Step structured-logs comes first.");
    };
    if let Some(missing) = TRACE.iter().chain(&SPAN).find(|key| any.get(**key).is_none()) {
        return wrong(
            any.to_string(),
            format!(
                "{missing} is missing: where the line is written, ask OpenTelemetry's Context::current() for its span, and write the ids."
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
    for (keys, digits) in [(TRACE, 32), (SPAN, 16)] {
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

/// Ids that name a trace must name a span of it.
fn known(run: &Run, line: &Value) -> Option<Wrong> {
    let (trace, span) = (line["trace_id"].as_str()?, line["span_id"].as_str()?);
    if run.telemetry.trace(trace).span(span).is_some() {
        return None;
    }
    wrong(
        format!("no span {span} in trace {trace} was received; the line is\n{line}"),
        "Both ids come from one span context, that of the span in which the event happened.",
    )
}

fn record_of(served: &Served<'_>, lines: &[Value]) -> Option<Wrong> {
    let records = &served.run.telemetry.log_records;
    let is_query = |record: &&LogRecord| record.body.to_string().contains("dbQuery");
    if records.is_empty() {
        return wrong(
            "no log record was received",
            "Build a logger provider with an OTLP exporter, add OpenTelemetryTracingBridge to the subscriber, and shut the \
             provider down at the end.",
        );
    }
    let own =
        records.iter().filter(is_query).find(|record| record.trace_id.as_deref() == Some(&served.trace.id));
    let Some(record) = own else {
        let seen = records.iter().find(is_query).or(records.first()).map(outline).unwrap_or_default();
        return wrong(
            format!("none with the trace id {}; there is {seen}", served.trace.id),
            "The bridge takes the ids from the current context: is the event inside the request's span, and the bridge on \
             the same subscriber?",
        );
    };
    let line = lines.iter().find(|line| line["trace_id"] == served.trace.id.as_str())?;
    if record.span_id.as_deref() == line["span_id"].as_str() {
        return None;
    }
    wrong(
        format!("the record names span {:?}, the line {}", record.span_id, line["span_id"]),
        "Line and record tell of the same event, and name the same span.",
    )
}

fn form(record: &LogRecord, service: &str) -> Option<Wrong> {
    let copies = |key: &str| {
        matches!(key, "trace_id" | "span_id" | "trace.id" | "span.id" | "dd.trace_id" | "dd.span_id")
    };
    if record.severity_number == 0 {
        return wrong(
            outline(record),
            "It has no severity number; the bridge sets it from the event's level.",
        );
    }
    if record.body.to_string().trim_matches('"').is_empty() {
        return wrong(outline(record), "It has no body; the bridge takes the event's message for it.");
    }
    if record.resource.text("service.name") != Some(service) {
        let seen = record.resource.get("service.name").map(ToString::to_string).unwrap_or_default();
        return wrong(
            format!("service.name = {seen}"),
            format!(
                "The logger provider needs the same resource as the tracer provider; service.name is {service:?}."
            ),
        );
    }
    let (key, _) = record.attributes.0.iter().find(|(key, _)| copies(key))?;
    wrong(
        format!("attribute {key} of {}", outline(record)),
        "A log record has fields of its own for the ids; a copy is noise.",
    )
}

/// Without a filter, the bridge takes the exporter's own lines too, and each export makes more of them.
fn below_the_level(record: &LogRecord) -> Option<Wrong> {
    (1..INFO).contains(&record.severity_number).then(|| {
        (
            format!("{} of {}", outline(record), record.scope.name),
            "The bridge needs a filter of its own: with_filter(logs::levels(process)). Else it sends what the exporter's own client \
             logs, and each export makes more."
                .to_owned(),
        )
    })
}

fn outline(record: &LogRecord) -> String {
    let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "none".to_owned());
    format!(
        "{} (severity {}, trace id {}, span id {})",
        record.body,
        record.severity_number,
        id(&record.trace_id),
        id(&record.span_id)
    )
}

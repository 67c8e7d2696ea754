//! Step 7: failures, recorded where they happen, once.

use serde_json::Value;

use super::words::{Served, Wrong, expect, first_of, no_server_spans, served_in, wrong};
use crate::evidence::{Evidence, Purpose};
use crate::verdict::Expectation;
use otlp::model::{Event, Span, SpanKind, StatusCode};

const EXCEPTION: [&str; 3] = ["exception.type", "exception.message", "exception.stacktrace"];

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let all = || served_in(&evidence.errors);
    let failed =
        |purpose| move |served: &Served<'_>| served.exchange.purpose == purpose && served.status >= 500;
    let lines: Vec<Value> =
        evidence.errors.stdout.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    vec![
        expect(
            format!(
                "about {:.0} % of the requests fail, as RANDOM_ERROR_RATE says",
                evidence.errors.error_rate * 100.0
            ),
            rate(evidence),
        ),
        expect(
            "a random error has one exception event in its trace, on a span that has the status Error",
            first_of(all().filter(failed(Purpose::Alone)), |served| one_exception(&served, "RandomError")),
        ),
        expect(
            "it happens in an INTERNAL span handson.randomError, and the event is there",
            first_of(all().filter(failed(Purpose::Alone)), |served| on_its_span(&served)),
        ),
        expect(
            "exception.type, exception.message and exception.stacktrace are strings",
            first_of(all().filter(|served| served.status >= 500), |served| {
                exceptions(&served).into_iter().find_map(|(_, event)| strings(event))
            }),
        ),
        expect(
            "a failing httpbin has one exception event too, of type HttpbinError, on the CLIENT span of the call that failed",
            first_of(all().filter(failed(Purpose::UpstreamFails)), |served| {
                one_exception(&served, "HttpbinError").or_else(|| on_the_call(&served))
            }),
        ),
        expect(
            "the SERVER span of a request that failed has the status Error",
            first_of(all().filter(|served| served.status >= 500), |served| {
                (served.server.status != StatusCode::Error).then(|| {
                    (served.trace.tree(), "An answer of 500 marks the SERVER span: status Error.".to_owned())
                })
            }),
        ),
        expect(
            "each failure is one line at ERROR with error: {kind, message, stack}, and the ids of its trace",
            first_of(all().filter(|served| served.status >= 500), |served| one_line(&served, &lines)),
        ),
        expect(
            "a request that succeeds has no exception event",
            first_of(all().filter(|served| served.status < 500), |served| {
                (!exceptions(&served).is_empty())
                    .then(|| (served.trace.tree(), "It is recorded though nothing failed.".to_owned()))
            }),
        ),
    ]
}

/// Five standard deviations of a binomial: chance is out of the question.
fn rate(evidence: &Evidence) -> Option<Wrong> {
    let statuses: Vec<u16> = evidence
        .errors
        .answered()
        .filter(|(e, _)| e.purpose == Purpose::Alone)
        .map(|(_, a)| a.status)
        .collect();
    let (requests, rate) = (statuses.len() as f64, evidence.errors.error_rate);
    let failures = statuses.iter().filter(|status| **status == 500).count();
    let bound = 5.0 * (requests * rate * (1.0 - rate)).sqrt();
    ((failures as f64 - requests * rate).abs() > bound).then(|| {
        let seen = format!("{failures} of {requests} requests failed, where {:.0} ± {bound:.0} were to fail", requests * rate);
        (seen, "src/fault_injector.rs decides by RANDOM_ERROR_RATE, once for each request; any response that is not 200 is a 500.".to_owned())
    })
}

fn exceptions<'a>(served: &Served<'a>) -> Vec<(&'a Span, &'a Event)> {
    let spans = served.trace.spans.iter().copied();
    spans
        .flat_map(|span| span.events.iter().filter(|e| e.name == "exception").map(move |event| (span, event)))
        .collect()
}

fn one_exception(served: &Served<'_>, kind: &str) -> Option<Wrong> {
    let found = exceptions(served);
    let [(span, event)] = found[..] else {
        let places: Vec<&str> = found.iter().map(|(span, _)| span.name.as_str()).collect();
        if found.is_empty() {
            return wrong(format!("no exception event\n{}", served.trace.tree()), without_event(kind));
        }
        return wrong(
            format!("{} exception events, on {}\n{}", found.len(), places.join(" and "), served.trace.tree()),
            "It is recorded more than once, on its way up: record a failure where it happens, and only there.",
        );
    };
    if span.status != StatusCode::Error {
        return wrong(
            format!("the event is on {}, whose status is {:?}", span.name, span.status),
            "An event alone does not make a span fail: its status must be Error, too. exception::record sets both.",
        );
    }
    let seen = event.attributes.text("exception.type");
    (seen.is_some() && seen != Some(kind)).then(|| {
        (
            format!("exception.type = {seen:?}"),
            format!("It should be {kind}: ErrorKind::name() is the stable name."),
        )
    })
}

/// Why a failure of `kind` may have no exception event at all.
fn without_event(kind: &str) -> &'static str {
    if kind == "HttpbinError" {
        "Make a CallSpan for each call in src/httpbin.rs, pass it to the request with .with_extension(…), and record the error \
         with it when the call or the reading of its body fails."
    } else {
        "A status alone does not say why: record the error with instrumentation::exception::record, where it happens."
    }
}

fn on_its_span(served: &Served<'_>) -> Option<Wrong> {
    let found = exceptions(served);
    let (span, _) = found.first()?;
    if span.name == "handson.randomError" && span.kind == SpanKind::Internal {
        return None;
    }
    wrong(
        format!("the event is on {} ({:?})\n{}", span.name, span.kind, served.trace.tree()),
        "Give maybe_fail in src/fault_injector.rs a span of its own, handson.randomError, and record the error there.",
    )
}

fn on_the_call(served: &Served<'_>) -> Option<Wrong> {
    let found = exceptions(served);
    let (span, _) = found.first()?;
    if span.kind == SpanKind::Client {
        return None;
    }
    wrong(
        format!("the event is on {} ({:?})\n{}", span.name, span.kind, served.trace.tree()),
        "It happened in the call of httpbin: record it on the CLIENT span of that call.",
    )
}

fn strings(event: &Event) -> Option<Wrong> {
    let key = EXCEPTION.iter().find(|key| event.attributes.text(key).is_none_or(str::is_empty))?;
    let seen = event.attributes.get(key).map_or("missing".to_owned(), ToString::to_string);
    wrong(
        format!("{key} is {seen}"),
        "All three are strings that are not empty. exception::record writes them from `impl Exception for Error`; the exception event of \
         tracing-opentelemetry has no type, and an array for the stack.",
    )
}

fn one_line(served: &Served<'_>, lines: &[Value]) -> Option<Wrong> {
    let id = served.trace.id.as_str();
    let own: Vec<&Value> =
        lines.iter().filter(|line| line["level"] == "ERROR" && line["trace_id"] == id).collect();
    let [line] = own[..] else {
        let seen = own.first().map_or_else(
            || format!("no ERROR line with trace_id {id}"),
            |line| format!("{} lines, such as\n{line}", own.len()),
        );
        let cause = if own.is_empty() {
            "The error is logged inside the request's context, so that the line has its ids."
        } else {
            "Log an error once, at the edge: Error::into_response."
        };
        return wrong(seen, cause);
    };
    let member = |name: &str| line["error"][name].as_str().unwrap_or_default();
    if ["kind", "message", "stack"].iter().any(|name| member(name).is_empty()) {
        return wrong(
            line.to_string(),
            "error is an object with kind, message and stack, as Datadog's Error Tracking reads it: log the fields \
             exception.type, exception.message and exception.stacktrace, in src/error.rs.",
        );
    }
    let on_span = exceptions(served).first().and_then(|(_, event)| event.attributes.text("exception.type"));
    (on_span.is_some() && on_span != Some(member("kind"))).then(|| {
        (
            line.to_string(),
            format!("error.kind and exception.type should be the same name; the span has {on_span:?}."),
        )
    })
}

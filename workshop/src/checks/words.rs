//! What the checks have in common: the first thing that is wrong, and how it is shown.

use crate::evidence::{Evidence, Exchange, Run};
use crate::verdict::{Expectation, Failure};
use otlp::model::{Attributes, Span, SpanKind, Telemetry, Trace, Value};

/// What is wrong: seen, cause.
pub(super) type Wrong = (String, String);

/// Met where `wrong` finds nothing.
pub(super) fn expect(expected: impl Into<String>, wrong: Option<Wrong>) -> Expectation {
    let failure = wrong.map(|(seen, cause)| Failure { seen, cause });
    Expectation { expected: expected.into(), failure }
}

/// The first item with which something is wrong, and how many there are beside it.
pub(super) fn first_of<T>(
    items: impl IntoIterator<Item = T>,
    mut wrong: impl FnMut(T) -> Option<Wrong>,
) -> Option<Wrong> {
    let mut first: Option<Wrong> = None;
    let (mut all, mut others) = (0, 0);
    for item in items {
        all += 1;
        match (wrong(item), &first) {
            (Some(found), None) => first = Some(found),
            (Some(_), Some(_)) => others += 1,
            (None, _) => {}
        }
    }
    first.map(|(seen, cause)| match others {
        0 => (seen, cause),
        others => (format!("{seen}\n(and so in {others} more of {all})"), cause),
    })
}

pub(super) fn wrong(seen: impl Into<String>, cause: impl Into<String>) -> Option<Wrong> {
    Some((seen.into(), cause.into()))
}

/// The trace of a request that carried a parent of ours, or named its trace in the answer.
pub(super) fn trace_of<'a>(telemetry: &'a Telemetry, exchange: &Exchange) -> Option<Trace<'a>> {
    let named =
        || exchange.answer.as_ref().ok()?.header("traceresponse")?.split('-').nth(1).map(str::to_owned);
    let id = exchange.parent.as_ref().map(|parent| parent.trace_id.clone()).or_else(named)?;
    Some(telemetry.trace(&id))
}

/// The answered requests to `/handson` of both runs, each with its trace and its SERVER span; those without one are left
/// out, for step 3 tells of them.
pub(super) fn served<'a>(evidence: &'a Evidence) -> impl Iterator<Item = Served<'a>> {
    served_in(&evidence.calm).chain(served_in(&evidence.errors))
}

/// The same of one run.
pub(super) fn served_in<'a>(run: &'a Run) -> impl Iterator<Item = Served<'a>> {
    run.exchanges.iter().enumerate().filter(|(_, exchange)| exchange.path == "/handson").filter_map(
        move |(index, exchange)| {
            let trace = trace_of(&run.telemetry, exchange)?;
            let server = trace.of_kind(SpanKind::Server).into_iter().next()?;
            let status = exchange.answer.as_ref().ok()?.status;
            Some(Served { run, index, exchange, status, trace, server })
        },
    )
}

/// A request that was traced.
pub(super) struct Served<'a> {
    pub(super) run: &'a Run,
    pub(super) index: usize,
    pub(super) exchange: &'a Exchange,
    pub(super) status: u16,
    pub(super) trace: Trace<'a>,
    pub(super) server: &'a Span,
}

/// The one expectation of a step that needs SERVER spans, where there are none.
pub(super) fn no_server_spans(evidence: &Evidence) -> Option<Expectation> {
    served(evidence).next().is_none().then(|| {
        let (seen, cause) = spans_received(&evidence.calm.telemetry);
        Expectation::failed(
            "a trace with a SERVER span for each request, as of step server-spans",
            seen,
            cause,
        )
    })
}

/// What came at all, where something is missing; and why nothing may have come.
pub(super) fn spans_received(telemetry: &Telemetry) -> Wrong {
    if let Some(refused) = telemetry.refused.first() {
        let cause = "The exporter sends to an address that is none of OTLP's. By HTTP, a complete endpoint ends in \
                     /v1/traces; OTEL_EXPORTER_OTLP_ENDPOINT is a base, to which the SDK adds that path.";
        return (format!("no span; the receiver refused {refused}"), cause.to_owned());
    }
    if telemetry.spans.is_empty() {
        let cause = "Nothing was exported. Is there a tracer provider with an OTLP exporter, does the exporter take \
                     OTEL_EXPORTER_OTLP_ENDPOINT, and is the provider shut down before the process ends? A provider that is \
                     merely dropped, or an exporter shut down alone, loses what waits in the queue.";
        return ("no span was received at all".to_owned(), cause.to_owned());
    }
    let trace = telemetry.trace(&telemetry.spans[0].trace_id);
    let count = telemetry.spans.len();
    let cause = "Spans arrive, but not this one: is it made at all, under this name, for every request?";
    (format!("{count} spans were received, such as\n{}", trace.tree()), cause.to_owned())
}

/// The builder method of the crate by which an attribute is set that its layer cannot know.
fn setter(key: &str) -> Option<&'static str> {
    match key {
        "db.namespace" => Some(".with_namespace(…)"),
        "db.operation.name" | "db.collection.name" | "db.query.summary" => Some(".operation(…)"),
        _ => None,
    }
}

/// What is expected of an attribute.
pub(super) enum Want<'a> {
    Text(&'a str),
    Int(i64),
    AnyText,
    AnyInt,
}

/// What is wrong with attribute `key`; `old` are names that it had before.
pub(super) fn attribute(attributes: &Attributes, key: &str, want: &Want<'_>, old: &[&str]) -> Option<Wrong> {
    let right = match want {
        Want::Text(text) => format!("{text:?}"),
        Want::Int(int) => int.to_string(),
        Want::AnyText => "a string".to_owned(),
        Want::AnyInt => "an integer".to_owned(),
    };
    let Some(value) = attributes.get(key) else {
        if let Some(old) = old.iter().find(|old| attributes.get(old).is_some()) {
            let cause = format!("{old} is the name that older semantic conventions had; it is {key} now.");
            return wrong(format!("{key} is missing, but there is {old}"), cause);
        }
        let keys: Vec<&str> = attributes.0.iter().map(|(key, _)| key.as_str()).collect();
        let cause = match setter(key) {
            Some(setter) => format!("The crate's layer sets {key} when it is built with {setter}."),
            None => format!("The crate's layers set {key}; a layer of your own must set it to {right}."),
        };
        return wrong(format!("{key} is missing among {}", keys.join(", ")), cause);
    };
    let is_right = match (want, value) {
        (Want::Text(want), Value::Text(text)) => want == text,
        (Want::Int(want), Value::Int(int)) => want == int,
        (Want::AnyText, Value::Text(text)) => !text.is_empty(),
        (Want::AnyInt, Value::Int(_)) => true,
        _ => false,
    };
    if is_right {
        return None;
    }
    let cause = match (want, value) {
        (Want::Int(_) | Want::AnyInt, Value::Text(_)) => {
            format!("{key} is a number, and was set as a string: backends cannot compare it. Set an i64.")
        }
        _ => format!("{key} should be {right}."),
    };
    wrong(format!("{key} = {value}"), cause)
}

/// `span` shown by name, with what is wrong with it.
pub(super) fn on(span: &Span, found: Option<Wrong>) -> Option<Wrong> {
    found.map(|(seen, cause)| (format!("on span {}: {seen}", span.name), cause))
}

/// Milliseconds for people.
pub(super) fn ms(nanoseconds: u64) -> String {
    format!("{:.3} ms", nanoseconds as f64 / 1e6)
}

//! What the steps expect from the run with unusual requests.

use super::assert::{Check, each, ensure, fail, on};
use super::attributes::{Attribute, Is, attributes_are, int, required, text};
use super::requests::{Ids, no_traceresponse, trace_id_of, tree};
use super::traceresponse::names_the_span;
use crate::evidence::{Answer, Evidence, Exchange, Purpose, Run, Unusual, UpstreamCall};
use crate::messages::Message;
use crate::text;
use crate::verdict::{Expectation, Failure};
use otlp::model::{Span, SpanKind, StatusCode, Value};
use serde_json::Value as Json;

/// The expectations of step 3.
pub(super) fn server_spans(evidence: &Evidence) -> Vec<Expectation> {
    let run = &evidence.unusual;
    vec![
        Expectation::new(
            text!("a query string is url.query, and part of neither name nor route"),
            has_server_span(run, Unusual::Query),
        ),
        Expectation::new(
            text!(
                "a path that does not exist has a span too: named by the method alone, without http.route, and without an error"
            ),
            has_server_span(run, Unusual::UnknownPath),
        ),
        Expectation::new(
            text!("POST /handson is answered 405, and its span has the method POST and no error"),
            has_server_span(run, Unusual::OtherMethod),
        ),
        Expectation::new(
            text!("a method that the conventions do not know is _OTHER, and is not in the name"),
            has_server_span(run, Unusual::UnknownMethod),
        ),
        Expectation::new(
            text!("a traceparent that is malformed starts a new trace"),
            each(Unusual::MALFORMED, |kind| starts_a_trace(run, kind)),
        ),
        Expectation::new(
            text!("a request that is running at SIGTERM is answered, and its span arrives"),
            is_answered_at_the_end(run),
        ),
        Expectation::new(
            text!("a request whose caller hangs up has a SERVER span too"),
            is_traced_without_its_caller(run),
        ),
        Expectation::new(
            text!("each response has the header traceresponse, also a 404 and a 405"),
            each(answered(run), |answered| has_traceresponse(run, answered)),
        ),
        Expectation::new(
            text!("traceresponse says whether the request is sampled"),
            traceresponse_has_the_decision(run),
        ),
    ]
}

/// The expectations of step 6.
pub(super) fn log_correlation(evidence: &Evidence) -> Vec<Expectation> {
    let run = &evidence.unusual;
    vec![
        Expectation::new(
            text!("the lines of a request that is not sampled contain its ids too"),
            lines_have_ids_if_unsampled(run),
        ),
        Expectation::new(
            text!("the log record of a request that is running at SIGTERM arrives"),
            record_arrives_at_the_end(run),
        ),
    ]
}

/// The expectations of step 4.
pub(super) fn client_spans(evidence: &Evidence) -> Vec<Expectation> {
    let run = &evidence.unusual;
    vec![
        Expectation::new(
            text!("the tracestate of the caller is passed on with each call"),
            passes_on_tracestate(run),
        ),
        Expectation::new(
            text!(
                "if the caller's trace is not sampled, its calls are not sampled either, and carry its trace id"
            ),
            stays_unsampled(run),
        ),
        Expectation::new(
            text!("the baggage of the caller is passed on unchanged, if it is passed on"),
            keeps_baggage(run),
        )
        .with_advice(baggage_is_lost(run)),
        Expectation::new(
            text!(
                "a call without an answer, because the connection breaks or is refused, has the status Error and error.type, and no status code"
            ),
            each(WITHOUT_ANSWER, |kind| marks_a_broken_call(run, kind)),
        ),
    ]
}

/// The attributes of the SERVER span of an unusual request.
static SERVER_SPAN: &[Attribute<Unusual>] = &[
    required("http.request.method", |kind| text(kind.method_attribute()), &["http.method"]),
    required("http.route", route, &[]),
    required("url.path", |kind| text(kind.path()), &["http.target"]),
    required("url.query", |kind| kind.query().map_or(Is::Absent, query), &[]),
    required("http.response.status_code", |kind| int(kind.status()), &["http.status_code"]),
    required("error.type", |_| Is::Absent, &[]),
];

/// A router may find the route of another method or not.
fn route(kind: &Unusual) -> Is {
    match kind {
        // A router may have a route for all paths.
        Unusual::UnknownPath | Unusual::OtherMethod | Unusual::UnknownMethod => Is::Any,
        _ => text("/handson"),
    }
}

/// The query as it was sent, or in the encoding of a form, in which libraries write a URL that they parsed.
fn query(sent: &str) -> Is {
    Is::OneOf(vec![Value::from(sent), Value::from(sent.replace("%20", "+"))])
}

fn server_span(run: &Run, kind: Unusual) -> Option<Span> {
    let (_, exchange) = run.unusual(kind)?;
    let trace = Ids::from_run(run).trace_of(exchange)?;
    trace.of_kind(SpanKind::Server).first().map(|span| (*span).clone())
}

fn has_server_span(run: &Run, kind: Unusual) -> Check {
    let Some((_, exchange)) = run.unusual(kind) else { return Ok(()) };
    if is_refused_by_library(kind, exchange) {
        return Ok(());
    }
    let status = exchange.answer.as_ref().map(|answer| answer.status);
    let request = format!("{} {}", kind.method(), kind.path());
    ensure!(
        status == Ok(kind.status()),
        text!(
            "{request}: {status}",
            request = &request,
            status = status.map_or_else(ToString::to_string, |status| status.to_string())
        ),
        text!("The base answers it with {status}: a layer must not change that.", status = kind.status())
    );
    if trace_id_of(exchange).is_none() {
        return no_traceresponse();
    }
    let Some(span) = server_span(run, kind) else {
        return fail(
            text!("no SERVER span for {request}", request = &request),
            text!(
                "The layer is around the whole router, with its answers for unknown paths and other methods."
            ),
        );
    };
    let route = span.attributes.text("http.route");
    let named = |route: &str| format!("{} {route}", kind.method());
    let is_named = match kind {
        // The conventions name it HTTP instead of the method; instrumentations differ.
        Unusual::UnknownMethod => !span.name.contains(kind.method()),
        Unusual::OtherMethod if [kind.method().to_owned(), named("/handson")].contains(&span.name) => true,
        _ => span.name == route.map_or(kind.method().to_owned(), named),
    };
    ensure!(
        is_named && !route.is_some_and(|route| route.contains("nowhere") || route.contains("page")),
        text!("the span is named {name}", name = format!("{:?}", span.name)),
        text!(
            "The name is the method and the route, or the method alone if there is no route: a name with a path or a query that anybody can \
             choose creates any number of operations."
        )
    );
    on(&span, attributes_are(&span.attributes, SERVER_SPAN, &kind))?;
    ensure!(
        span.status != StatusCode::Error,
        text!("status Error although the answer is {status}", status = kind.status()),
        text!("Only 5xx is an error of the server.")
    );
    Ok(())
}

fn starts_a_trace(run: &Run, kind: Unusual) -> Check {
    has_server_span(run, kind)?;
    let parent = server_span(run, kind).and_then(|span| span.parent_span_id);
    ensure!(
        parent.is_none(),
        text!(
            "the SERVER span of a request with traceparent: {header} has the parent {parent}",
            header = kind.malformed_parent().unwrap_or_default(),
            parent = parent.unwrap_or_default()
        ),
        text!("A header that is not a valid traceparent names no parent: let the propagator parse it.")
    );
    Ok(())
}

fn is_answered_at_the_end(run: &Run) -> Check {
    let Some((_, exchange)) = run.unusual(Unusual::AtTheEnd) else { return Ok(()) };
    if let Err(error) = &exchange.answer {
        return fail(
            text!("GET /handson: {error}", error = error.to_string()),
            text!(
                "After SIGTERM, the service must stop accepting requests, but finish those that are running: the base waits up to \
                 GRACE_PERIOD for them."
            ),
        );
    }
    ensure!(
        server_span(run, Unusual::AtTheEnd).is_some(),
        text!("it was answered, but its SERVER span was not received"),
        text!("Shut the provider down when the last request has been answered, not when SIGTERM arrives.")
    );
    Ok(())
}

fn is_traced_without_its_caller(run: &Run) -> Check {
    let Some((_, exchange)) = run.unusual(Unusual::HangsUp) else { return Ok(()) };
    let Some(trace) = Ids::from_run(run).trace_of(exchange) else { return Ok(()) };
    ensure!(
        !trace.of_kind(SpanKind::Server).is_empty(),
        text!("no SERVER span of the request whose caller hung up\n{tree}", tree = tree(&trace)),
        text!(
            "A span that is never ended is never exported: end it on every path, also when the request is cancelled or its response cannot be sent."
        )
    );
    Ok(())
}

/// Whether an HTTP library refused a method that it does not know, before the program saw the request.
fn is_refused_by_library(kind: Unusual, exchange: &Exchange) -> bool {
    kind == Unusual::UnknownMethod
        && exchange.answer.as_ref().is_ok_and(|answer| matches!(answer.status, 400 | 501))
}

/// The unusual requests that the program answered, except the one that is not sampled.
fn answered(run: &Run) -> impl Iterator<Item = (Unusual, &Exchange, &Answer)> {
    run.exchanges.iter().filter_map(|exchange| match (exchange.purpose, &exchange.answer) {
        (Purpose::Unusual(kind), Ok(answer))
            if kind != Unusual::Unsampled && !is_refused_by_library(kind, exchange) =>
        {
            Some((kind, exchange, answer))
        }
        _ => None,
    })
}

fn has_traceresponse(run: &Run, (kind, exchange, answer): (Unusual, &Exchange, &Answer)) -> Check {
    let trace = Ids::from_run(run).trace_of(exchange);
    let server = trace.as_ref().and_then(|trace| Some((trace, *trace.of_kind(SpanKind::Server).first()?)));
    let named = match server {
        Some((trace, server)) => names_the_span(answer, trace, server),
        // Without the header, the trace of a root is unknown.
        None if answer.header("traceresponse").is_none() => no_traceresponse(),
        None => Ok(()),
    };
    named.map_err(|Failure { seen, .. }| {
        Failure::new(
            text!(
                "{method} {path}, answered with {status}: {seen}",
                method = kind.method(),
                path = kind.path(),
                status = answer.status,
                seen
            ),
            text!(
                "The header has the ids of the SERVER span of its own request. Set it outside the router, so that the answers for unknown \
                 paths and other methods have it, too."
            ),
        )
    })
}

fn traceresponse_has_the_decision(run: &Run) -> Check {
    let Some((_, exchange)) = run.unusual(Unusual::Unsampled) else { return Ok(()) };
    let header = exchange.answer.as_ref().ok().and_then(|answer| answer.header("traceresponse"));
    let (Some(header), Some(trace)) = (header, trace_id_of(exchange)) else { return Ok(()) };
    // A sampler that ignores the caller's decision samples all requests.
    let is_sampled = run.telemetry.spans.iter().any(|span| span.trace_id == trace);
    let fields: Vec<&str> = header.split('-').collect();
    let flag = fields.get(3).and_then(|flags| u8::from_str_radix(flags, 16).ok()).map(|flags| flags & 1);
    ensure!(
        fields.get(1) == Some(&trace) && flag == Some(u8::from(is_sampled)),
        text!("a request of the trace {id} was answered with traceresponse: {header}", id = trace, header),
        text!(
            "The last bit of the flags says whether the span is recorded, so it is 0 if the caller's trace is not sampled: take all \
             parts of the header from the span context."
        )
    );
    Ok(())
}

/// The line of the query. Other requests have shown that it contains ids.
fn lines_have_ids_if_unsampled(run: &Run) -> Check {
    let Some((_, exchange)) = run.unusual(Unusual::Unsampled) else { return Ok(()) };
    let is_answered = exchange.answer.as_ref().is_ok_and(|answer| answer.status == 200);
    let Some(trace) = trace_id_of(exchange).filter(|_| is_answered) else { return Ok(()) };
    let lines = run.stdout.iter().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let ids: Vec<Json> =
        lines.filter(|line| line["message"] == "dbQuery").map(|line| line["trace_id"].clone()).collect();
    ensure!(
        ids.is_empty() || ids.iter().any(|id| id == trace),
        text!("no line dbQuery has the trace id {id}, although its request was answered", id = trace),
        text!(
            "Ids belong to the request, whether its span is recorded or not: take them from every span context that is valid."
        )
    );
    Ok(())
}

/// The record of the query, as those of the requests before it.
fn record_arrives_at_the_end(run: &Run) -> Check {
    let Some((_, exchange)) = run.unusual(Unusual::AtTheEnd) else { return Ok(()) };
    let is_answered = exchange.answer.as_ref().is_ok_and(|answer| answer.status == 200);
    let Some(trace) = trace_id_of(exchange).filter(|_| is_answered) else { return Ok(()) };
    let queries = || {
        let records = run.telemetry.log_records.iter();
        records.filter(|record| record.body.to_string().contains("dbQuery"))
    };
    ensure!(
        queries().next().is_none() || queries().any(|record| record.trace_id.as_deref() == Some(trace)),
        text!("no log record has the trace id {id}, although its request was answered", id = trace),
        text!(
            "Shut the logger provider down when the last request has been answered, not when SIGTERM arrives."
        )
    );
    Ok(())
}

fn passes_on_tracestate(run: &Run) -> Check {
    let Some((index, _)) = run.unusual(Unusual::TraceState) else { return Ok(()) };
    each(run.upstream_of(index), |call| {
        let (method, path) = (&call.method, &call.path);
        let seen = call.header("tracestate");
        ensure!(
            seen.is_some_and(|seen| seen.split(',').any(|entry| entry.trim() == Unusual::TRACE_STATE)),
            text!(
                "{method} {path} came with tracestate: {seen}",
                method,
                path,
                seen = seen.unwrap_or("(none)")
            ),
            text!(
                "tracestate belongs to the context as traceparent does: extract and inject with the propagator of W3C Trace Context."
            )
        );
        Ok(())
    })
}

/// The members of the `baggage` that a call carried.
fn baggage(call: &UpstreamCall) -> Option<Vec<&str>> {
    Some(call.header("baggage")?.split(',').map(str::trim).collect())
}

fn keeps_baggage(run: &Run) -> Check {
    let Some((index, _)) = run.unusual(Unusual::TraceState) else { return Ok(()) };
    each(run.upstream_of(index), |call| {
        let (method, path) = (&call.method, &call.path);
        ensure!(
            baggage(call).is_none_or(|members| members.contains(&Unusual::BAGGAGE)),
            text!(
                "{method} {path} came with baggage: {seen}",
                method,
                path,
                seen = call.header("baggage").unwrap_or_default()
            ),
            text!("The baggage of the caller is passed on unchanged; a service may add its own members.")
        );
        Ok(())
    })
}

/// Advice only, because a service may also decide to tell others nothing.
fn baggage_is_lost(run: &Run) -> Option<Message> {
    let (index, _) = run.unusual(Unusual::TraceState)?;
    run.upstream_of(index).any(|call| baggage(call).is_none()).then(|| {
        text!(
            "The caller's header baggage is not passed on with each call. The propagator of W3C Baggage does that; with that of Trace \
             Context, it is the default of OTEL_PROPAGATORS."
        )
    })
}

/// A call that fails has a span all the same, which says how it failed.
fn marks_a_broken_call(run: &Run, kind: Unusual) -> Check {
    let Some((_, exchange)) = run.unusual(kind) else { return Ok(()) };
    let Some(trace) = Ids::from_run(run).trace_of(exchange) else { return Ok(()) };
    let mut calls = trace.of_kind(SpanKind::Client);
    // A call may have spans of its parts, such as the connection.
    let has_method = |span: &&Span| span.attributes.get("http.request.method").is_some();
    if calls.iter().any(has_method) {
        calls.retain(has_method);
    }
    let seen = match kind {
        Unusual::UpstreamRefuses => {
            text!("no CLIENT span of a call whose connection was refused\n{tree}", tree = tree(&trace))
        }
        _ => text!("no CLIENT span of a call that broke\n{tree}", tree = tree(&trace)),
    };
    ensure!(
        !calls.is_empty(),
        seen,
        text!("A call that fails without an answer also has a span: end it on every path out of the call.")
    );
    each(calls, |span| {
        attributes_are(&span.attributes, BROKEN_CALL, &())?;
        ensure!(
            span.status == StatusCode::Error,
            tree(&trace),
            text!("A call without an answer has failed: set the span's status to Error.")
        );
        Ok(())
    })
}

/// The requests whose calls of httpbin get no answer.
pub(super) const WITHOUT_ANSWER: [Unusual; 2] = [Unusual::UpstreamBreaks, Unusual::UpstreamRefuses];

/// The attributes of a call without an answer.
static BROKEN_CALL: &[Attribute<()>] = &[
    required("http.request.method", |()| text("GET"), &["http.method"]),
    required("error.type", |()| Is::Text, &[]),
    required("http.response.status_code", |()| Is::Absent, &["http.status_code"]),
];

fn stays_unsampled(run: &Run) -> Check {
    let Some((index, exchange)) = run.unusual(Unusual::Unsampled) else { return Ok(()) };
    let Some(trace) = Ids::from_run(run).trace_of(exchange) else { return Ok(()) };
    // A sampler that ignores the caller's decision samples all requests.
    let is_sampled = !trace.spans.is_empty();
    each(run.upstream_of(index), |call| {
        let header = call.header("traceparent").unwrap_or("(none)");
        let (method, path) = (&call.method, &call.path);
        ensure!(
            call.traceparent().is_some_and(|(id, _)| id == trace.id) && call.is_sampled() == is_sampled,
            text!(
                "{method} {path} came with traceparent: {header}\n{tree}",
                method,
                path,
                header,
                tree = tree(&trace)
            ),
            text!(
                "A request that is not sampled is passed on with its trace id and the flags 00, so that no service \
                 records a part of its trace: inject the context even if the span is not recorded."
            )
        );
        Ok(())
    })
}

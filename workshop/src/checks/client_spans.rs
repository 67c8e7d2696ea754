//! Step 4: CLIENT spans for the calls of httpbin, with propagation of their ids.

mod attributes;

use std::collections::{BTreeMap, BTreeSet};

use super::assert::{Check, each, ensure, fail, on};
use super::requests::{
    CLOCK_TOLERANCE, Served, cause_of_lost_call, is_in_place, no_server_spans, served, served_in,
    span_tolerance, trace_id_of, tree,
};
use super::unusual;
use crate::evidence::{Evidence, Purpose, Run, UpstreamCall};
use crate::messages::Message;
use crate::text;
use crate::verdict::Expectation;
use otlp::model::{Span, SpanKind, StatusCode};

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let served: Vec<Served<'_>> = served(evidence).collect();
    let all = || served.iter();
    let complete = || all().filter(|served| !served.stopped_at_httpbin());
    let counted = Expectation::new(
        text!("four CLIENT spans below the SERVER span of each request: GET, GET, POST and PUT"),
        each(complete(), |served| has_four_calls(served)),
    );
    if !counted.is_met() {
        return vec![counted];
    }
    let mut expectations = vec![
        counted,
        Expectation::new(
            text!("they are siblings, and each is within the time of the request"),
            each(all(), |served| are_siblings(served)),
        ),
        Expectation::new(
            text!("each is named by its method"),
            each(all(), |served| each(calls(served), is_named)),
        ),
        Expectation::new(
            text!("the first ends before the three others begin, and those overlap"),
            each(complete().filter(|served| served.exchange.purpose == Purpose::Alone), |served| {
                are_in_order(served)
            }),
        ),
        Expectation::new(
            text!("httpbin gets a traceparent with each call, which names the CLIENT span of that call"),
            each([&evidence.calm, &evidence.errors], |run| are_propagated(evidence, run)),
        ),
        Expectation::new(
            text!(
                "http.request.method, url.full, server.address, server.port, http.response.status_code and \
                 network.protocol.version, each with the value of its own call"
            ),
            each(all(), |served| {
                each(pairs(served), |(span, call)| on(span, attributes::are_right(served, span, call)))
            }),
        )
        .with_advice(all().find_map(|served| {
            let answered = pairs(served).into_iter().filter(|(_, call)| !served.cancelled(call));
            answered.into_iter().find_map(|(span, call)| attributes::advice(served, span, call))
        })),
        Expectation::new(
            text!("it begins before httpbin is called, and ends after it has answered"),
            each(all(), |served| {
                each(pairs(served), |(span, call)| on(span, covers_the_call(served, span, call)))
            })
            .and_then(|()| end_before_the_query(evidence)),
        ),
        Expectation::new(
            text!(
                "a call that httpbin answers with 503, 404 or 429 has the status Error and error.type; one that it answers with 200 has neither"
            ),
            each(all(), |served| {
                each(pairs(served), |(span, call)| on(span, status_is_right(served, span, call)))
            }),
        ),
    ];
    expectations.extend(unusual::client_spans(evidence));
    expectations
}

/// The CLIENT spans of HTTP; those of the database belong to another step.
fn calls<'a>(served: &Served<'a>) -> Vec<&'a Span> {
    let spans = served.trace.of_kind(SpanKind::Client);
    let has_method = |span: &Span| {
        span.attributes.get("http.request.method").or(span.attributes.get("http.method")).is_some()
    };
    let is_of_database = |span: &Span| span.attributes.iter().any(|(key, _)| key.starts_with("db."));
    // Some libraries also make spans for the parts of a call, such as connecting and sending.
    let is_part = |span: &Span| {
        !has_method(span)
            && served.call_of(span).is_none()
            && spans.iter().any(|call| has_method(call) && served.trace.is_below(span, call))
    };
    spans.iter().copied().filter(|span| !is_of_database(span) && !is_part(span)).collect()
}

/// The CLIENT spans of a request, each with the call of httpbin whose `traceparent` names it.
fn pairs<'a>(served: &Served<'a>) -> Vec<(&'a Span, &'a UpstreamCall)> {
    calls(served).into_iter().filter_map(|span| Some((span, served.call_of(span)?))).collect()
}

fn method(span: &Span) -> &str {
    span.attributes.text("http.request.method").or(span.attributes.text("http.method")).unwrap_or(&span.name)
}

fn has_four_calls(served: &Served<'_>) -> Check {
    let calls = calls(served);
    let mut methods: Vec<&str> = calls.iter().map(|span| method(span)).collect();
    methods.sort_unstable();
    if methods != ["GET", "GET", "POST", "PUT"] {
        let spans = || served.run.telemetry.spans.iter();
        let is_internal = |span: &&Span| span.attributes.text("url.full").is_some();
        let cause = if let Some(cause) = cause_of_lost_call(served) {
            cause
        } else if let Some(cause) = cause_of_another_trace(served) {
            cause
        } else if let Some(cause) = cause_of_no_span(served, &calls) {
            cause
        } else if calls.len() > 4 && served.run.upstream_of(served.index).count() == 4 {
            text!(
                "There are more spans than calls: two instrumentations of the client are active, or two processors export each span. Keep one."
            )
        } else if served.trace.of_kind(SpanKind::Internal).iter().any(is_internal) {
            text!("The spans of the calls have the kind INTERNAL: set CLIENT when the span is built.")
        } else if served.trace.named("handson.dbQuery").iter().any(|span| span.kind == SpanKind::Client) {
            text!(
                "handson.dbQuery has the kind CLIENT: it is a function of the service, so its kind should be INTERNAL."
            )
        } else if spans().any(|span| {
            span.kind == SpanKind::Client
                && span.parent_span_id.is_none()
                && span.attributes.get("url.full").is_some()
        }) {
            text!(
                "CLIENT spans arrive, but in separate traces: the middleware starts them outside the request's context, which \
                 is lost over tokio::spawn, or never made current by the server layer."
            )
        } else {
            text!("Add the middleware to the client in src/main.rs; every call goes through it once.")
        };
        return fail(tree(&served.trace), cause);
    }
    Ok(())
}

/// Why the CLIENT span of a call is missing, if the call carried the trace id of another request.
fn cause_of_another_trace(served: &Served<'_>) -> Option<Message> {
    let (run, own) = (served.run, served.trace.id.as_str());
    let requests: BTreeSet<&str> = run.exchanges.iter().filter_map(trace_id_of).collect();
    run.upstream_of(served.index).find_map(|call| {
        let (trace, _) = call.traceparent()?;
        (trace != own && requests.contains(trace)).then(|| {
            text!(
                "{method} {path} of this request carried the trace id {trace}, which belongs to another request: its span is a child of a span \
                 of that request. Pass each call the context of its own request, and keep none in a variable that requests share.",
                method = &call.method,
                path = &call.path,
                trace
            )
        })
    })
}

/// Why one call has no CLIENT span, although others have one: it carried the id of a span that is no call.
fn cause_of_no_span(served: &Served<'_>, calls: &[&Span]) -> Option<Message> {
    let own = calls.iter().filter(|span| served.call_of(span).is_some()).count();
    served.run.upstream_of(served.index).filter(|_| own > 0).find_map(|call| {
        let carried = served.trace.span(call.traceparent()?.1)?;
        let is_a_call = calls.iter().any(|span| span.span_id == carried.span_id);
        (!is_a_call).then(|| {
            text!(
                "{method} {path} carried the id of {name}, so no span was made for this call: it does not pass the instrumented client, or its \
                 context holds the ids of that span only, and not the span.",
                method = &call.method,
                path = &call.path,
                name = &carried.name
            )
        })
    })
}

/// The name must be the method, or the method and a template of the path.
fn is_named(span: &Span) -> Check {
    let method = method(span);
    let target = span.name.strip_prefix(method).unwrap_or("-");
    ensure!(
        target.is_empty()
            || (target.starts_with(" /") && !target.contains(|c: char| c.is_ascii_digit() || c == '?')),
        text!("the span is named {name}", name = format!("{:?}", span.name)),
        text!(
            "A call is named by its method, {method}, or by method and template of the path: with a URL, an id or a time in the name, each \
             call would be a separate operation.",
            method
        )
    );
    Ok(())
}

fn are_siblings(served: &Served<'_>) -> Check {
    let calls = calls(served);
    each(&calls, |call| {
        let above = calls.iter().find(|other| served.trace.is_below(call, other));
        ensure!(
            above.is_none(),
            text!(
                "{name} is below {other}, which is also a call\n{tree}",
                name = &call.name,
                other = above.map(|span| span.name.as_str()).unwrap_or_default(),
                tree = served.trace.tree()
            ),
            text!(
                "One call is not part of another: the span of a call was still current when the next one was started. Attach its \
                 context to its own future only."
            )
        );
        if served.call_of(call).is_some_and(|call| served.cancelled(call)) {
            // A cancelled call may end later than its request.
            return Ok(());
        }
        is_in_place(served, call)
    })
}

fn are_in_order(served: &Served<'_>) -> Check {
    let mut calls = calls(served);
    calls.sort_by_key(|span| span.start);
    let Some((first, others)) = calls.split_first() else { return Ok(()) };
    ensure!(
        others.iter().all(|other| first.end <= other.start.saturating_add(span_tolerance(first, other))),
        tree(&served.trace),
        text!(
            "The first call's span is still open when the others begin: end it when the answer has arrived."
        )
    );
    ensure!(
        others.iter().all(|one| {
            others.iter().all(|other| one.start < other.end.saturating_add(span_tolerance(one, other)))
        }),
        tree(&served.trace),
        text!(
            "The three calls ran at the same time, but their spans did not: each span must last from its call's start to its \
             answer."
        )
    );
    Ok(())
}

/// Every call of httpbin must name its own CLIENT span, and pass on the context of the request.
fn are_propagated(evidence: &Evidence, run: &Run) -> Check {
    let requests = served(evidence).filter(|served| std::ptr::eq(served.run, run));
    let requests: BTreeMap<String, Served<'_>> =
        requests.map(|served| (served.trace.id.clone(), served)).collect();
    let mut named = BTreeSet::new();
    each(&run.upstream, |call| {
        let (method_of_call, path) = (&call.method, &call.path);
        if call.exchange.is_some_and(|index| trace_id_of(&run.exchanges[index]).is_none()) {
            // A root without traceresponse, so its trace is unknown. Step server-spans reports it.
            return Ok(());
        }
        let Some(header) = call.header("traceparent") else {
            return fail(
                text!("{method} {path} came without traceparent", method = method_of_call, path),
                text!(
                    "Give the layers a propagator (with_propagator), or inject the span's context into the request's headers with \
                     opentelemetry_http::HeaderInjector."
                ),
            );
        };
        let (trace, parent) = call.traceparent().unwrap_or_default();
        let own = requests.get(trace);
        let seen = || {
            text!(
                "{method} {path} came with traceparent: {header}\n{tree}",
                method = method_of_call,
                path,
                header,
                tree = own.map(|served| served.trace.tree()).unwrap_or_default()
            )
        };
        let is_of_another = |served: &&Served<'_>| call.exchange.is_some_and(|index| index != served.index);
        let Some(served) = own.filter(|served| !is_of_another(served)) else {
            return fail(
                seen(),
                text!("It names another trace than the request's: the context is not this request's."),
            );
        };
        let Some(span) = calls(served).into_iter().find(|span| span.span_id == parent) else {
            // A span that was received is another one.
            let lost = served.trace.span(parent).is_none().then(|| cause_of_lost_call(served)).flatten();
            let cause = lost.unwrap_or_else(|| {
                text!(
                    "It names a span that is not the CLIENT span of the call, such as the SERVER span: inject the context of the \
                     span that was just started, not the current one."
                )
            });
            return fail(seen(), cause);
        };
        ensure!(
            method(span) == call.method && !named.contains(parent),
            seen(),
            text!("It names the CLIENT span of another call: each call injects its own.")
        );
        ensure!(
            call.is_sampled(),
            seen(),
            text!(
                "The request was sampled, and so are its calls: the flags of traceparent are 01, as in the request's own."
            )
        );
        named.insert(parent);
        Ok(())
    })?;
    // A span without a call is wrong, unless the call was cancelled before it was sent.
    let complete = requests.values().filter(|served| !served.stopped_at_httpbin());
    each(complete, |served| {
        each(calls(served), |span| {
            ensure!(
                named.contains(span.span_id.as_str()),
                text!(
                    "httpbin got no call for the span {name}\n{tree}",
                    name = &span.name,
                    tree = served.trace.tree()
                ),
                text!("Each CLIENT span is one call that was sent, and its ids are sent with it.")
            );
            Ok(())
        })
    })
}

fn covers_the_call(served: &Served<'_>, span: &Span, call: &UpstreamCall) -> Check {
    let is_complete = || {
        // The duration inside httpbin can be compared more precisely than the time of its response.
        let took = call.answered.saturating_sub(call.arrived);
        span.duration() + span_tolerance(span, span) >= took
            && span.end.saturating_add(CLOCK_TOLERANCE) >= call.answered
    };
    ensure!(
        span.start <= call.arrived.saturating_add(CLOCK_TOLERANCE)
            && (served.cancelled(call) || is_complete()),
        tree(&served.trace),
        text!(
            "The span begins before the call is sent, and ends when its answer has arrived, not earlier and not much later."
        )
    );
    Ok(())
}

/// The calls must have ended when the query begins. Another thread may end a span a little later, but not in
/// every request.
fn end_before_the_query(evidence: &Evidence) -> Check {
    let is_alone = |served: &Served<'_>| served.exchange.purpose == Purpose::Alone;
    let mut late = None;
    for served in served_in(&evidence.calm).filter(is_alone) {
        let Some(query) = served.trace.named("handson.dbQuery").first().copied() else { return Ok(()) };
        let is_late = |span: &&Span| span.end > query.end.saturating_add(span_tolerance(span, query));
        if !calls(&served).iter().any(is_late) {
            return Ok(());
        }
        late = late.or(Some(served));
    }
    let Some(served) = late else { return Ok(()) };
    fail(
        tree(&served.trace),
        text!(
            "Spans of calls are still open after the query, in each request: end a span when its answer has arrived, and close the body of the \
             answer then, not when the request ends."
        ),
    )
}

fn status_is_right(served: &Served<'_>, span: &Span, call: &UpstreamCall) -> Check {
    let seen = || {
        text!(
            "status {status} although httpbin answered {answer}",
            status = format!("{:?}", span.status),
            answer = call.status
        )
    };
    match (call.status >= 400, span.status) {
        _ if served.cancelled(call) => Ok(()),
        (true, StatusCode::Error) => Ok(()),
        (true, _) => fail(seen(), text!("For a client, 400 and above is an error: set Status::error.")),
        (false, StatusCode::Error) => fail(
            seen(),
            text!("The call succeeded, even if its request failed later: leave the status unset."),
        ),
        (false, _) => Ok(()),
    }
}

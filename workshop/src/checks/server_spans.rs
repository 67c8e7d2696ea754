//! Step 3: a SERVER span for every request, which continues the caller's trace.

mod attributes;
mod traces;

use super::assert::{Check, each, ensure, fail, on};
use super::requests::{
    CLOCK_TOLERANCE, Ids, Served, advice_about_strays, cause_of_lost_parent, cause_of_lost_parent_of,
    is_in_place, is_within, lost_or_not_sampled, no_traceresponse, served, spans_received, tree,
};
use super::traceresponse::names_the_span;
use super::unusual;
use crate::evidence::{Evidence, Exchange, Purpose, Run};
use crate::text;
use crate::verdict::{Expectation, Failure};
use otlp::model::{SpanKind, StatusCode};
use traces::{cause_of_current_span, is_made_by_a_request, no_continued_trace, shares_a_trace};

/// A server may end its span after it has sent the last byte, which takes longer on a busy machine.
const END_TOLERANCE: u64 = 1_000_000_000;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let calm = &evidence.calm;
    let runs = [calm, &evidence.errors];
    if let Some(failed) = no_server_span(calm).or_else(|| no_continued_trace(calm)) {
        return vec![failed];
    }
    let served: Vec<Served<'_>> = served(evidence).collect();
    let served = || served.iter();
    let failed = || served().filter(|served| served.status >= 500);
    let mut expectations = vec![
        Expectation::new(
            text!(
                "exactly one SERVER span for each request, named GET /handson, in the caller's trace and below its span"
            ),
            each(runs, |run| {
                let requests = run.exchanges.iter().filter(|exchange| exchange.path == "/handson");
                let ids = Ids::from_run(run);
                each(requests, |exchange| has_one_server_span(run, &ids, exchange))?;
                is_made_by_a_request(run)
            }),
        )
        .with_advice(advice_about_strays(runs)),
        Expectation::new(
            text!("it begins when the request is received, and ends when the response is complete"),
            each(served(), |served| covers_the_request(served)),
        ),
        Expectation::new(
            text!(
                "http.request.method, http.route, url.path, url.scheme, server.address, server.port, client.address, \
                 network.protocol.version, user_agent.original and http.response.status_code, each with the request's own value"
            ),
            each(served(), |served| on(served.server, attributes::are_right(served))),
        )
        .with_advice(served().find_map(attributes::advice)),
        Expectation::new(
            text!("one handson.sleep50microsec is below it, within its time and without an error"),
            each(served(), |served| has_its_sleep(served)),
        ),
        Expectation::new(
            text!("a 500 gives it the status Error and error.type; a 200 leaves the status unset"),
            each(served(), |served| on(served.server, status_is_right(served))),
        ),
        Expectation::new(
            text!("the response header traceresponse names the SERVER span: 00-<trace id>-<span id>-01"),
            each(served(), |served| has_traceresponse(served)),
        ),
        Expectation::new(
            text!("the body of a 500 contains the trace_id"),
            each(failed(), |served| names_its_trace(served)),
        ),
        Expectation::new(text!("/healthz creates no span"), health_is_untraced(calm)),
    ];
    expectations.extend(unusual::server_spans(evidence));
    expectations
}

fn no_server_span(run: &Run) -> Option<Expectation> {
    if run.telemetry.spans.iter().any(|span| span.kind == SpanKind::Server) {
        return None;
    }
    let mut failure = spans_received(&run.telemetry);
    if !run.telemetry.spans.is_empty() {
        let ids = Ids::from_run(run);
        let mut requests = run.exchanges.iter();
        let lost =
            requests.find_map(|exchange| cause_of_lost_parent(run, exchange, &ids.trace_of(exchange)?));
        failure.cause = lost.unwrap_or_else(|| {
            text!(
                "No span has the kind SERVER: put the layer around the router in src/main.rs, and give it a tracer provider. The kind \
                 is set when the span is built; it cannot be changed later."
            )
        });
    }
    Some(Expectation::new(text!("a SERVER span named GET /handson for each request"), Err(failure)))
}

fn has_one_server_span(run: &Run, ids: &Ids<'_>, exchange: &Exchange) -> Check {
    let Some(trace) = ids.trace_of(exchange) else { return no_traceresponse() };
    let servers = trace.of_kind(SpanKind::Server);
    let [server] = servers[..] else {
        let lost = || cause_of_lost_parent(run, exchange, &trace);
        let cause = if let Some(cause) = cause_of_current_span(run) {
            cause
        } else if shares_a_trace(run) {
            text!(
                "Several requests share a trace: the ids or the parent of one request are kept, and used for others too. Extract the \
                 parent from the headers of each request."
            )
        } else if let Some(cause) = servers.is_empty().then(lost).flatten() {
            cause
        } else if trace.spans.is_empty() && ids.has_server_spans() {
            lost_or_not_sampled()
        } else if trace.spans.is_empty() {
            text!("This request has no span: is the layer around every route, and none lost at the end?")
        } else if servers.is_empty() {
            text!(
                "The span of a request has the kind SERVER: set it when the span is built, because it cannot be changed later."
            )
        } else {
            text!("Two layers create a SERVER span each; keep one.")
        };
        return fail(tree(&trace), cause);
    };
    let parent = exchange.parent.as_ref().map(|parent| parent.span_id.as_str());
    if server.parent_span_id.as_deref() != parent {
        let cause = match parent {
            Some(parent) => {
                text!("Its parent should be the caller's span {parent}, from the header traceparent.", parent)
            }
            None => cause_of_current_span(run)
                .unwrap_or_else(|| text!("Without traceparent it is a root, and has no parent.")),
        };
        return fail(tree(&trace), cause);
    }
    ensure!(
        server.name == "GET /handson",
        server.name.clone(),
        text!("The name is the method and the route, GET /handson: axum's MatchedPath is the route.")
    );
    Ok(())
}

fn covers_the_request(served: &Served<'_>) -> Check {
    let (server, exchange) = (served.server, served.exchange);
    ensure!(
        server.start <= server.end,
        text!("it ends before it starts\n{tree}", tree = served.trace.tree()),
        text!(
            "Start and end of a span are read from one clock: when the request is received, and when the answer is complete."
        )
    );
    ensure!(
        server.start.saturating_add(CLOCK_TOLERANCE) >= exchange.sent
            && server.end <= exchange.answered.saturating_add(END_TOLERANCE),
        text!("it is not within the time of the request\n{tree}", tree = served.trace.tree()),
        text!(
            "The SERVER span begins when the request arrives, and ends when the answer is complete: end it after the handler."
        )
    );
    // The calls that httpbin received happened while the request was handled.
    let calls = || served.run.upstream_of(served.index);
    let (first, last) = (calls().map(|call| call.arrived).min(), calls().map(|call| call.answered).max());
    // A cancelled call may be answered after its request has failed.
    let last = last.filter(|_| !served.stopped_at_httpbin());
    ensure!(
        first.is_none_or(|first| server.start <= first)
            && last.is_none_or(|last| server.end.saturating_add(CLOCK_TOLERANCE) >= last),
        text!("it does not cover the calls of httpbin\n{tree}", tree = served.trace.tree()),
        text!(
            "The SERVER span begins when the request arrives, and ends when the answer is complete: end it after the handler."
        )
    );
    Ok(())
}

fn has_its_sleep(served: &Served<'_>) -> Check {
    let sleeps = served.trace.named("handson.sleep50microsec");
    let below: Vec<_> = sleeps.iter().filter(|span| served.trace.is_below(span, served.server)).collect();
    let [sleep] = below[..] else {
        let lost = || sleeps.first().and_then(|sleep| cause_of_lost_parent_of(served, sleep));
        let cause = if let Some(cause) = below.is_empty().then(lost).flatten() {
            cause
        } else if sleeps.is_empty() {
            lost_or_not_sampled()
        } else if below.is_empty() {
            text!(
                "The handler runs outside the span's context: run the rest of the request with it (`.with_context(…)` of \
                 opentelemetry's FutureExt, or `.instrument(…)` of tracing)."
            )
        } else {
            text!(
                "A request sleeps once: do an attribute and your own code both create a span, or do several requests share a trace?"
            )
        };
        return fail(tree(&served.trace), cause);
    };
    is_within(&served.trace, sleep, served.server).map_err(|Failure { seen, .. }| {
        Failure::new(
            text!("it is not within the SERVER span's time\n{seen}", seen),
            text!("The SERVER span begins when the request arrives, and ends when the answer is complete: end it after the handler."),
        )
    })?;
    is_in_place(served, sleep)?;
    let called = served.run.upstream_of(served.index).map(|call| call.arrived).min();
    ensure!(
        called.is_none_or(|called| sleep.end <= called.saturating_add(CLOCK_TOLERANCE)),
        text!("the sleep has not ended when httpbin is called\n{tree}", tree = served.trace.tree()),
        text!(
            "The span ends when the sleep ends, and not when its request ends: put both into a function of their own."
        )
    );
    ensure!(
        sleep.status != StatusCode::Error && sleep.attributes.get("error.type").is_none(),
        tree(&served.trace),
        text!(
            "The sleep does not fail, even if its request does: leave its status unset, and error.type absent."
        )
    );
    Ok(())
}

fn status_is_right(served: &Served<'_>) -> Check {
    let seen = || {
        text!(
            "status {status} although the answer is {answer}",
            status = format!("{:?}", served.server.status),
            answer = served.status
        )
    };
    match (served.status >= 500, served.server.status) {
        (true, StatusCode::Error) => Ok(()),
        (true, _) => fail(
            seen(),
            text!("An answer with a status of 500 or above is a failure of the server: set Status::error."),
        ),
        (false, StatusCode::Error) => fail(seen(), text!("Only 5xx is an error of the server.")),
        (false, _) => Ok(()),
    }
}

fn has_traceresponse(served: &Served<'_>) -> Check {
    let Ok(answer) = &served.exchange.answer else { return Ok(()) };
    names_the_span(answer, &served.trace, served.server)
}

fn names_its_trace(served: &Served<'_>) -> Check {
    let Ok(answer) = &served.exchange.answer else { return Ok(()) };
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    ensure!(
        json["trace_id"] == served.server.trace_id.as_str(),
        answer.body.clone(),
        text!(
            "problem.rs should put the id of the current trace into the body: {id}.",
            id = &served.server.trace_id
        )
    );
    Ok(())
}

fn health_is_untraced(run: &Run) -> Check {
    let cause = || {
        text!("A health check is not a user's request: add its route after the layer, or exclude it there.")
    };
    let health = run.exchanges.iter().filter(|exchange| exchange.purpose == Purpose::Health);
    let ids = Ids::from_run(run);
    each(health, |exchange| match ids.trace_of(exchange) {
        Some(trace) if !trace.spans.is_empty() => fail(tree(&trace), cause()),
        _ => Ok(()),
    })?;
    match run.telemetry.spans.iter().find(|span| span.name.contains("/healthz")) {
        Some(span) => fail(span.name.clone(), cause()),
        None => Ok(()),
    }
}

//! Step 3: a SERVER span for every request, which continues the caller's trace.

use super::words::{
    Served, Want, Wrong, attribute, expect, first_of, on, served, spans_received, trace_of, wrong,
};
use crate::evidence::{Evidence, Exchange, Purpose, Run};
use crate::verdict::Expectation;
use otlp::model::{SpanKind, StatusCode};

/// Clocks of two spans of a process may differ by so many nanoseconds.
const CLOCK_TOLERANCE: u64 = 1_000_000;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let calm = &evidence.calm;
    let handson = || calm.exchanges.iter().filter(|exchange| exchange.path == "/handson");
    if let Some(failed) = none_at_all(calm).or_else(|| continued_nowhere(calm)) {
        return vec![failed];
    }
    vec![
        expect(
            "exactly one SERVER span for each request, named GET /handson, in the caller's trace and below its span",
            first_of(handson(), |exchange| one_server_span(calm, exchange)),
        ),
        expect(
            "http.request.method, http.route, url.path, url.scheme, server.address, server.port, client.address, \
             network.protocol.version, user_agent.original and http.response.status_code, with their types",
            first_of(served(evidence), |served| on(served.server, attributes(&served))),
        ),
        expect(
            "one handson.sleep50microsec lies below it, within its time and without an error",
            first_of(served(evidence), |served| sleeps_below(&served)),
        ),
        expect(
            "a 500 gives it the status Error and error.type; a 200 leaves the status unset",
            first_of(served(evidence), |served| on(served.server, status(&served))),
        ),
        expect(
            "the answer's header traceresponse names the SERVER span: 00-<trace id>-<span id>-01",
            first_of(served(evidence), |served| trace_response(&served)),
        ),
        expect(
            "the body of a 500 holds the trace_id",
            first_of(served(evidence).filter(|served| served.status >= 500), |served| {
                trace_id_in_body(&served)
            }),
        ),
        expect("/healthz makes no span", {
            let health = calm.exchanges.iter().filter(|exchange| exchange.purpose == Purpose::Health);
            first_of(health, |exchange| {
                let trace = trace_of(&calm.telemetry, exchange).filter(|trace| !trace.spans.is_empty())?;
                wrong(trace.tree(), "A health check is no request of a user: add its route after the layer, or leave it out there.")
            })
            .or_else(|| {
                let route = calm.telemetry.spans.iter().find(|span| span.name.contains("/healthz"))?;
                wrong(&route.name, "A health check is no request of a user: add its route after the layer, or leave it out there.")
            })
        }),
    ]
}

fn none_at_all(run: &Run) -> Option<Expectation> {
    if run.telemetry.spans.iter().any(|span| span.kind == SpanKind::Server) {
        return None;
    }
    let (seen, cause) = spans_received(&run.telemetry);
    let cause = match run.telemetry.spans.is_empty() {
        true => cause,
        false => "No span has the kind SERVER: put the layer around the router in src/main.rs, and give it a tracer provider. The kind is set when the span is \
                  built; it cannot be changed later."
            .to_owned(),
    };
    Some(Expectation::failed("a SERVER span named GET /handson for each request", seen, cause))
}

/// Where SERVER spans come, but not one in a trace of ours: no propagator, most likely.
fn continued_nowhere(run: &Run) -> Option<Expectation> {
    let span = run.telemetry.spans.iter().find(|span| span.kind == SpanKind::Server)?;
    let ours =
        |id: &str| run.exchanges.iter().filter_map(|e| e.parent.as_ref()).any(|parent| parent.trace_id == id);
    if run.telemetry.spans.iter().any(|span| span.kind == SpanKind::Server && ours(&span.trace_id)) {
        return None;
    }
    Some(Expectation::failed(
        "the SERVER span continues the trace that the caller's traceparent names",
        run.telemetry.trace(&span.trace_id).tree(),
        "Each request starts a trace of its own: give the layer a propagator (with_propagator), or extract the parent from \
         the request's headers yourself.",
    ))
}

fn one_server_span(run: &Run, exchange: &Exchange) -> Option<Wrong> {
    let Some(trace) = trace_of(&run.telemetry, exchange) else {
        return wrong(
            "a request without traceparent was answered without traceresponse",
            "Put the header traceresponse on every answer, with the ids of the SERVER span.",
        );
    };
    let servers = trace.of_kind(SpanKind::Server);
    let [server] = servers[..] else {
        if trace.spans.is_empty() {
            return wrong(
                trace.tree(),
                "This request has no span: is the layer around every route, and none lost at the end?",
            );
        }
        let cause = if servers.is_empty() {
            "The span of a request has the kind SERVER: set it when the span is built, for it cannot be changed later."
        } else {
            "Two layers make a SERVER span each; keep one."
        };
        return wrong(trace.tree(), cause);
    };
    let parent = exchange.parent.as_ref().map(|parent| parent.span_id.as_str());
    if server.parent_span_id.as_deref() != parent {
        let cause = match parent {
            Some(parent) => {
                format!("Its parent should be the caller's span {parent}, from the header traceparent.")
            }
            None => "Without traceparent it is a root, and has no parent.".to_owned(),
        };
        return wrong(trace.tree(), cause);
    }
    if server.name != "GET /handson" {
        return wrong(
            &server.name,
            "The name is the method and the route, GET /handson: axum's MatchedPath is the route.",
        );
    }
    None
}

fn attributes(served: &Served<'_>) -> Option<Wrong> {
    let about = &served.server.attributes;
    let status = Want::Int(i64::from(served.status));
    let wanted: [(&str, Want<'_>, &[&str]); 10] = [
        ("http.request.method", Want::Text("GET"), &["http.method"]),
        ("http.route", Want::Text("/handson"), &[]),
        ("url.path", Want::Text("/handson"), &["http.target"]),
        ("url.scheme", Want::Text("http"), &["http.scheme"]),
        ("server.address", Want::Text("127.0.0.1"), &["net.host.name", "http.host"]),
        ("server.port", Want::AnyInt, &["net.host.port"]),
        ("client.address", Want::Text("127.0.0.1"), &["net.sock.peer.addr", "http.client_ip"]),
        ("network.protocol.version", Want::Text("1.1"), &["http.flavor"]),
        ("user_agent.original", Want::Text("workshop"), &["http.user_agent"]),
        ("http.response.status_code", status, &["http.status_code"]),
    ];
    wanted.iter().find_map(|(key, want, old)| attribute(about, key, want, old))
}

fn sleeps_below(served: &Served<'_>) -> Option<Wrong> {
    let sleeps = served.trace.named("handson.sleep50microsec");
    let below: Vec<_> = sleeps.iter().filter(|span| served.trace.is_below(span, served.server)).collect();
    let [sleep] = below[..] else {
        let cause = if below.is_empty() {
            "The handler runs outside the span's context: run the rest of the request with it (`.with_context(…)` of \
             opentelemetry's FutureExt, or `.instrument(…)` of tracing)."
        } else {
            "A request sleeps once: do an attribute and a span by hand both make a span, or do several requests share a trace?"
        };
        return wrong(served.trace.tree(), cause);
    };
    let server = served.server;
    if sleep.start + CLOCK_TOLERANCE < server.start || sleep.end > server.end + CLOCK_TOLERANCE {
        return wrong(
            format!("it does not lie within the SERVER span's time\n{}", served.trace.tree()),
            "The SERVER span begins when the request arrives, and ends when the answer is complete: end it after the handler.",
        );
    }
    (sleep.status == StatusCode::Error).then(|| {
        (
            served.trace.tree(),
            "The sleep does not fail, even if its request does: leave its status unset.".to_owned(),
        )
    })
}

fn status(served: &Served<'_>) -> Option<Wrong> {
    let span = served.server;
    match (served.status >= 500, span.status) {
        (true, StatusCode::Error) => attribute(&span.attributes, "error.type", &Want::AnyText, &[]),
        (true, status) => wrong(
            format!("status {status:?} though the answer is {}", served.status),
            "An answer of 500 and above is a failure of the server: set Status::error.",
        ),
        (false, StatusCode::Error) => {
            wrong("status Error though the answer is 200", "Only 5xx is an error of the server.")
        }
        (false, _) => None,
    }
}

fn trace_response(served: &Served<'_>) -> Option<Wrong> {
    let want = format!("00-{}-{}-01", served.server.trace_id, served.server.span_id);
    let header = served.exchange.answer.as_ref().ok()?.header("traceresponse");
    if header == Some(&want) {
        return None;
    }
    let seen = header.unwrap_or("no header traceresponse");
    wrong(seen, format!("It should be {want}: version, trace id, span id of the SERVER span, flags."))
}

fn trace_id_in_body(served: &Served<'_>) -> Option<Wrong> {
    let body = &served.exchange.answer.as_ref().ok()?.body;
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    if json["trace_id"] == served.server.trace_id.as_str() {
        return None;
    }
    wrong(
        body,
        format!(
            "problem.rs should put the id of the current trace into the body: {}.",
            served.server.trace_id
        ),
    )
}

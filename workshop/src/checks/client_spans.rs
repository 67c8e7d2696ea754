//! Step 4: CLIENT spans for the calls of httpbin, which send their ids along.

use super::words::{Served, Want, Wrong, attribute, expect, first_of, no_server_spans, on, served_in, wrong};
use crate::evidence::{Evidence, Purpose};
use crate::verdict::Expectation;
use otlp::model::{Span, SpanKind, StatusCode};

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let all = || served_in(&evidence.calm);
    let alone = || all().filter(|served| served.exchange.purpose == Purpose::Alone);
    let counted = expect(
        "four CLIENT spans below the SERVER span of each request: GET, GET, POST and PUT",
        first_of(all(), |served| four_calls(&served)),
    );
    if !counted.is_met() {
        return vec![counted];
    }
    vec![
        counted,
        expect(
            "the first ends before the three others begin, and those overlap",
            first_of(alone(), |served| order(&served)),
        ),
        expect(
            "http.request.method, url.full, server.address, server.port, http.response.status_code and \
             network.protocol.version, with their types",
            first_of(all(), |served| calls(&served).into_iter().find_map(|span| on(span, attributes(span)))),
        ),
        expect(
            "httpbin gets a traceparent with each call, which names the CLIENT span of that call",
            first_of(alone(), |served| propagation(&served)),
        ),
        expect("a call that httpbin answers with 503 has the status Error and error.type", {
            let failing =
                served_in(&evidence.errors).filter(|s| s.exchange.purpose == Purpose::UpstreamFails);
            first_of(failing, |served| failed_call(&served))
        }),
    ]
}

/// CLIENT spans of HTTP; those of the database are another step's.
fn calls<'a>(served: &Served<'a>) -> Vec<&'a Span> {
    let spans = served.trace.of_kind(SpanKind::Client).into_iter();
    spans.filter(|span| !span.attributes.0.iter().any(|(key, _)| key.starts_with("db."))).collect()
}

fn method(span: &Span) -> &str {
    span.attributes.text("http.request.method").or(span.attributes.text("http.method")).unwrap_or(&span.name)
}

fn four_calls(served: &Served<'_>) -> Option<Wrong> {
    let calls = calls(served);
    let mut methods: Vec<&str> = calls.iter().map(|span| method(span)).collect();
    methods.sort_unstable();
    if methods != ["GET", "GET", "POST", "PUT"] {
        let internal = served
            .trace
            .of_kind(SpanKind::Internal)
            .iter()
            .any(|span| span.attributes.text("url.full").is_some());
        let cause = if internal {
            "The spans of the calls have the kind INTERNAL: set CLIENT when the span is built."
        } else if served
            .run
            .telemetry
            .spans
            .iter()
            .any(|span| span.kind == SpanKind::Client && span.parent_span_id.is_none())
        {
            "CLIENT spans come, but in traces of their own: the middleware starts them outside the request's context, which \
             is lost over tokio::spawn, or never made current by the server layer."
        } else {
            "Add the middleware to the client in src/main.rs; every call goes through it once."
        };
        return wrong(served.trace.tree(), cause);
    }
    let stray = calls.iter().find(|span| !served.trace.is_below(span, served.server))?;
    wrong(
        format!("{} is not below GET /handson\n{}", stray.name, served.trace.tree()),
        "The context was lost on the way, over try_join! or spawn: a guard that is held over an .await, or a span entered \
         in another task. Instrument the future instead.",
    )
}

fn order(served: &Served<'_>) -> Option<Wrong> {
    let mut calls = calls(served);
    calls.sort_by_key(|span| span.start);
    let (first, others) = calls.split_first()?;
    if first.end > others.iter().map(|span| span.start).min()? {
        return wrong(
            served.trace.tree(),
            "The first call's span is still open when the others begin: end it when the answer is there.",
        );
    }
    if others.iter().map(|span| span.start).max()? >= others.iter().map(|span| span.end).min()? {
        return wrong(
            served.trace.tree(),
            "The three calls ran at the same time, and their spans do not: each span must last from its call's start to its \
             answer.",
        );
    }
    None
}

fn attributes(span: &Span) -> Option<Wrong> {
    let about = &span.attributes;
    let wanted: [(&str, Want<'_>, &[&str]); 6] = [
        ("http.request.method", Want::AnyText, &["http.method"]),
        ("url.full", Want::AnyText, &["http.url"]),
        ("server.address", Want::Text("127.0.0.1"), &["net.peer.name"]),
        ("server.port", Want::AnyInt, &["net.peer.port"]),
        ("http.response.status_code", Want::Int(200), &["http.status_code"]),
        ("network.protocol.version", Want::Text("1.1"), &["http.flavor"]),
    ];
    wanted.iter().find_map(|(key, want, old)| attribute(about, key, want, old))
}

fn propagation(served: &Served<'_>) -> Option<Wrong> {
    let spans = calls(served);
    let mut named = Vec::new();
    for call in served.run.upstream_of(served.index) {
        let about = format!("{} {}", call.method, call.path);
        let Some(header) = call.header("traceparent") else {
            return wrong(
                format!("{about} came without traceparent"),
                "Give the layers a propagator (with_propagator), or inject the span's context into the request's headers \
                 with opentelemetry_http::HeaderInjector.",
            );
        };
        let parts: Vec<&str> = header.split('-').collect();
        let (trace, parent) =
            (parts.get(1).copied().unwrap_or_default(), parts.get(2).copied().unwrap_or_default());
        let seen = format!("{about} came with traceparent: {header}\n{}", served.trace.tree());
        if trace != served.trace.id {
            return wrong(
                seen,
                "It names another trace than the request's: the context is not this request's.",
            );
        }
        let Some(span) = spans.iter().find(|span| span.span_id == parent) else {
            return wrong(
                seen,
                "It names a span that is not the CLIENT span of the call, such as the SERVER span: inject the context of the \
                 span that was just started, and not the current one.",
            );
        };
        if method(span) != call.method || named.contains(&parent) {
            return wrong(seen, "It names the CLIENT span of another call: each call injects its own.");
        }
        named.push(parent);
    }
    None
}

fn failed_call(served: &Served<'_>) -> Option<Wrong> {
    let calls = calls(served);
    let Some(span) = calls.iter().find(|span| method(span) == "POST") else {
        return wrong(served.trace.tree(), "A call that fails has its CLIENT span too.");
    };
    let found = match span.status {
        StatusCode::Error => attribute(&span.attributes, "error.type", &Want::AnyText, &[]).or_else(|| {
            attribute(&span.attributes, "http.response.status_code", &Want::Int(503), &["http.status_code"])
        }),
        status => {
            wrong(format!("status {status:?}"), "For a client, 400 and above is an error: set Status::error.")
        }
    };
    on(span, found)
}

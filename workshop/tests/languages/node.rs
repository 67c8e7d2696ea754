//! A program in Node without a line of instrumentation. The list has what is judged wrong: what
//! auto-instrumentation cannot know, or does in another way than the workshop teaches. All else is judged
//! right.

use workshop::checks;

use super::{evidence, failures, report, root};

/// The expectations that are not met: step, words of the expectation, and the reason.
const WRONG: &[(&str, &str, &str)] = &[
    ("first-span", "one span", "a function of the program's own has no span"),
    ("server-spans", "exactly one SERVER span", "a root names no trace, without traceresponse"),
    ("server-spans", "each with the request's own value", "the SERVER span of a 5xx lacks error.type"),
    ("server-spans", "one handson.sleep50microsec is below it", "as above, it has no span"),
    ("server-spans", "header traceresponse names", "no propagator of Node writes it"),
    ("server-spans", "each response has the header traceresponse", "the same"),
    ("server-spans", "the body of a 500", "the program does not know of traces"),
    ("server-spans", "/healthz", "all routes are traced: it is not told which are of users"),
    ("server-spans", "malformed starts a new trace", "a root names no trace, without traceresponse"),
    ("server-spans", "running at SIGTERM", "the SDK is shut down when the signal comes, and not after it"),
    ("db-spans", "one CLIENT span of the database", "there is no instrumentation for SQLite in WebAssembly"),
    ("log-correlation", "each request has its dbQuery line", "pino's lines get trace_id and span_id only"),
    ("log-correlation", "every line of a request", "the same"),
    ("log-correlation", "running at SIGTERM", "the SDK is shut down when the signal comes, and not after it"),
    ("errors", "a random error has one exception event", "each layer of express records it"),
    ("errors", "it happens in an INTERNAL span", "a function of the program's own has no span"),
    ("errors", "has this span once, after its query", "the same"),
    ("errors", "of type HttpbinError", "a status is no exception of fetch; express records it"),
    ("errors", "a call gets no answer", "each layer of express records it, as above"),
    (
        "errors",
        "each failure is one log record",
        "pino's field `error` is one attribute, and not exception.*",
    ),
    ("errors", "if the query fails", "the same"),
    ("metrics", "http.server.request.duration", "/healthz is counted"),
    ("metrics", "db.client.operation.duration", "there is no instrumentation for SQLite in WebAssembly"),
    ("metrics", "up-down counter", "http.server.active_requests is not recorded"),
    ("metrics", "counts a request while it runs", "the same"),
    ("metrics", "answered after SIGTERM", "the SDK is shut down when the signal comes, and not after it"),
    ("metrics", "the health check is not counted", "it is"),
    ("alert", "monitor.toml", "the program has none"),
];

#[test]
#[ignore = "needs Node and the packages of node/package-lock.json; run with --ignored"]
fn auto_instrumentation_is_judged_wrong_only_for_a_reason() {
    let evidence = evidence("sh start.sh", &root().join("workshop/tests/languages/node"));
    let mut reasons = WRONG.to_vec();
    let mut unlisted = String::new();
    for step in checks::ids().filter(|step| checks::judge(step, &evidence).is_some()) {
        for failure in failures(step, &evidence) {
            let expected = failure.expected.to_string();
            match reasons.iter().position(|(of, words, _)| *of == step && expected.contains(words)) {
                Some(reason) => drop(reasons.remove(reason)),
                None => unlisted.push_str(&format!("{step}\n{}\n", report(&[failure]))),
            }
        }
    }
    assert!(
        unlisted.is_empty() && reasons.is_empty(),
        "not in the list:\n{unlisted}judged right: {reasons:#?}"
    );
}

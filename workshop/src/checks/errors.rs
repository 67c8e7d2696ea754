//! Step 7: failures are recorded once, where they happen.

mod lines;
mod stack;

use std::collections::BTreeSet;

use super::assert::{Check, each, ensure, fail};
use super::attributes::is_kind;
use super::log_lines::Logged;
use super::requests::{
    CLOCK_TOLERANCE, Served, fails_at_the_query, is_in_place, lost_or_not_sampled, no_server_spans,
    served_in, span_tolerance, tree,
};
use super::unusual::WITHOUT_ANSWER;
use crate::evidence::{Evidence, Purpose};
use crate::messages::Message;
use crate::text;
use crate::verdict::Expectation;
use otlp::model::{Event, Span, SpanKind, StatusCode};
use stack::{is_stack, places};

const EXCEPTION: [&str; 3] = ["exception.type", "exception.message", "exception.stacktrace"];

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let [calm, errors] = [&evidence.calm, &evidence.errors].map(|run| served_in(run).collect::<Vec<_>>());
    let served = || calm.iter().chain(&errors);
    let failed = || errors.iter().filter(|served| served.status >= 500);
    let by_chance = || failed().filter(|served| !served.stopped_at_httpbin());
    let by_httpbin = || failed().filter(|served| served.stopped_at_httpbin());
    let logged = [&evidence.calm, &evidence.errors].map(Logged::by_run);
    let lines = lines::errors(&logged);
    let without_answer: Vec<Served<'_>> = served_in(&evidence.unusual).filter(is_without_answer).collect();
    let without_query: Vec<Served<'_>> = served_in(&evidence.unusual).filter(fails_at_the_query).collect();
    let unusual = [Logged::by_run(&evidence.unusual)];
    let unusual_lines = lines::errors(&unusual);
    let rate = format!("{:.0} %", evidence.errors.error_rate * 100.0);
    vec![
        Expectation::new(
            text!("about {rate} of the requests fail, as RANDOM_ERROR_RATE sets", rate),
            is_the_rate(evidence),
        ),
        Expectation::new(
            text!("a random error has one exception event in its trace, on a span that has the status Error"),
            each(by_chance(), |served| has_one_exception(served, Some("RandomError"))),
        ),
        Expectation::new(
            text!("it happens in an INTERNAL span handson.randomError, which has the event"),
            each(by_chance(), |served| is_on_its_span(served)),
        ),
        Expectation::new(
            text!(
                "each request that gets this far has this span once, after its query, whether it fails or not"
            ),
            each(served().filter(|served| !served.stopped_at_httpbin()), |served| has_its_step(served)),
        ),
        Expectation::new(
            text!(
                "exception.type, exception.message and exception.stacktrace are strings that say what happened"
            ),
            each(failed(), |served| each(exceptions(served), |(_, event)| describes_the_failure(event)))
                .and_then(|()| {
                    stacks_differ(by_chance(), by_httpbin(), "exception.stacktrace", stack_of_event)
                }),
        ),
        Expectation::new(
            text!(
                "if httpbin fails, there is also one exception event of type HttpbinError on the CLIENT span of the failed call"
            ),
            each(by_httpbin(), |served| {
                has_one_exception(served, Some("HttpbinError")).and_then(|()| is_on_the_call(served))
            }),
        ),
        Expectation::new(
            text!("the SERVER span of a request that failed has the status Error"),
            each(failed(), |served| {
                ensure!(
                    served.server.status == StatusCode::Error,
                    tree(&served.trace),
                    text!("If the answer is a 500, the SERVER span must have the status Error.")
                );
                Ok(())
            }),
        ),
        Expectation::new(
            text!("a span in which nothing failed has neither the status Error nor an exception event"),
            each(served(), |served| only_failures_are_marked(served)),
        ),
        Expectation::new(
            text!(
                "each failure is one line at ERROR with error: {{kind, message, stack}}, and the ids of its trace"
            ),
            each(failed(), |served| lines::is_logged_once(served, &lines)).and_then(|()| {
                stacks_differ(by_chance(), by_httpbin(), "error.stack", |served| lines::stack(served, &lines))
            }),
        ),
        Expectation::new(
            text!(
                "each failure is one log record at ERROR with exception.type, exception.message and exception.stacktrace"
            ),
            each(failed(), |served| lines::is_sent_once(served, &lines)),
        ),
        Expectation::new(
            text!(
                "if a call gets no answer, there is also one exception event on its CLIENT span, one line and one log record at ERROR"
            ),
            each(&without_answer, |served| {
                has_one_exception(served, None)?;
                is_on_the_call(served)?;
                each(exceptions(served), |(_, event)| describes_the_failure(event))?;
                lines::has_one_line(served, &unusual_lines)?;
                lines::is_sent_once(served, &unusual_lines)
            }),
        ),
        Expectation::new(
            text!(
                "if the query fails, there is an exception event on a span below the SERVER span, and one line and one log record at ERROR"
            ),
            each(&without_query, |served| {
                fails_below_the_request(served)?;
                lines::has_one_line(served, &unusual_lines)?;
                lines::is_sent_once(served, &unusual_lines)
            }),
        ),
        Expectation::new(
            text!("a request that succeeds has no exception event, and no line at ERROR"),
            each(served().filter(|served| served.status < 500), |served| {
                ensure!(
                    exceptions(served).is_empty(),
                    tree(&served.trace),
                    text!("It is recorded though nothing failed.")
                );
                lines::is_not_logged(served, &lines)
            }),
        ),
    ]
}

/// The check allows five standard deviations of a binomial distribution, so a correct rate practically never
/// fails.
fn is_the_rate(evidence: &Evidence) -> Check {
    let alone = evidence.errors.answered().filter(|(exchange, _)| exchange.purpose == Purpose::Alone);
    let statuses: Vec<u16> = alone.map(|(_, answer)| answer.status).collect();
    let (requests, rate) = (statuses.len() as f64, evidence.errors.error_rate);
    let failures = statuses.iter().filter(|status| **status == 500).count();
    let (expected, bound) = (requests * rate, 5.0 * (requests * rate * (1.0 - rate)).sqrt());
    ensure!(
        (failures as f64 - expected).abs() <= bound,
        text!(
            "{failures} of {requests} requests failed, expected {expected} ± {bound}",
            failures,
            requests = statuses.len(),
            expected = format!("{expected:.0}"),
            bound = format!("{bound:.0}")
        ),
        text!(
            "src/fault_injector.rs decides by RANDOM_ERROR_RATE, once for each request; any response that is not 200 is a 500."
        )
    );
    Ok(())
}

fn exceptions<'a>(served: &Served<'a>) -> Vec<(&'a Span, &'a Event)> {
    // A cancelled call may record its cancellation.
    let is_cancelled = |span: &Span| served.call_of(span).is_some_and(|call| served.cancelled(call));
    let spans = served.trace.spans.iter().copied().filter(|span| !is_cancelled(span));
    spans
        .flat_map(|span| span.events.iter().filter(|e| e.name == "exception").map(move |event| (span, event)))
        .collect()
}

fn stack_of_event<'a>(served: &Served<'a>) -> Option<&'a str> {
    exceptions(served).first().and_then(|(_, event)| event.attributes.text("exception.stacktrace"))
}

/// `kind` is the type of the exception; `None` if a library may have recorded it, with a type of its own.
fn has_one_exception(served: &Served<'_>, kind: Option<&str>) -> Check {
    let found = exceptions(served);
    let [(span, event)] = found[..] else {
        if found.is_empty() {
            return fail(
                text!("no exception event\n{tree}", tree = served.trace.tree()),
                cause_of_no_event(kind.unwrap_or("HttpbinError")),
            );
        }
        let places: Vec<&str> = found.iter().map(|(span, _)| span.name.as_str()).collect();
        return fail(
            text!(
                "{count} exception events, on {places}\n{tree}",
                count = found.len(),
                places = places.join(", "),
                tree = served.trace.tree()
            ),
            text!("It is recorded again in the callers: record a failure where it happens, and only there."),
        );
    };
    ensure!(
        span.status == StatusCode::Error,
        text!(
            "the event is on {name}, whose status is {status}",
            name = &span.name,
            status = format!("{:?}", span.status)
        ),
        text!(
            "An event alone does not make a span fail: its status must be Error, too. exception::record sets both."
        )
    );
    let seen = event.attributes.text("exception.type");
    if let Some(kind) = kind {
        ensure!(
            seen.is_none_or(|seen| is_kind(seen, kind)),
            text!("exception.type = {seen}", seen = format!("{seen:?}")),
            text!("It should be {kind}: ErrorKind::name() is the stable name.", kind)
        );
    }
    ensure!(
        event.time.saturating_add(CLOCK_TOLERANCE) >= span.start
            && event.time <= span.end.saturating_add(CLOCK_TOLERANCE),
        text!("the event is not within the time of its span\n{tree}", tree = served.trace.tree()),
        text!("The time of an event is when it happened, in nanoseconds since 1970; the SDK sets it.")
    );
    Ok(())
}

/// The likely cause if a failure of `kind` has no exception event.
fn cause_of_no_event(kind: &str) -> Message {
    if kind == "HttpbinError" {
        text!(
            "Make a CallSpan for each call in src/httpbin.rs, pass it to the request with .with_extension(…), and record the error \
             with it when the call or the reading of its body fails. An event that is added after the span has ended is lost."
        )
    } else {
        text!(
            "A status alone does not say why: record the error with instrumentation::exception::record, where it happens. An event \
             that is added after the span has ended is lost."
        )
    }
}

fn is_on_its_span(served: &Served<'_>) -> Check {
    let found = exceptions(served);
    let Some((span, _)) = found.first() else { return Ok(()) };
    ensure!(
        span.name == "handson.randomError"
            && span.kind == SpanKind::Internal
            && served.trace.is_below(span, served.server),
        text!(
            "the event is on {name} ({kind})\n{tree}",
            name = &span.name,
            kind = format!("{:?}", span.kind),
            tree = served.trace.tree()
        ),
        text!(
            "Give maybe_fail in src/fault_injector.rs its own span, handson.randomError, and record the error there."
        )
    );
    Ok(())
}

fn has_its_step(served: &Served<'_>) -> Check {
    let cause = || {
        text!(
            "Give maybe_fail in src/fault_injector.rs its own span, handson.randomError, and record the error there."
        )
    };
    let found = served.trace.named("handson.randomError");
    let [span] = found[..] else {
        let mut others = served.run.telemetry.spans.iter();
        let others_have_it = others.any(|span| span.name == "handson.randomError");
        let is_lost = found.is_empty() && others_have_it;
        return fail(tree(&served.trace), if is_lost { lost_or_not_sampled() } else { cause() });
    };
    ensure!(
        span.kind == SpanKind::Internal,
        text!("handson.randomError has the kind {kind}", kind = format!("{:?}", span.kind)),
        text!("It is a function of the service, so its kind is INTERNAL.")
    );
    is_in_place(served, span)?;
    let query = served.trace.named("handson.dbQuery").first().copied();
    ensure!(
        query.is_none_or(|query| span.start.saturating_add(span_tolerance(span, query)) >= query.end),
        tree(&served.trace),
        text!(
            "The error is decided after the query: start this span when its function runs, and end handson.dbQuery when the query is over, not \
             when its request ends."
        )
    );
    ensure!(
        served.status >= 500 || span.attributes.get("error.type").is_none(),
        text!("error.type on handson.randomError, though nothing failed"),
        text!("error.type is the class of a failure: leave it out if nothing failed.")
    );
    Ok(())
}

fn is_on_the_call(served: &Served<'_>) -> Check {
    let found = exceptions(served);
    let Some((span, _)) = found.first() else { return Ok(()) };
    let refused = served.run.upstream_of(served.index).find(|call| call.status >= 400);
    let is_of_the_call =
        refused.and_then(|call| call.traceparent()).is_none_or(|(_, parent)| parent == span.span_id);
    ensure!(
        span.kind == SpanKind::Client && is_of_the_call,
        text!(
            "the event is on {name} ({kind})\n{tree}",
            name = &span.name,
            kind = format!("{:?}", span.kind),
            tree = served.trace.tree()
        ),
        text!("It happened in the call of httpbin: record it on the CLIENT span of that call.")
    );
    Ok(())
}

/// A driver may record its own error on the query's span, without a stack, and the program one around it.
fn fails_below_the_request(served: &Served<'_>) -> Check {
    let found = exceptions(served);
    let Some((last, _)) = found.last() else {
        return fail(
            text!("no exception event\n{tree}", tree = served.trace.tree()),
            cause_of_no_event("DatabaseError"),
        );
    };
    let is_below = |span: &Span| span.kind != SpanKind::Server && span.status == StatusCode::Error;
    let below: Vec<&Event> =
        found.iter().filter(|(span, _)| is_below(span)).map(|(_, event)| *event).collect();
    ensure!(
        !below.is_empty(),
        text!(
            "the event is on {name}, whose status is {status}",
            name = &last.name,
            status = format!("{:?}", last.status)
        ),
        text!("It happened in the query: record it there, or on handson.dbQuery, with the status Error.")
    );
    if below.iter().any(|event| describes_the_failure(event).is_ok()) {
        return Ok(());
    }
    each(below, describes_the_failure)
}

fn describes_the_failure(event: &Event) -> Check {
    for key in EXCEPTION {
        let seen = event.attributes.get(key).map_or("missing".to_owned(), ToString::to_string);
        ensure!(
            event.attributes.text(key).is_some_and(|text| !text.is_empty()),
            text!("{key} is {seen}", key, seen),
            text!(
                "All three should be non-empty strings. exception::record writes them from `impl Exception for Error`; the \
                 exception event of tracing-opentelemetry has no type, and an array for the stack."
            )
        );
    }
    let [kind, message, stack] = EXCEPTION.map(|key| event.attributes.text(key).unwrap_or_default());
    ensure!(
        is_descriptive(message),
        text!("exception.message is {seen}", seen = format!("{message:?}")),
        text!("One word does not say what happened: the message is that of the error.")
    );
    ensure!(
        is_stack(stack, kind, message),
        text!("exception.stacktrace is {seen}", seen = format!("{stack:?}")),
        cause_of_no_stack()
    );
    Ok(())
}

/// Two failures in different places of the program cannot have the same stack. `stack` returns that of a
/// failure, which the program calls `name`.
fn stacks_differ<'a: 'b, 'b, 'c>(
    by_chance: impl Iterator<Item = &'b Served<'a>>,
    by_httpbin: impl Iterator<Item = &'b Served<'a>>,
    name: &'static str,
    stack: impl Fn(&Served<'a>) -> Option<&'c str>,
) -> Check {
    let of_random_errors: BTreeSet<BTreeSet<String>> = by_chance.filter_map(&stack).map(places).collect();
    each(by_httpbin, |served| {
        let own = stack(served).unwrap_or_default();
        let places = places(own);
        ensure!(
            places.is_empty() || !of_random_errors.contains(&places),
            text!(
                "a RandomError and an HttpbinError have the same places in {name}:\n{stack}",
                name,
                stack = own
            ),
            text!(
                "They happen in different places: take the stack of each failure where it happens, not where it is logged, and keep none for the \
                 next one."
            )
        );
        Ok(())
    })
}

/// Whether a request failed because its call got no answer.
fn is_without_answer(served: &Served<'_>) -> bool {
    matches!(served.exchange.purpose, Purpose::Unusual(kind) if WITHOUT_ANSWER.contains(&kind))
}

fn cause_of_no_stack() -> Message {
    text!(
        "A stack says where it happened: the frames of the language, or the chain of causes, one per line, each with its place in the \
         source. This one says no more than the message."
    )
}

/// Whether a message is more than one word. Not all languages have spaces.
fn is_descriptive(text: &str) -> bool {
    text.split_whitespace().nth(1).is_some() || text.contains(':') || !text.is_ascii()
}

/// A failure may mark only the span in which it happened, and the spans around it.
fn only_failures_are_marked(served: &Served<'_>) -> Check {
    let failed = exceptions(served);
    let refused =
        |span: &Span| served.call_of(span).is_some_and(|call| call.status >= 400 || served.cancelled(call));
    // A library may make spans for the parts of a call, such as the connection. What happened in them is
    // unknown.
    let is_part_of_a_call = |span: &Span| {
        let mut calls = served.trace.spans.iter().filter(|call| served.call_of(call).is_some());
        calls.any(|call| call.span_id != span.span_id && served.trace.is_below(span, call))
    };
    let is_failure = |span: &Span| {
        served.status >= 500
            && (span.kind == SpanKind::Server
                || refused(span)
                // Frameworks may have their own spans for the response.
                || span.attributes.int("http.response.status_code").is_some_and(|status| status >= 500)
                || failed.iter().any(|(place, _)| {
                    place.span_id == span.span_id || served.trace.is_below(place, span)
                })
                // A call may have been cancelled before it was sent.
                || (served.stopped_at_httpbin() && span.kind == SpanKind::Client && served.call_of(span).is_none()))
    };
    let marked = served.trace.spans.iter().filter(|span| span.status == StatusCode::Error);
    each(marked.filter(|span| !is_part_of_a_call(span)), |span| {
        ensure!(
            is_failure(span),
            text!("{name} has the status Error\n{tree}", name = &span.name, tree = served.trace.tree()),
            text!(
                "Nothing failed in this span: a failure marks the span in which it happened, and those around it."
            )
        );
        Ok(())
    })
}

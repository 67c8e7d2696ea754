//! Step 2: a span made by hand, which is exported over OTLP and never lost.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::assert::{Check, each, ensure, fail, ms, on};
use super::requests::{CLOCK_TOLERANCE, spans_received};
use super::resource::resource_is_right;
use crate::evidence::{Evidence, Run};
use crate::messages::Message;
use crate::text;
use crate::verdict::Expectation;
use otlp::model::{Span, SpanKind, Value};

const NAME: &str = "handson.sleep50microsec";

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let calm = &evidence.calm;
    let runs = [calm, &evidence.errors];
    let requests = calm.answered().count();
    let received = text!(
        "one span {name} for each of the {requests} requests, all of them received after SIGTERM",
        name = NAME,
        requests
    );
    if sleeps(calm).next().is_none() {
        return vec![Expectation::new(received, Err(spans_received(&calm.telemetry)))];
    }
    vec![
        Expectation::new(received, is_one_per_request(calm)),
        Expectation::new(
            text!("it is INTERNAL, has ids, and lasts 50 µs or longer, but not longer than a request"),
            each(runs, |run| each(sleeps(run), |span| on(span, is_a_sleep(span, run)))),
        )
        .with_advice(noise(&calm.telemetry.spans)),
        Expectation::new(
            text!("its resource names service, version and environment"),
            each(runs, |run| {
                each(&run.telemetry.spans, |span| resource_is_right(&span.resource, &evidence.backend))
            }),
        ),
        Expectation::new(text!("each span names the library that made it"), each(runs, scopes_are_named)),
        Expectation::new(
            text!("the receiver rejects nothing that the service sends"),
            each(runs, |run| match run.telemetry.refused.first() {
                None => Ok(()),
                Some(refused) => fail(
                    refused.clone(),
                    text!("An exporter sends to a wrong path, or something that is not OTLP."),
                ),
            }),
        ),
        Expectation::new(
            text!("none is lost under load either: one for each request of the run with errors"),
            is_one_per_request(&evidence.errors),
        ),
        Expectation::new(
            text!("no two starts of the program give spans the same ids"),
            ids_differ(calm, &evidence.errors),
        ),
    ]
}

/// Attributes that describe the program and not the work; they are in every span, and have the same value in
/// most.
const NOISE: [&str; 4] = ["busy_ns", "idle_ns", "thread.id", "thread.name"];
/// The file of the source. An absolute path is that of a folder on the machine that has built the program.
const SOURCE_FILES: [&str; 2] = ["code.file.path", "code.filepath"];

/// Advice to leave out what says nothing about the work.
fn noise(spans: &[Span]) -> Option<Message> {
    let is_noise = |key: &str, value: &Value| {
        NOISE.contains(&key) || (SOURCE_FILES.contains(&key) && value.unquoted().starts_with('/'))
    };
    let (span, keys) = spans.iter().find_map(|span| {
        let noise = span.attributes.iter().filter(|(key, value)| is_noise(key, value));
        let keys: Vec<&str> = noise.map(|(key, _)| key).collect();
        (!keys.is_empty()).then_some((span, keys))
    })?;
    Some(text!(
        "{name} has {keys}, which cost memory in every span, and say where the program runs or was built, not what it did. In \
         tracing-opentelemetry, with_threads(false), with_location(false) and with_tracked_inactivity(false) leave them out.",
        name = &span.name,
        keys = keys.join(", ")
    ))
}

fn sleeps(run: &Run) -> impl Iterator<Item = &Span> {
    run.telemetry.spans.iter().filter(|span| span.name == NAME)
}

fn is_one_per_request(run: &Run) -> Check {
    let (spans, requests) = (sleeps(run).count(), run.answered().count());
    let seen = text!("{spans} spans for {requests} requests", spans, requests);
    match spans.cmp(&requests) {
        Ordering::Equal => each_span_arrives_once(run),
        Ordering::Less if is_missing_in_the_middle(run) => fail(
            seen,
            text!(
                "Requests without a span were answered before others whose spans arrived. So spans are not lost at \
                 the end: a sampler drops them (OTEL_TRACES_SAMPLER, or with_sampler), or a queue is full."
            ),
        ),
        Ordering::Less => fail(
            seen,
            text!(
                "The last spans are lost: shut the provider down when requests are over, and before the process ends. A provider \
                 that is merely dropped does not wait, and an exporter that is shut down alone loses what is queued."
            ),
        ),
        Ordering::Greater => each_span_arrives_once(run).and_then(|()| {
            fail(seen, text!("The sleep has more than one span: an attribute and a span by hand?"))
        }),
    }
}

/// If the same ids arrive twice, one span was sent twice.
fn each_span_arrives_once(run: &Run) -> Check {
    let mut seen = BTreeSet::new();
    each(&run.telemetry.spans, |span| {
        ensure!(
            seen.insert((span.trace_id.as_str(), span.span_id.as_str())),
            text!("the span {name} with the id {id} arrived twice", name = &span.name, id = &span.span_id),
            text!(
                "Every span is exported twice: are there two processors or two exporters, or is the layer on the subscriber twice?"
            )
        );
        Ok(())
    })
}

/// The ids of spans are random in each process.
fn ids_differ(one: &Run, other: &Run) -> Check {
    let ids: BTreeSet<&str> = one.telemetry.spans.iter().map(|span| span.span_id.as_str()).collect();
    each(&other.telemetry.spans, |span| {
        ensure!(
            !ids.contains(span.span_id.as_str()),
            text!(
                "the span {name} with the id {id} arrived in two runs",
                name = &span.name,
                id = &span.span_id
            ),
            text!(
                "The generator of random numbers starts with the same seed at every start, so traces of different processes are mixed. \
                 Seed it from the system."
            )
        );
        Ok(())
    })
}

/// Whether a request without a sleep span was answered before the start of the last request that has one. If
/// so, the span was not just lost at the end.
fn is_missing_in_the_middle(run: &Run) -> bool {
    let times: Vec<u64> = sleeps(run).map(|span| span.start).collect();
    let Some(last) = times.iter().max() else { return false };
    let alone = run.answered().filter(|(exchange, _)| exchange.answered < *last);
    let mut without = alone.filter(|(exchange, _)| {
        !times.iter().any(|start| (exchange.sent..=exchange.answered).contains(start))
    });
    without.next().is_some()
}

fn is_a_sleep(span: &Span, run: &Run) -> Check {
    ensure!(
        span.kind == SpanKind::Internal,
        text!("kind {kind}", kind = format!("{:?}", span.kind)),
        text!("Work inside the service has the kind INTERNAL, which is the default.")
    );
    let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    ensure!(
        !is_zero(&span.trace_id) && !is_zero(&span.span_id),
        text!("an id of zeros"),
        text!("The span was made by the no-op tracer: install the provider before you get a tracer.")
    );
    let took = span.duration();
    ensure!(
        took >= 50_000,
        text!("it lasts {time}", time = ms(took)),
        text!(
            "It ends before the sleep does. An async function is instrumented by #[tracing::instrument] or .instrument(…), or \
             the span is kept until after the .await."
        )
    );
    let longest = run.answered().map(|(exchange, _)| exchange.answered.saturating_sub(exchange.sent)).max();
    ensure!(
        took <= longest.unwrap_or(u64::MAX),
        text!("it lasts {time}, longer than any request", time = ms(took)),
        text!("It ends later than the sleep: the span is kept somewhere, or its guard is kept too long.")
    );
    ensure!(
        run.answered().any(|(exchange, _)| {
            exchange.sent <= span.start.saturating_add(CLOCK_TOLERANCE)
                && span.end <= exchange.answered.saturating_add(CLOCK_TOLERANCE)
        }),
        text!("it is not within the time of any request"),
        text!(
            "Start and end are times of the clock when the sleep begins and ends: not those of the program's start, and not a local \
             time."
        )
    );
    Ok(())
}

fn scopes_are_named(run: &Run) -> Check {
    each(&run.telemetry.spans, |span| {
        ensure!(
            !span.scope.name.is_empty(),
            text!("the instrumentation scope of the span {name} has no name", name = &span.name),
            text!(
                "Name the tracer, provider.tracer(\"…\"), after the library or the program that creates the span."
            )
        );
        Ok(())
    })
}

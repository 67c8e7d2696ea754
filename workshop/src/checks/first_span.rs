//! Step 2: a span by hand, sent over OTLP, and none lost.

use super::words::{Want, Wrong, attribute, expect, first_of, ms, on, spans_received, wrong};
use crate::evidence::Evidence;
use crate::verdict::Expectation;
use otlp::model::{Span, SpanKind};

const NAME: &str = "handson.sleep50microsec";

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let calm = &evidence.calm;
    let spans: Vec<&Span> = calm.telemetry.spans.iter().filter(|span| span.name == NAME).collect();
    let requests = calm.answered().count();
    let received =
        format!("one span {NAME} for each of the {requests} requests, all of them there after SIGTERM");
    if spans.is_empty() {
        let (seen, cause) = spans_received(&calm.telemetry);
        return vec![Expectation::failed(received, seen, cause)];
    }
    let shortest =
        calm.answered().map(|(exchange, _)| exchange.answered - exchange.sent).max().unwrap_or(u64::MAX);
    vec![
        expect(received, count(spans.len(), requests)),
        expect(
            "it is INTERNAL, has ids, and lasts 50 µs or longer, but not longer than a request",
            first_of(spans.iter().copied(), |span| on(span, one_sleep(span, shortest))),
        ),
        expect(
            "its resource names service, version and environment",
            first_of(spans.iter().take(1), |span| {
                let about = &span.resource;
                let backend = &evidence.backend;
                let environment = Want::Text(&backend.environment);
                attribute(about, "service.name", &Want::Text(&backend.service), &[])
                    .or_else(|| version(about.text("service.version"), &backend.version))
                    .or_else(|| {
                        attribute(
                            about,
                            "deployment.environment.name",
                            &environment,
                            &["deployment.environment"],
                        )
                    })
                    .or_else(|| attribute(about, "telemetry.sdk.language", &Want::AnyText, &[]))
                    .map(|(seen, cause)| (format!("in the resource: {seen}"), cause))
            }),
        ),
        expect(
            "the receiver refuses nothing that the service sends",
            calm.telemetry.refused.first().map(|refused| {
                (
                    refused.clone(),
                    "An exporter sends to a wrong path, or something that is no OTLP.".to_owned(),
                )
            }),
        ),
        expect("none is lost under load either: one for each request of the run with errors", {
            let spans = evidence.errors.telemetry.spans.iter().filter(|span| span.name == NAME).count();
            count(spans, evidence.errors.answered().count())
        }),
    ]
}

fn count(spans: usize, requests: usize) -> Option<Wrong> {
    let seen = format!("{spans} spans for {requests} requests");
    match spans.cmp(&requests) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => wrong(
            seen,
            "The last spans are lost: shut the provider down when requests are over, and before the process ends. A provider \
             that is merely dropped does not wait, and an exporter that is shut down alone loses what is queued.",
        ),
        std::cmp::Ordering::Greater => {
            wrong(seen, "The sleep has more than one span: an attribute and a span by hand?")
        }
    }
}

fn one_sleep(span: &Span, longest: u64) -> Option<Wrong> {
    let took = span.end.saturating_sub(span.start);
    if span.kind != SpanKind::Internal {
        return wrong(
            format!("kind {:?}", span.kind),
            "A piece of work inside the service is INTERNAL, which is the default.",
        );
    }
    if !span.trace_id.bytes().any(|digit| digit != b'0') || !span.span_id.bytes().any(|digit| digit != b'0') {
        return wrong(
            "an id of zeros",
            "The span was made by the no-op tracer: install the provider before you ask for one.",
        );
    }
    if took < 50_000 {
        return wrong(
            format!("it lasts {}", ms(took)),
            "It ends before the sleep does. An async function is instrumented by #[tracing::instrument] or .instrument(…), \
             or the span is kept until after the .await.",
        );
    }
    if took > longest {
        return wrong(
            format!("it lasts {}, longer than any request", ms(took)),
            "It ends later than the sleep: the span is kept somewhere, or its guard lives too long.",
        );
    }
    None
}

fn version(version: Option<&str>, package: &str) -> Option<Wrong> {
    match version {
        Some(version) if version.starts_with(package) => None,
        seen => wrong(
            format!("service.version = {seen:?}"),
            format!(
                "service.version begins with the package's version, {package}: identity::VERSION has it."
            ),
        ),
    }
}

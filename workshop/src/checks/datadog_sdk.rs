//! Step 12: built with the feature `datadog`, the service sends the same traces to a trace agent in Datadog's own format;
//! built without it, it is what it was.

use std::collections::BTreeMap;

use super::words::{Wrong, expect, first_of, served_in, wrong};
use crate::datadog::{AgentRecord, DatadogSpan};
use crate::evidence::{DatadogRun, Evidence, Exchange, Parent};
use crate::verdict::Expectation;
use otlp::model::{Span, SpanKind, Trace};

/// Steps 2 to 8.
const WITHOUT: [&str; 7] =
    ["first-span", "server-spans", "client-spans", "db-spans", "log-correlation", "errors", "metrics"];

pub(super) fn judge(evidence: &Evidence) -> Option<Vec<Expectation>> {
    let run = evidence.datadog.as_ref()?;
    let without = expect(
        "without the feature, steps 2 to 8 still pass",
        first_failure_without(evidence).and_then(|step| {
            wrong(
                format!("step {step} fails"),
                format!("`cargo workshop check {step}` says why. What is Datadog's stands behind #[cfg(feature = \"datadog\")]."),
            )
        }),
    );
    let built = "it builds with `--features datadog`, starts, answers, and ends";
    let run = match run {
        Ok(run) => run,
        Err(why) => {
            let cause = "`cargo run --features datadog` in the backend's folder shows the same.";
            return Some(vec![without, Expectation::failed(built, why, cause)]);
        }
    };
    let arrives = "with it, every request's trace arrives at the trace agent, in Datadog's format";
    let requests: Vec<(&Exchange, &Parent)> = continued(run).collect();
    let arrived = first_of(&requests, |(_, parent)| {
        of_trace(&run.agent, &parent.trace_id).is_empty().then(|| nothing(&run.agent))
    });
    let mut expectations = vec![without, Expectation::met(built), expect(arrives, arrived)];
    if expectations.iter().all(Expectation::is_met) {
        expectations.extend([
            expect(
                "each begins with a server span `GET /handson`, the child of the caller's span",
                first_of(&requests, |(_, parent)| root(&run.agent, parent)),
            ),
            expect(
                "service, env and version are those of the telemetry so far",
                first_of(&run.agent.spans, |span| identity(span, evidence)),
            ),
            expect("each has the same span tree as over OTLP", same_tree(&requests, run, evidence)),
        ]);
    }
    Some(expectations)
}

/// The first of steps 2 to 8 that fails.
pub(super) fn first_failure_without(evidence: &Evidence) -> Option<&'static str> {
    let fails = |step: &&str| {
        super::judge(step, evidence).is_some_and(|found| !found.iter().all(Expectation::is_met))
    };
    WITHOUT.into_iter().find(fails)
}

/// The answered requests that carried a parent of ours.
fn continued(run: &DatadogRun) -> impl Iterator<Item = (&Exchange, &Parent)> {
    let answered =
        run.exchanges.iter().filter(|exchange| exchange.path == "/handson" && exchange.answer.is_ok());
    answered.filter_map(|exchange| Some((exchange, exchange.parent.as_ref()?)))
}

/// Datadog's ids have 64 bits: the lower half of a W3C trace id, the whole of a span id.
fn id(hex: &str) -> Option<u64> {
    u64::from_str_radix(hex.get(hex.len().checked_sub(16)?..)?, 16).ok()
}

fn of_trace<'a>(agent: &'a AgentRecord, trace_id: &str) -> Vec<&'a DatadogSpan> {
    let trace = id(trace_id);
    agent.spans.iter().filter(|span| Some(span.trace_id) == trace).collect()
}

/// Why a trace is not there.
fn nothing(agent: &AgentRecord) -> Wrong {
    if let Some(why) = agent.refused.first() {
        return (
            format!("the trace agent refused {why}"),
            "Let Datadog's SDK do the sending; it knows the format.".to_owned(),
        );
    }
    if agent.spans.is_empty() {
        let calls = if agent.calls.is_empty() { "nothing at all".to_owned() } else { agent.calls.join(", ") };
        let cause = "Is the tracer provider that of datadog_opentelemetry::tracing() under the feature, without another address \
                     in the code (it reads DD_TRACE_AGENT_URL), and is it shut down before the process ends?";
        return (format!("no span came to the trace agent; it got {calls}"), cause.to_owned());
    }
    let cause = "Spans arrive, but in traces of their own: the caller's ids are not read. Do the layers get the propagator \
                 (with_propagator) with the feature, too, and does it read traceparent?";
    (format!("{} spans came, none of this trace", agent.spans.len()), cause.to_owned())
}

fn kind(span: &DatadogSpan) -> &str {
    span.meta.get("span.kind").map_or("none", String::as_str)
}

fn root(agent: &AgentRecord, parent: &Parent) -> Option<Wrong> {
    let spans = of_trace(agent, &parent.trace_id);
    let server: Vec<_> = spans.iter().filter(|span| kind(span) == "server").collect();
    let [server] = server[..] else {
        let cause = "One request, one span of kind server, by the layer of step 3.";
        return wrong(format!("{} spans of kind server in a trace of {}", server.len(), spans.len()), cause);
    };
    if server.resource != "GET /handson" {
        return wrong(
            format!("its resource is {:?}", server.resource),
            "Datadog makes the resource of method and route: http.request.method and http.route are set on the span at its start.",
        );
    }
    (Some(server.parent_id) != id(&parent.span_id)).then(|| {
        let seen =
            format!("its parent is {:016x}, and the caller's span {}", server.parent_id, parent.span_id);
        (
            seen,
            "The span is started with the context that the propagator extracts from the headers.".to_owned(),
        )
    })
}

fn identity(span: &DatadogSpan, evidence: &Evidence) -> Option<Wrong> {
    let backend = &evidence.backend;
    let meta = |key: &str| span.meta.get(key).cloned().unwrap_or_default();
    let cause = "Give the builder the resource that OpenTelemetry's had: service.name, deployment.environment.name, service.version.";
    if span.service != backend.service {
        return wrong(format!("service {:?}, not {:?}", span.service, backend.service), cause);
    }
    if meta("env") != backend.environment {
        return wrong(format!("env {:?}, not {:?}", meta("env"), backend.environment), cause);
    }
    (!meta("version").starts_with(&backend.version))
        .then(|| (format!("version {:?}, not {:?}", meta("version"), backend.version), cause.to_owned()))
}

/// Kind and name of a span, and those of its parent: how often.
type Shape = BTreeMap<String, usize>;

fn same_tree(requests: &[(&Exchange, &Parent)], run: &DatadogRun, evidence: &Evidence) -> Option<Wrong> {
    let over_otlp = served_in(&evidence.calm).next().map(|served| shape_over_otlp(&served.trace))?;
    first_of(requests, |(_, parent)| {
        let seen = shape_at_the_agent(&of_trace(&run.agent, &parent.trace_id));
        let lines = |one: &Shape, other: &Shape, sign: char| -> Vec<String> {
            let differ = one.iter().filter(|(what, count)| other.get(*what) != Some(count));
            differ.map(|(what, count)| format!("{sign} {count} x {what}")).collect()
        };
        let differences = [lines(&over_otlp, &seen, '-'), lines(&seen, &over_otlp, '+')].concat();
        (!differences.is_empty()).then(|| {
            let cause = "Both SDKs see the same spans: is one made by OpenTelemetry's provider alone, or before Datadog's is the \
                         global one?";
            (format!("- over OTLP alone, + at the trace agent alone\n{}", differences.join("\n")), cause.to_owned())
        })
    })
}

fn shape_over_otlp(trace: &Trace<'_>) -> Shape {
    let label = |span: &Span| {
        let kind = match span.kind {
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            SpanKind::Internal => "internal",
            _ => "none",
        };
        // Datadog calls a query by its text, and a request by its method, whatever the name of the span.
        let called = ["db.query.text", "http.request.method"]
            .iter()
            .find_map(|key| span.attributes.text(key).filter(|_| span.kind == SpanKind::Client));
        format!("{kind} {}", called.unwrap_or(&span.name))
    };
    shape(&trace.spans, label, |span| trace.parent(span))
}

fn shape_at_the_agent(spans: &[&DatadogSpan]) -> Shape {
    let label = |span: &DatadogSpan| {
        let method = span.meta.get("http.method").filter(|_| kind(span) == "client");
        format!("{} {}", kind(span), method.unwrap_or(&span.resource))
    };
    shape(spans, label, |span| spans.iter().find(|other| other.span_id == span.parent_id).copied())
}

fn shape<'a, S>(
    spans: &[&'a S],
    label: impl Fn(&S) -> String,
    parent: impl Fn(&S) -> Option<&'a S>,
) -> Shape {
    let mut shape = Shape::new();
    for span in spans {
        let below = parent(span).map_or("the caller's span".to_owned(), &label);
        *shape.entry(format!("{} below {below}", label(span))).or_default() += 1;
    }
    shape
}

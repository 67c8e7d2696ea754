//! Step 12: built with the feature `datadog`, the service sends the same traces to a trace agent in Datadog's
//! own format; built without it, it works as before.

use std::collections::BTreeMap;

use super::assert::{Check, each, ensure, fail};
use super::requests::served_in;
use crate::datadog::{AgentRecord, DatadogSpan};
use crate::evidence::{DatadogRun, Evidence, Exchange, Parent};
use crate::text;
use crate::verdict::Expectation;
use otlp::model::{Span, SpanKind, Trace};

/// Steps 2 to 8.
const WITHOUT: [&str; 7] =
    ["first-span", "server-spans", "client-spans", "db-spans", "log-correlation", "errors", "metrics"];

pub(super) fn judge(evidence: &Evidence) -> Option<Vec<Expectation>> {
    let run = evidence.datadog.as_ref()?;
    let without =
        Expectation::new(text!("without the feature, steps 2 to 8 still pass"), passes_without(evidence));
    let built = text!("it builds with `--features datadog`, starts, answers, and ends");
    let run = match run {
        Ok(run) => run,
        Err(error) => {
            let cause = text!("`cargo run --features datadog` in the backend's folder shows the same.");
            return Some(vec![without, Expectation::new(built, fail(error.clone(), cause))]);
        }
    };
    let requests: Vec<(&Exchange, &Parent)> = continued(run).collect();
    let arrives = Expectation::new(
        text!("with the feature, the trace of every request arrives at the trace agent, in Datadog's format"),
        each(&requests, |(_, parent)| arrives(&run.agent, parent)),
    );
    let mut expectations = vec![without, Expectation::new(built, Ok(())), arrives];
    if expectations.iter().all(Expectation::is_met) {
        expectations.extend([
            Expectation::new(
                text!("each trace begins with a server span `GET /handson`, the child of the caller's span"),
                each(&requests, |(_, parent)| begins_with_server_span(&run.agent, parent)),
            ),
            Expectation::new(
                text!("service, env and version are the same as over OTLP"),
                each(&run.agent.spans, |span| has_identity(span, evidence)),
            ),
            Expectation::new(
                text!("each trace has the same span tree as over OTLP"),
                have_same_tree(&requests, run, evidence),
            ),
        ]);
    }
    Some(expectations)
}

fn passes_without(evidence: &Evidence) -> Check {
    match first_failure_without(evidence) {
        None => Ok(()),
        Some(step) => fail(
            text!("step {step} fails", step),
            text!(
                "`cargo workshop check {step}` shows why. Code for Datadog belongs behind `#[cfg(feature = \"datadog\")]`.",
                step
            ),
        ),
    }
}

/// The first of steps 2 to 8 that fails.
pub(super) fn first_failure_without(evidence: &Evidence) -> Option<&'static str> {
    let fails = |step: &&str| {
        super::judge(step, evidence).is_some_and(|found| !found.iter().all(Expectation::is_met))
    };
    WITHOUT.into_iter().find(fails)
}

/// The answered requests that carried a `traceparent`.
fn continued(run: &DatadogRun) -> impl Iterator<Item = (&Exchange, &Parent)> {
    let answered =
        run.exchanges.iter().filter(|exchange| exchange.path == "/handson" && exchange.answer.is_ok());
    answered.filter_map(|exchange| Some((exchange, exchange.parent.as_ref()?)))
}

/// Datadog's ids have 64 bits: the lower half of a W3C trace id, or a whole span id.
fn id(hex: &str) -> Option<u64> {
    u64::from_str_radix(hex.get(hex.len().checked_sub(16)?..)?, 16).ok()
}

fn spans_of_trace<'a>(agent: &'a AgentRecord, trace_id: &str) -> Vec<&'a DatadogSpan> {
    let trace = id(trace_id);
    agent.spans.iter().filter(|span| Some(span.trace_id) == trace).collect()
}

/// The trace must have arrived; if not, the failure says why.
fn arrives(agent: &AgentRecord, parent: &Parent) -> Check {
    if !spans_of_trace(agent, &parent.trace_id).is_empty() {
        return Ok(());
    }
    if let Some(reason) = agent.refused.first() {
        return fail(
            text!("the trace agent refused {reason}", reason),
            text!("Let Datadog's SDK send the traces; it knows the format."),
        );
    }
    if !agent.spans.is_empty() {
        return fail(
            text!("{count} spans arrived, none of this trace", count = agent.spans.len()),
            text!(
                "Spans arrive, but in separate traces: the caller's ids are not read. With the feature, too, do the layers get \
                 the propagator (with_propagator), and does it read traceparent?"
            ),
        );
    }
    let seen = match &agent.calls[..] {
        [] => text!("no span arrived at the trace agent; it got nothing at all"),
        calls => text!("no span arrived at the trace agent; it got {calls}", calls = calls.join(", ")),
    };
    fail(
        seen,
        text!(
            "With the feature, is the tracer provider built by datadog_opentelemetry::tracing(), without an address in the code \
             (it reads DD_TRACE_AGENT_URL), and is it shut down before the process ends?"
        ),
    )
}

fn kind(span: &DatadogSpan) -> &str {
    span.meta.get("span.kind").map_or("none", String::as_str)
}

fn begins_with_server_span(agent: &AgentRecord, parent: &Parent) -> Check {
    let spans = spans_of_trace(agent, &parent.trace_id);
    let server: Vec<_> = spans.iter().filter(|span| kind(span) == "server").collect();
    let [server] = server[..] else {
        return fail(
            text!(
                "{count} of the {all} spans in a trace have the kind server",
                count = server.len(),
                all = spans.len()
            ),
            text!("A request has one span of the kind server, which the layer of step 3 creates."),
        );
    };
    ensure!(
        server.resource == "GET /handson",
        text!("its resource is {resource}", resource = format!("{:?}", server.resource)),
        text!(
            "Datadog derives the resource from method and route: set http.request.method and http.route on the span when it starts."
        )
    );
    ensure!(
        Some(server.parent_id) == id(&parent.span_id),
        text!(
            "its parent is {actual}, and the caller's span is {caller}",
            actual = format!("{:016x}", server.parent_id),
            caller = &parent.span_id
        ),
        text!("Start the span with the context that the propagator extracts from the headers.")
    );
    Ok(())
}

fn has_identity(span: &DatadogSpan, evidence: &Evidence) -> Check {
    let backend = &evidence.backend;
    let meta = |key: &str| span.meta.get(key).cloned().unwrap_or_default();
    let (environment, version) = (meta("env"), meta("version"));
    let package = backend.package_version();
    for (key, actual, expected, is_right) in [
        ("service", &span.service, backend.service.as_str(), span.service == backend.service),
        ("env", &environment, &backend.environment, environment == backend.environment),
        ("version", &version, package, version.starts_with(package)),
    ] {
        ensure!(
            is_right,
            text!(
                "{key} is {actual}, not {expected}",
                key,
                actual = format!("{actual:?}"),
                expected = format!("{expected:?}")
            ),
            text!(
                "Give the builder the resource that OpenTelemetry's builder gets: service.name, deployment.environment.name, \
                 service.version."
            )
        );
    }
    Ok(())
}

/// The number of spans for each kind and name, where each is preceded by those of its parent.
type Shape = BTreeMap<String, usize>;

fn have_same_tree(requests: &[(&Exchange, &Parent)], run: &DatadogRun, evidence: &Evidence) -> Check {
    let Some(served) = served_in(&evidence.calm).next() else { return Ok(()) };
    let over_otlp = shape_over_otlp(&served.trace);
    each(requests, |(_, parent)| {
        let at_the_agent = shape_at_the_agent(&spans_of_trace(&run.agent, &parent.trace_id));
        let lines = |one: &Shape, other: &Shape, sign: char| -> Vec<String> {
            let differ = one.iter().filter(|(what, count)| other.get(*what) != Some(count));
            differ.map(|(what, count)| format!("{sign} {count} x {what}")).collect()
        };
        let differences =
            [lines(&over_otlp, &at_the_agent, '-'), lines(&at_the_agent, &over_otlp, '+')].concat();
        ensure!(
            differences.is_empty(),
            text!(
                "- only over OTLP, + only at the trace agent\n{differences}",
                differences = differences.join("\n")
            ),
            text!(
                "Both SDKs should get the same spans: is one made by OpenTelemetry's provider alone, or before Datadog's is the \
                 global one?"
            )
        );
        Ok(())
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
        // Datadog names a query by its text and a call by its method, independently of the span's name.
        let name = ["db.query.text", "http.request.method"]
            .iter()
            .find_map(|key| span.attributes.text(key).filter(|_| span.kind == SpanKind::Client));
        format!("{kind} {}", name.unwrap_or(&span.name))
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
        let names = parent(span).into_iter().chain([*span]).map(&label).collect::<Vec<_>>();
        *shape.entry(names.join(" > ")).or_default() += 1;
    }
    shape
}

//! Where: a service, the name of a span, or the value of an attribute that names a place.

use std::collections::HashSet;

use otlp::model::Span;

use super::evidence::{Evidence, path_of_url};
use super::fault::Plan;
use super::incident::{Incident, is_at_the_place};
use super::judge::Finding;
use crate::text;

/// The attributes that name a place. Others, such as a status, say how something went.
const ATTRIBUTES: [&str; 22] = [
    "http.route",
    "url.path",
    "url.full",
    "url.template",
    "http.url",
    "http.target",
    "server.address",
    "server.port",
    "net.peer.name",
    "net.peer.port",
    "peer.service",
    "http.request.method",
    "http.method",
    "db.query.summary",
    "db.query.text",
    "db.statement",
    "db.operation.name",
    "db.collection.name",
    "db.namespace",
    "db.name",
    "db.system.name",
    "db.system",
];
/// Share of the incidents in percent that a place must contain. An incident may be without one of its spans,
/// which arrives later.
const MIN_COVERAGE: usize = 90;
/// A span has at most so many ancestors; ids that form a cycle would never end.
const MAX_DEPTH: usize = 64;

/// Whether `named` is the place: it must contain the incidents, and nothing else.
pub(super) fn judge(named: &str, plan: &Plan, evidence: &Evidence, incidents: &[Incident]) -> Finding {
    let selected = select(evidence, named);
    if selected.is_empty() {
        return Finding::wrong(
            text!(
                "no span belongs to a service '{named}', has this name, or has it as an attribute that names a place, such as url.full or db.query.summary",
                named
            ),
            None,
        );
    }
    let ids: HashSet<&str> = selected.iter().map(|span| span.span_id.as_str()).collect();
    let contains =
        |incident: &Incident| incident.spans.iter().any(|span| ids.contains(span.span_id.as_str()));
    let covered = incidents.iter().filter(|incident| contains(incident)).count();
    let other = selected.iter().rev().find(|span| !is_at_the_place(plan, evidence, span));
    match (covered, other) {
        (0, _) => match incidents.iter().rev().find(|incident| is_below(evidence, incident, &ids)) {
            Some(incident) => Finding::wrong(
                text!("'{named}' only contains it: in this trace, it is in a span below that one", named),
                incident.trace(),
            ),
            None => {
                // Best a trace in which it showed, but not in these spans.
                let traces: HashSet<&str> = incidents.iter().filter_map(Incident::trace).collect();
                let is_near = |span: &&&Span| traces.contains(span.trace_id.as_str());
                let example = selected.iter().rev().find(is_near).or(selected.last());
                Finding::wrong(
                    text!(
                        "none of the {count} spans of '{named}' shows it; an example is in this trace",
                        count = selected.len(),
                        named
                    ),
                    example.map(|span| span.trace_id.as_str()),
                )
            }
        },
        (_, Some(other)) => Finding::wrong(
            text!(
                "'{named}' also stands for spans in which nothing is unusual, such as '{other}' in this trace: name a smaller place",
                named,
                other = &other.name
            ),
            Some(&other.trace_id),
        ),
        (covered, None) if covered * 100 < incidents.len() * MIN_COVERAGE => {
            let outside = incidents.iter().rev().find(|incident| !contains(incident));
            Finding::wrong(
                text!(
                    "it also happens outside of '{named}', for example in this trace: name a larger place",
                    named
                ),
                outside.and_then(Incident::trace),
            )
        }
        (count, None) => Finding::right(text!(
            "{count} of the {all} times it showed were in '{named}', and nothing else is",
            named,
            count,
            all = incidents.len()
        )),
    }
}

/// The spans that a name stands for: those of a service, otherwise those with the name, otherwise those with
/// an attribute.
fn select<'a>(evidence: &'a Evidence, named: &str) -> Vec<&'a Span> {
    let is_named = |text: &str| text.eq_ignore_ascii_case(named.trim());
    let has_attribute = |span: &Span| {
        let path = span.attributes.text("url.full").and_then(path_of_url);
        path.is_some_and(is_named)
            || ATTRIBUTES
                .iter()
                .filter_map(|key| span.attributes.get(key))
                .any(|value| is_named(&value.unquoted()))
    };
    let spans = |matches: &dyn Fn(&Span) -> bool| -> Vec<&'a Span> {
        evidence.spans().filter(|span| matches(span)).collect()
    };
    let ways: [&dyn Fn(&Span) -> bool; 3] =
        [&|span| is_named(span.service()), &|span| is_named(&span.name), &has_attribute];
    ways.iter().map(|matches| spans(matches)).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Whether a span of the incident has an ancestor among `ids`.
fn is_below(evidence: &Evidence, incident: &Incident, ids: &HashSet<&str>) -> bool {
    incident.spans.iter().any(|span| {
        let ancestors = std::iter::successors(evidence.parent(span), |span| evidence.parent(span));
        ancestors.take(MAX_DEPTH).any(|ancestor| ids.contains(ancestor.span_id.as_str()))
    })
}

//! Changes of spans.

use std::collections::BTreeSet;
use std::sync::Arc;

use otlp::model::{Span, SpanKind, StatusCode};
use workshop::evidence::Evidence;

use super::values::{CHANGES, another_id};
use super::{Mutation, Places, runs};

const SECOND: u64 = 1_000_000_000;

type Change = Box<dyn Fn(&mut Span) + Send + Sync>;

/// A kind of span: its name, kind, and whether it failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Role {
    name: String,
    failed: bool,
}

impl Role {
    fn from_span(span: &Span) -> Self {
        Self { name: span.name.clone(), failed: span.status == StatusCode::Error }
    }

    fn describe(&self) -> String {
        format!("spans {}{}", self.name, if self.failed { " (failed)" } else { "" })
    }
}

fn spans_mut(evidence: &mut Evidence) -> impl Iterator<Item = &mut Span> {
    runs(evidence).into_iter().flat_map(|run| &mut run.telemetry.spans)
}

pub fn mutations(right: &Evidence) -> Vec<Mutation> {
    let all = || right.calm.telemetry.spans.iter().chain(&right.errors.telemetry.spans);
    let roles: BTreeSet<Role> = all().map(Role::from_span).collect();
    let mut mutations = Vec::new();
    for role in roles {
        let example = all().find(|span| Role::from_span(span) == role).unwrap();
        for places in Places::BOTH {
            let mut add = |name: &str, change: Change| mutations.push(of_each(&role, places, name, change));
            for (name, change) in changes(example) {
                add(&name, change);
            }
            // A span without siblings cannot be below one.
            let is_sibling = |other: &Span| {
                other.parent_span_id == example.parent_span_id
                    && other.trace_id == example.trace_id
                    && other.span_id != example.span_id
            };
            let has_siblings = all().any(is_sibling);
            let lists = of_lists(&role, places).into_iter();
            mutations.extend(
                lists.filter(|mutation| has_siblings || !mutation.description.ends_with("below a sibling")),
            );
        }
    }
    mutations
}

fn of_each(role: &Role, places: Places, name: &str, change: Change) -> Mutation {
    let description = places.describe(&role.describe(), name);
    let role = role.clone();
    Mutation {
        description,
        change: Box::new(move |evidence| {
            places.change(spans_mut(evidence), |span| Role::from_span(span) == role, &change);
        }),
    }
}

/// The changes of a single span.
fn changes(example: &Span) -> Vec<(String, Change)> {
    let mut changes: Vec<(String, Change)> = vec![
        ("another name".to_owned(), Box::new(|span| span.name.push('x'))),
        ("no parent".to_owned(), Box::new(|span| span.parent_span_id = None)),
        (
            "an unknown parent".to_owned(),
            Box::new(|span| span.parent_span_id = Some("00f067aa0ba902b7".to_owned())),
        ),
        ("another trace".to_owned(), Box::new(|span| span.trace_id = another_id(&span.trace_id))),
        ("another id".to_owned(), Box::new(|span| span.span_id = another_id(&span.span_id))),
        ("starts 10 s before".to_owned(), Box::new(|span| span.start -= 10 * SECOND)),
        ("starts 10 s after".to_owned(), Box::new(|span| span.start += 10 * SECOND)),
        ("ends 10 s after".to_owned(), Box::new(|span| span.end += 10 * SECOND)),
        ("ends 10 s before".to_owned(), Box::new(|span| span.end -= 10 * SECOND)),
        ("ends at once".to_owned(), Box::new(|span| span.end = span.start)),
        (
            "no scope".to_owned(),
            Box::new(|span| {
                let mut scope = (*span.scope).clone();
                scope.name.clear();
                span.scope = Arc::new(scope);
            }),
        ),
        (
            "the other status".to_owned(),
            Box::new(|span| {
                span.status = match span.status {
                    StatusCode::Error => StatusCode::Unset,
                    _ => StatusCode::Error,
                };
            }),
        ),
    ];
    let kinds =
        [SpanKind::Internal, SpanKind::Server, SpanKind::Client, SpanKind::Producer, SpanKind::Consumer];
    for kind in kinds.into_iter().filter(|kind| *kind != example.kind) {
        changes.push((format!("kind {kind:?}"), Box::new(move |span| span.kind = kind)));
    }
    for (key, _) in example.attributes.iter() {
        for (name, change) in CHANGES {
            let key = key.to_owned();
            changes.push((format!("{name} {key}"), Box::new(move |span| change(&mut span.attributes, &key))));
        }
    }
    if example.status != StatusCode::Error {
        changes.push((
            "an error.type".to_owned(),
            Box::new(|span| span.attributes.set("error.type", "none".into())),
        ));
    }
    for key in ["service.name", "service.version", "deployment.environment.name"] {
        for (name, change) in CHANGES {
            changes.push((
                format!("{name} {key} of the resource"),
                Box::new(move |span| {
                    let mut resource = (*span.resource).clone();
                    change(&mut resource, key);
                    span.resource = Arc::new(resource);
                }),
            ));
        }
    }
    for (index, event) in example.events.iter().enumerate() {
        changes.push(("no event".to_owned(), Box::new(move |span| drop(span.events.remove(index)))));
        changes.push((
            "an event twice".to_owned(),
            Box::new(move |span| span.events.push(span.events[index].clone())),
        ));
        changes.push((
            "another name of the event".to_owned(),
            Box::new(move |span| span.events[index].name.push('x')),
        ));
        changes.push((
            "an event 10 s after".to_owned(),
            Box::new(move |span| span.events[index].time += 10 * SECOND),
        ));
        for (key, _) in event.attributes.iter() {
            for (name, change) in CHANGES {
                let key = key.to_owned();
                changes.push((
                    format!("{name} {key} of the event"),
                    Box::new(move |span| change(&mut span.events[index].attributes, &key)),
                ));
            }
            if key == "exception.stacktrace" {
                changes.push((
                    format!("only the message for {key} of the event"),
                    Box::new(move |span| {
                        let attributes = &mut span.events[index].attributes;
                        let message = attributes.get("exception.message").unwrap().clone();
                        attributes.set("exception.stacktrace", message);
                    }),
                ));
            }
            let key = key.to_owned();
            changes.push((
                format!("only a word for {key} of the event"),
                Box::new(move |span| span.events[index].attributes.set(&key, "error".into())),
            ));
        }
    }
    changes
}

/// Changes of the set of spans, and of their relations.
fn of_lists(role: &Role, places: Places) -> Vec<Mutation> {
    let mutation = |name: &str, change: fn(&mut Vec<Span>, &[usize])| {
        let role = role.clone();
        Mutation {
            description: places.describe(&role.describe(), name),
            change: Box::new(move |evidence| {
                for run in runs(evidence) {
                    let spans = &mut run.telemetry.spans;
                    let meant = spans.iter().enumerate().filter(|(_, span)| Role::from_span(span) == role);
                    let limit = if places == Places::One { 1 } else { usize::MAX };
                    let meant: Vec<usize> = meant.map(|(index, _)| index).take(limit).collect();
                    change(spans, &meant);
                }
            }),
        }
    };
    vec![
        mutation("not sent", |spans, meant| {
            meant.iter().rev().for_each(|index| drop(spans.remove(*index)));
        }),
        mutation("sent twice", |spans, meant| {
            meant.iter().for_each(|index| spans.push(spans[*index].clone()));
        }),
        mutation("made twice", |spans, meant| {
            for index in meant {
                let mut again = spans[*index].clone();
                again.span_id = another_id(&again.span_id);
                spans.push(again);
            }
        }),
        mutation("below a sibling", |spans, meant| {
            for index in meant {
                let span = &spans[*index];
                let is_sibling = |other: &&Span| {
                    other.trace_id == span.trace_id
                        && other.span_id != span.span_id
                        && other.parent_span_id == span.parent_span_id
                };
                if let Some(id) = spans.iter().find(is_sibling).map(|other| other.span_id.clone()) {
                    spans[*index].parent_span_id = Some(id);
                }
            }
        }),
        mutation("in the trace of another request", |spans, meant| {
            let traces: Vec<String> = meant.iter().map(|index| spans[*index].trace_id.clone()).collect();
            let other = spans.iter().map(|span| span.trace_id.clone()).find(|id| Some(id) != traces.first());
            for (place, index) in meant.iter().enumerate() {
                let next = traces.get((place + 1) % traces.len()).filter(|_| traces.len() > 1);
                spans[*index].trace_id = next.or(other.as_ref()).unwrap().clone();
            }
        }),
    ]
}

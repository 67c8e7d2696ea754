//! Checks received telemetry against the vocabulary.

use std::collections::BTreeSet;

use super::vocabulary::{self, REQUIRED, Type};
use crate::support::queries::{Point, Queries};
use otlp::model::{Attributes, Span, SpanKind, StatusCode, Telemetry, Value};

/// Every kind of violation once, as a message.
pub fn violations(received: &Telemetry) -> Vec<String> {
    let mut found = BTreeSet::new();
    for span in &received.spans {
        found.extend(of_resource(&span.resource));
        found.extend(of_span(span));
    }
    for point in received.points() {
        found.extend(of_resource(&point.metric.resource));
        found.extend(of_point(&point));
    }
    for record in &received.log_records {
        found.extend(of_resource(&record.resource));
        found.extend(of_attributes("log record", &record.attributes));
        if record.event_name.contains(".rs") {
            found.insert(format!("log record: event name {} is a place", record.event_name));
        }
    }
    found.into_iter().collect()
}

fn of_resource(resource: &Attributes) -> Vec<String> {
    let required = ["service.name", "service.version", "service.instance.id", "telemetry.sdk.name"];
    let mut found = of_attributes("resource", resource);
    found.extend(missing("resource", resource, &required));
    found
}

fn of_span(span: &Span) -> Vec<String> {
    let place = format!("{:?} span {}", span.kind, span.name);
    let attributes = &span.attributes;
    let mut found = of_attributes(&place, attributes);
    for required in REQUIRED {
        if span.kind == required.kind && attributes.contains_key(required.marker) {
            found.extend(missing(&place, attributes, required.attributes));
        }
    }
    if let Some(expected) = expected_name(span).filter(|name| *name != span.name) {
        found.push(format!("{place}: should be {expected}"));
    }
    if (span.kind != SpanKind::Internal)
        && (span.status == StatusCode::Error) != attributes.contains_key("error.type")
    {
        found.push(format!("{place}: status {:?} and error.type disagree", span.status));
    }
    if span.status == StatusCode::Ok {
        found.push(format!("{place}: status Ok is for people to set"));
    }
    for event in &span.events {
        let place = format!("{place}, event {}", event.name);
        found.extend(of_attributes(&place, &event.attributes));
        let required = ["exception.type", "exception.message", "exception.stacktrace"];
        found.extend(missing(&place, &event.attributes, &required));
    }
    found
}

/// `{method} {route}`, `{method}`, or the summary of the query.
fn expected_name(span: &Span) -> Option<String> {
    let text = |name: &str| span.attributes.text(name);
    if let Some(summary) = text("db.query.summary") {
        return Some(summary.to_owned());
    }
    let method = text("http.request.method").map(|name| if name == "_OTHER" { "HTTP" } else { name })?;
    Some(match text("http.route") {
        Some(route) => format!("{method} {route}"),
        None => method.to_owned(),
    })
}

fn of_point(point: &Point) -> Vec<String> {
    let place = format!("metric {}", point.metric.name);
    let Some((unit, instrument, required)) = vocabulary::metric(&point.metric.name) else {
        return vec![format!("{place}: is not known")];
    };
    let mut found = of_attributes(&place, point.attributes);
    found.extend(missing(&place, point.attributes, required));
    if point.metric.unit != unit {
        found.push(format!("{place}: unit {}, should be {unit}", point.metric.unit));
    }
    if point.instrument != instrument {
        found.push(format!("{place}: {:?}, should be {instrument:?}", point.instrument));
    }
    found
}

fn of_attributes(place: &str, attributes: &Attributes) -> Vec<String> {
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    for (name, value) in attributes.iter() {
        found.extend(of_attribute(place, name, value));
        if !names.insert(name) {
            found.push(format!("{place}: attribute {name} comes twice"));
        }
    }
    found
}

fn of_attribute(place: &str, name: &str, value: &Value) -> Option<String> {
    let Some(wanted) = vocabulary::attribute(name) else {
        return Some(format!("{place}: attribute {name} is not known"));
    };
    let is_text = |value: &Value| value.as_str().is_some();
    let fits = match wanted {
        // Our own names may have numbers.
        Type::Text if name.starts_with("handson.") => *value != Value::Empty,
        Type::Text => is_text(value),
        Type::Int => matches!(value, Value::Int(_)),
        Type::Texts => matches!(value, Value::Array(values) if values.iter().all(is_text)),
    };
    if !fits {
        return Some(format!("{place}: attribute {name} is {value}, should be {wanted:?}"));
    }
    (*value == "").then(|| format!("{place}: attribute {name} is empty"))
}

fn missing(place: &str, attributes: &Attributes, required: &[&str]) -> Vec<String> {
    let absent = required.iter().filter(|name| !attributes.contains_key(name));
    absent.map(|name| format!("{place}: {name} is missing")).collect()
}

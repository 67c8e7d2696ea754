//! The rules by which Datadog renames OpenTelemetry's names. `docs/datadog.md` contains the same tables, and
//! their sources.

use std::collections::BTreeMap;

use crate::support::queries::Instrument;
use otlp::model::{Span, SpanKind};

/// The type of a metric in Datadog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Count,
    Gauge,
    /// With percentiles only if they are enabled, as they are for metrics of traces.
    Distribution,
}

/// Kind of span, an attribute that it has, and the operation. The first match counts.
const OPERATIONS: &[(SpanKind, &str, &str)] = &[
    (SpanKind::Server, "http.request.method", "http.server.request"),
    (SpanKind::Client, "http.request.method", "http.client.request"),
    (SpanKind::Client, "db.system.name", "DB.query"),
    (SpanKind::Internal, "", "Internal"),
];

/// The metrics that Datadog computes from spans: the part after `trace.OPERATION`, and whether they have
/// `http.status_code`.
pub const TRACE_METRICS: &[(&str, Type, bool)] =
    &[(".hits", Type::Count, true), (".errors", Type::Count, true), ("", Type::Distribution, false)];

/// OTLP's instruments.
const INSTRUMENTS: &[(Instrument, Type)] = &[
    (Instrument::Counter, Type::Count),
    (Instrument::UpDownCounter, Type::Gauge),
    (Instrument::Gauge, Type::Gauge),
    (Instrument::Histogram, Type::Distribution),
];

/// The attributes of the resource that are tags of metrics.
pub const RESOURCE: &[(&str, &str)] = &[
    ("service.name", "service"),
    ("service.version", "version"),
    ("deployment.environment.name", "env"),
    ("service.instance.id", "service.instance.id"),
];

/// The attributes of spans that Datadog renames.
const SPAN_ATTRIBUTES: &[(&str, &str)] = &[
    ("client.address", "@http.client_ip"),
    ("http.request.method", "@http.method"),
    ("http.response.status_code", "@http.status_code"),
    ("http.route", "@http.route"),
    ("network.protocol.version", "@http.version"),
    ("server.address", "@http.server_name"),
    ("url.full", "@http.url"),
    ("user_agent.original", "@http.useragent"),
];

/// The keys of a log line with a special meaning.
pub const LOG_KEYS: &[(&str, &str)] =
    &[("level", "status"), ("service", "service"), ("trace_id", "trace_id"), ("span_id", "span_id")];

/// `span.name` in Datadog.
pub fn operation(span: &Span) -> Option<String> {
    let fits = |(kind, attribute, _): &&(SpanKind, &str, &str)| {
        *kind == span.kind && (attribute.is_empty() || span.attributes.contains_key(attribute))
    };
    let (_, attribute, name) = OPERATIONS.iter().find(fits)?;
    let database = span.attributes.text(attribute);
    Some(name.replace("DB", database.unwrap_or("DB")))
}

/// The resource: method and route, only the method, the query, or the name of the span.
pub fn resource(span: &Span) -> String {
    let text = |name: &str| span.attributes.text(name);
    match (text("http.request.method"), text("http.route").filter(|_| span.kind == SpanKind::Server)) {
        (Some(method), Some(route)) => format!("{method} {route}"),
        (Some(method), None) => method.to_owned(),
        (None, _) => text("db.query.text").unwrap_or(&span.name).to_owned(),
    }
}

/// The name of a metric received over OTLP.
pub fn metric(name: &str) -> String {
    let of_a_host = ["process.", "system."].iter().any(|prefix| name.starts_with(prefix));
    if of_a_host { format!("otel.{name}") } else { name.to_owned() }
}

/// The type of a metric received over OTLP.
pub fn of_instrument(instrument: Instrument) -> Type {
    INSTRUMENTS.iter().find(|(known, _)| *known == instrument).unwrap().1
}

/// The facet for a span attribute.
pub fn facet(attribute: &str) -> String {
    let renamed = SPAN_ATTRIBUTES.iter().find(|(known, _)| *known == attribute);
    renamed.map_or_else(|| format!("@{attribute}"), |(_, facet)| (*facet).to_owned())
}

/// The value of a tag: in lower case, with `_` instead of characters that are not allowed.
pub fn tag_value(value: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || "_-:./".contains(c);
    value.to_lowercase().chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// The tables in the document: the heading, and the first two columns.
pub fn tables() -> Vec<(&'static str, BTreeMap<String, String>)> {
    let pairs = |rules: &[(&str, &str)]| {
        rules.iter().map(|(otlp, datadog)| ((*otlp).to_owned(), (*datadog).to_owned())).collect()
    };
    let operations = OPERATIONS.iter().map(|(kind, attribute, name)| {
        let with = if attribute.is_empty() { String::new() } else { format!(", {attribute}") };
        (format!("{}{with}", format!("{kind:?}").to_uppercase()), (*name).to_owned())
    });
    let of_traces = TRACE_METRICS
        .iter()
        .map(|(suffix, kind, _)| (format!("trace.OPERATION{suffix}"), format!("{kind:?}").to_uppercase()));
    let instruments = INSTRUMENTS
        .iter()
        .map(|(instrument, kind)| (format!("{instrument:?}"), format!("{kind:?}").to_uppercase()));
    vec![
        ("Operations", operations.collect()),
        ("Metrics from traces", of_traces.collect()),
        ("Metrics over OTLP", instruments.collect()),
        ("Tags", pairs(RESOURCE)),
        ("Attributes of spans", pairs(SPAN_ATTRIBUTES)),
        ("Log lines", pairs(LOG_KEYS)),
    ]
}

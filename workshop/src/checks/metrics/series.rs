//! Computes the expected series of a histogram from what the run did.

use std::collections::BTreeMap;

use crate::checks::attributes::{Attribute, ERRORS, Is, int, recommended, required, text};
use crate::checks::requests::{Served, served_in};
use crate::evidence::Run;
use otlp::model::{Span, SpanKind};

/// One expected series: all operations with the same facts.
pub(super) struct Series {
    pub(super) facts: Facts,
    /// Minimum and maximum number of values. They differ if calls were cancelled before they were answered.
    pub(super) count: (u64, u64),
    /// Minimum and maximum of the sum of all values, in seconds.
    pub(super) sum: (f64, f64),
    /// The sum of the durations of their spans in seconds; `None` if a span is missing.
    pub(super) spans: Option<f64>,
    /// The duration of their shortest span in seconds.
    pub(super) shortest: f64,
}

/// The facts from which the attributes of a point follow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Facts {
    pub(super) method: String,
    /// `None` if there is no HTTP status.
    pub(super) status: Option<u16>,
    pub(super) port: u16,
    pub(super) namespace: Vec<String>,
    /// The names that the program gives the failures of the run.
    pub(super) errors: Vec<String>,
}

/// The attributes of `http.server.request.duration`.
pub(super) static SERVER_POINT: &[Attribute<Facts>] = &[
    required("http.request.method", |facts| text(&facts.method), &["http.method"]),
    required("http.route", |_| text("/handson"), &[]),
    required("url.scheme", |_| text("http"), &["http.scheme"]),
    required("http.response.status_code", status, &["http.status_code"]),
    required("error.type", |facts| error_type(facts, 500), &[]),
    recommended("network.protocol.version", |_| text("1.1"), &["http.flavor"]),
];

/// The attributes of `http.client.request.duration`.
pub(super) static CLIENT_POINT: &[Attribute<Facts>] = &[
    required("http.request.method", |facts| text(&facts.method), &["http.method"]),
    required("server.address", |_| text("127.0.0.1"), &["net.peer.name"]),
    required("server.port", |facts| int(facts.port), &["net.peer.port"]),
    required("http.response.status_code", status, &["http.status_code"]),
    required("error.type", |facts| error_type(facts, 400), &[]),
    recommended("network.protocol.version", |_| text("1.1"), &["http.flavor"]),
];

/// The attributes of `db.client.operation.duration`.
pub(super) static DATABASE_POINT: &[Attribute<Facts>] = &[
    required("db.system.name", |_| text("sqlite"), &["db.system"]),
    required("error.type", |_| Is::Absent, &[]),
    // Required if readily available. A driver does not have them: the conventions say that it should not
    // take them from the text of the query.
    recommended("db.operation.name", |_| text("SELECT"), &["db.operation"]),
    recommended("db.collection.name", |_| text("users"), &["db.sql.table"]),
    recommended(
        "db.namespace",
        |facts| Is::OneOf(facts.namespace.iter().map(|name| name.as_str().into()).collect()),
        &[],
    ),
];

fn status(facts: &Facts) -> Is {
    facts.status.map_or(Is::Absent, int)
}

fn error_type(facts: &Facts, from: u16) -> Is {
    match facts.status {
        // The call was cancelled. Whether that is a failure is up to the program.
        None => Is::Any,
        Some(status) if status >= from => {
            let names = facts.errors.iter().cloned().chain([status.to_string()]);
            Is::ErrorType(names.collect())
        }
        Some(_) => Is::Absent,
    }
}

/// The series of the requests, one for each status.
pub(super) fn for_requests(run: &Run) -> Vec<Series> {
    let served: BTreeMap<usize, Served<'_>> = served_in(run).map(|served| (served.index, served)).collect();
    let errors = errors(run);
    let mut all: BTreeMap<Facts, Series> = BTreeMap::new();
    let requests = run.exchanges.iter().enumerate().filter(|(_, exchange)| exchange.path == "/handson");
    for (index, exchange) in requests {
        let Ok(answer) = &exchange.answer else { continue };
        let facts = Facts::http("GET", answer.status, run.port, &errors);
        let served = served.get(&index);
        // A request takes at least as long as its calls of httpbin.
        let calls = || run.upstream_of(index);
        let waited = calls().map(|call| call.answered).max().zip(calls().map(|call| call.arrived).min());
        let least = match waited {
            Some((last, first)) if !served.is_some_and(Served::stopped_at_httpbin) => {
                last.saturating_sub(first)
            }
            _ => 0,
        };
        let most = exchange.answered.saturating_sub(exchange.sent);
        Series::entry(&mut all, facts).add(least, most, served.map(|served| served.server));
    }
    all.into_values().collect()
}

/// The names that the program gives the failures of a run.
fn errors(run: &Run) -> Vec<String> {
    let events = run.telemetry.spans.iter().flat_map(|span| &span.events);
    let mut types: Vec<&str> =
        events.filter_map(|event| event.attributes.text("exception.type")).chain(ERRORS).collect();
    types.sort_unstable();
    types.dedup();
    types.into_iter().map(str::to_owned).collect()
}

/// The series of the calls of httpbin, one for each method and status.
pub(super) fn for_calls(run: &Run) -> Vec<Series> {
    let served: BTreeMap<String, Served<'_>> =
        served_in(run).map(|served| (served.trace.id.clone(), served)).collect();
    let errors = errors(run);
    let mut all: BTreeMap<Facts, Series> = BTreeMap::new();
    for call in &run.upstream {
        let facts = Facts::http(&call.method, call.status, run.httpbin_port, &errors);
        let names = call.traceparent();
        let request = names.and_then(|(trace, _)| served.get(trace));
        let span = names.and_then(|(_, id)| request?.trace.span(id));
        if request.is_some_and(|request| request.cancelled(call)) {
            // The call may have been answered before it was cancelled, and its duration is unknown.
            for facts in [facts.clone(), Facts { status: None, ..facts }] {
                let series = Series::entry(&mut all, facts);
                series.count.1 += 1;
                (series.sum.1, series.spans) = (f64::INFINITY, None);
            }
            continue;
        }
        let series = Series::entry(&mut all, facts);
        let most = request
            .map_or(u64::MAX, |request| request.exchange.answered.saturating_sub(request.exchange.sent));
        series.add(call.answered.saturating_sub(call.arrived), most, span);
    }
    all.into_values().collect()
}

/// The only series of the queries.
pub(super) fn for_queries(run: &Run) -> Vec<Series> {
    let facts = Facts {
        method: String::new(),
        status: None,
        port: 0,
        namespace: run.database.names().to_vec(),
        errors: Vec::new(),
    };
    let mut all = BTreeMap::new();
    for exchange in run.queried() {
        let is_own = |span: &&Span| {
            span.kind == SpanKind::Client
                && span.attributes.get("db.system.name").is_some()
                && exchange.parent.as_ref().is_some_and(|parent| parent.trace_id == span.trace_id)
        };
        let span = run.telemetry.spans.iter().find(is_own);
        let most = exchange.answered.saturating_sub(exchange.sent);
        Series::entry(&mut all, facts.clone()).add(0, most, span);
    }
    all.into_values().collect()
}

impl Facts {
    fn http(method: &str, status: u16, port: u16, errors: &[String]) -> Self {
        Self {
            method: method.to_owned(),
            status: Some(status),
            port,
            namespace: Vec::new(),
            errors: errors.to_vec(),
        }
    }
}

impl Series {
    fn entry(all: &mut BTreeMap<Facts, Self>, facts: Facts) -> &mut Self {
        let new = Self {
            facts: facts.clone(),
            count: (0, 0),
            sum: (0.0, 0.0),
            spans: Some(0.0),
            shortest: f64::INFINITY,
        };
        all.entry(facts).or_insert(new)
    }

    /// Adds a value between `least` and `most` nanoseconds, with its span.
    fn add(&mut self, least: u64, most: u64, span: Option<&Span>) {
        let seconds = |nanoseconds: u64| nanoseconds as f64 / 1e9;
        self.count = (self.count.0 + 1, self.count.1 + 1);
        self.sum = (self.sum.0 + seconds(least), self.sum.1 + seconds(most));
        self.spans = self.spans.zip(span).map(|(sum, span)| sum + seconds(span.duration()));
        self.shortest = self.shortest.min(span.map_or(f64::INFINITY, |span| seconds(span.duration())));
    }
}

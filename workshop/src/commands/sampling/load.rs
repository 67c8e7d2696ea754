//! The traces that are sent, of which everything is known.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otlp::model::{Attributes, Dropped, Scope, Span, SpanKind, StatusCode, now, otlp_json};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::messages::Message;
use crate::text;

/// Number of traces.
pub(super) const TRACES: usize = 2_000;
/// Of each this many traces, one fails and one is slow.
const PERIOD: usize = 20;
/// Number of traces that fail.
pub(super) const FAILED: usize = TRACES / PERIOD;
/// Number of traces that are slow.
pub(super) const SLOW: usize = TRACES / PERIOD;
/// Number of spans of each trace.
pub(super) const SPANS: usize = 4;
/// The routes of the service, as names of spans.
pub(super) const ROUTES: [&str; 2] = ["GET /handson", "POST /orders"];
/// The service that is called first.
pub(super) const SERVICE: &str = "handson";
/// One trace in three is exported in two parts: the second one comes this much later, because its service
/// collects batches for longer.
pub(super) const LATE_AFTER: Duration = Duration::from_secs(3);
/// Milliseconds of a trace that is not slow.
const ORDINARY_MS: std::ops::Range<u64> = 20..200;
/// Milliseconds of a slow trace. The threshold of the chapter is 300.
const SLOW_MS: std::ops::Range<u64> = 400..900;
/// Number of traces in one export.
const TRACES_AT_ONCE: usize = 250;
const MS: u64 = 1_000_000;

/// All traces.
pub(super) struct Load {
    pub(super) traces: Vec<Trace>,
}

/// What a trace is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A span of it has the status Error; it is not slow.
    Failed,
    /// It takes longer than the threshold, and has no error.
    Slow,
    /// Neither.
    Ordinary,
}

/// A trace of two services.
pub(super) struct Trace {
    pub(super) id: String,
    pub(super) kind: Kind,
    /// The name of its first span.
    pub(super) route: &'static str,
    /// From the first start to the last end.
    pub(super) milliseconds: u64,
    /// Whether the spans of the first service are exported late.
    pub(super) is_late: bool,
    /// The spans of the service that is called first.
    own: [Arc<Span>; SPANS - 1],
    /// The span of the service that it calls.
    called: [Arc<Span>; 1],
}

impl Trace {
    /// Its first span.
    fn root(&self) -> &Span {
        &self.own[0]
    }

    fn own(&self) -> &[Arc<Span>] {
        &self.own
    }

    fn called(&self) -> &[Arc<Span>] {
        &self.called
    }
}

impl Load {
    /// The traces for this seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let services = [SERVICE, "httpbin"]
            .map(|name| Arc::new(Attributes::from_iter([("service.name".to_owned(), name.into())])));
        let scope = Arc::new(Scope { name: "cargo workshop sampling".to_owned(), ..Scope::default() });
        let end = now();
        Self { traces: (0..TRACES).map(|index| trace(index, &mut random, &services, &scope, end)).collect() }
    }

    /// The number of requests of the first service, and how many of them failed.
    pub(super) fn requests(&self) -> (usize, usize) {
        let failed = self.traces.iter().filter(|trace| trace.root().status == StatusCode::Error);
        (self.traces.len(), failed.count())
    }

    /// Sends all traces to a receiver of OTLP over HTTP.
    ///
    /// # Errors
    ///
    /// An export is refused.
    pub(super) async fn send(&self, port: u16) -> Result<(), Message> {
        let client = client().map_err(|error| refused(&error))?;
        let (late, prompt): (Vec<&Trace>, Vec<&Trace>) = self.traces.iter().partition(|trace| trace.is_late);
        for some in late.chunks(TRACES_AT_ONCE) {
            export(&client, port, some, Trace::called).await?;
        }
        for some in prompt.chunks(TRACES_AT_ONCE) {
            export(&client, port, some, Trace::called).await?;
            export(&client, port, some, Trace::own).await?;
        }
        tokio::time::sleep(LATE_AFTER).await;
        for some in late.chunks(TRACES_AT_ONCE) {
            export(&client, port, some, Trace::own).await?;
        }
        Ok(())
    }
}

/// Exports some spans of each trace.
async fn export(
    client: &reqwest::Client,
    port: u16,
    traces: &[&Trace],
    spans: fn(&Trace) -> &[Arc<Span>],
) -> Result<(), Message> {
    let spans: Vec<&Arc<Span>> = traces.iter().flat_map(|trace| spans(trace)).collect();
    let body = serde_json::to_vec(&otlp_json::traces(&spans)).map_err(|error| refused(&error))?;
    let request = client
        .post(format!("http://127.0.0.1:{port}/v1/traces"))
        .header("content-type", "application/json")
        .body(body);
    let response = request.send().await.map_err(|error| refused(&error))?;
    let status = response.status();
    let answer = response.text().await.unwrap_or_default();
    if status.is_success() { Ok(()) } else { Err(refused(&format_args!("{status} {answer}"))) }
}

fn refused(reason: &dyn fmt::Display) -> Message {
    text!("the Collector refuses an export of traces: {reason}", reason = reason.to_string())
}

fn client() -> reqwest::Result<reqwest::Client> {
    // This fails if a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build()
}

/// A trace that ended shortly before `now`, in nanoseconds since 1970.
fn trace(
    index: usize,
    random: &mut StdRng,
    [service, called]: &[Arc<Attributes>; 2],
    scope: &Arc<Scope>,
    now: u64,
) -> Trace {
    let kind = match index % PERIOD {
        0 => Kind::Failed,
        10 => Kind::Slow,
        _ => Kind::Ordinary,
    };
    let milliseconds = random.random_range(if kind == Kind::Slow { SLOW_MS } else { ORDINARY_MS });
    let (id, took) = (format!("{:032x}", random.random_range(1..u128::MAX)), milliseconds * MS);
    let start = now - took;
    // Numbers without a common factor, so that each kind has traces of each route, late and not.
    let route = ROUTES[usize::from(index % 7 >= 5)];
    let ids: [String; SPANS] = std::array::from_fn(|_| format!("{:016x}", random.random_range(1..u64::MAX)));
    let mut spans = [
        (service, None, route, SpanKind::Server, start, now),
        (service, Some(0), "handson.dbQuery", SpanKind::Internal, start + took / 8, start + took / 4),
        (service, Some(0), "GET", SpanKind::Client, start + took / 4, start + took / 4 * 3),
        (called, Some(2), "GET /get", SpanKind::Server, start + took / 2, start + took / 8 * 5),
    ]
    .map(|(resource, parent, name, kind, start, end)| Span {
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        trace_id: id.clone(),
        span_id: String::new(),
        parent_span_id: parent.map(|parent: usize| ids[parent].clone()),
        trace_state: String::new(),
        flags: 1,
        name: name.to_owned(),
        kind,
        start,
        end,
        attributes: Attributes::default(),
        events: Vec::new(),
        links: Vec::new(),
        dropped: Dropped::default(),
        status: StatusCode::Unset,
        status_message: String::new(),
    });
    // For policies that select by an attribute.
    if let Some((method, path)) = route.split_once(' ') {
        let attributes = [("http.request.method", method), ("http.route", path)];
        spans[0].attributes =
            attributes.map(|(key, value)| (key.to_owned(), value.into())).into_iter().collect();
    }
    for (span, id) in spans.iter_mut().zip(&ids) {
        id.clone_into(&mut span.span_id);
    }
    if kind == Kind::Failed {
        // The first span, the query or the called service: each in traces that are late and that are not.
        spans[[0, 1, 3][index / PERIOD / 3 % 3]].status = StatusCode::Error;
    }
    let [root, query, call, served] = spans.map(Arc::new);
    Trace {
        id,
        kind,
        route,
        milliseconds,
        is_late: index.is_multiple_of(3),
        own: [root, query, call],
        called: [served],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_traces_are_known_and_every_kind_is_late_and_not_late() {
        let load = Load::new(1);
        let count = |is: &dyn Fn(&Trace) -> bool| load.traces.iter().filter(|trace| is(trace)).count();
        assert_eq!(count(&|trace| trace.kind == Kind::Failed), FAILED);
        assert_eq!(count(&|trace| trace.kind == Kind::Slow), SLOW);
        for kind in [Kind::Failed, Kind::Slow, Kind::Ordinary] {
            for is_late in [true, false] {
                for route in ROUTES {
                    let found = count(&|it| it.kind == kind && it.is_late == is_late && it.route == route);
                    assert!(found > 5, "{kind:?}, late: {is_late}, {route}: {found}");
                }
            }
        }
        let has_error = |trace: &Trace| {
            let spans = trace.own.iter().chain(&trace.called);
            spans.filter(|span| span.status == StatusCode::Error).count() == 1
        };
        assert!(load.traces.iter().all(|trace| has_error(trace) == (trace.kind == Kind::Failed)));
        assert_eq!(load.requests().0, TRACES);
        assert!((1..FAILED).contains(&load.requests().1), "some fail without an error of the first span");
    }

    #[test]
    fn the_same_seed_gives_the_same_traces() {
        let ids = |seed| Load::new(seed).traces.into_iter().map(|trace| trace.id).collect::<Vec<_>>();
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
    }
}

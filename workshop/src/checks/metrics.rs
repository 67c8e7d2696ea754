//! Step 8: the four metrics must equal what the run really did.

mod active;
mod exports;
mod histogram;
mod series;
mod unusual;

use std::collections::BTreeSet;

use super::assert::{Check, each, ensure, fail};
use super::resource::{is_one_program, resource_is_right};
use crate::evidence::{Evidence, Run};
use crate::text;
use crate::verdict::{Expectation, Failure};
use otlp::model::{Attributes, Data, Metric};

const SERVER: &str = "http.server.request.duration";
const CLIENT: &str = "http.client.request.duration";
const DATABASE: &str = "db.client.operation.duration";
const ACTIVE: &str = "http.server.active_requests";

/// Maximum number of series of one metric in an export. These requests cannot explain more.
const MAX_SERIES: usize = 24;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let runs = [&evidence.calm, &evidence.errors];
    if evidence.calm.telemetry.metrics.is_empty() {
        return vec![Expectation::new(
            text!("metrics arrive over OTLP"),
            Err(Failure::new(
                text!("no metric was received"),
                text!(
                    "Build a meter provider with a periodic OTLP exporter, make it the global one before any instrument is created, and \
                     shut it down at the end: the last export happens then."
                ),
            )),
        )];
    }
    let requests = evidence.calm.answered().count();
    let queries = evidence.calm.queried().count();
    let (calls, ours) = (evidence.calm.upstream.len(), || runs.iter().flat_map(|run| metrics_of_steps(run)));
    vec![
        Expectation::new(
            text!(
                "{name}: a histogram in seconds, with {count} values in the calm run",
                name = SERVER,
                count = requests
            ),
            each(runs, |run| histogram::equals(run, SERVER, &series::for_requests(run))),
        ),
        Expectation::new(
            text!(
                "{name}: a histogram in seconds, with {count} values in the calm run",
                name = CLIENT,
                count = calls
            ),
            each(runs, |run| histogram::equals(run, CLIENT, &series::for_calls(run))),
        ),
        Expectation::new(
            text!(
                "{name}: a histogram in seconds, with {count} values in the calm run",
                name = DATABASE,
                count = queries
            ),
            each(runs, |run| histogram::equals(run, DATABASE, &series::for_queries(run))),
        )
        .with_advice(histogram::advice(&evidence.calm)),
        Expectation::new(
            text!(
                "{name}: an up-down counter in {{request}}, which is 0 in each series when all requests are answered",
                name = ACTIVE
            ),
            each(runs.into_iter().chain([&evidence.unusual]), active::returns_to_zero),
        ),
        Expectation::new(
            text!("{name} counts a request while it runs", name = ACTIVE),
            active::counts_what_runs(&evidence.unusual),
        ),
        Expectation::new(
            text!(
                "requests that are not sampled, and those that are answered after SIGTERM, are counted too"
            ),
            unusual::counts_unusual_requests(&evidence.unusual),
        )
        .with_advice(unusual::failed_query_is_missing(&evidence.unusual)),
        Expectation::new(
            text!(
                "{name} has no path, query or unknown method of a caller, and no error.type for a 404 or 405",
                name = SERVER
            ),
            unusual::not_found_is_one_series(&evidence.unusual),
        ),
        Expectation::new(
            text!(
                "{name} has error.type and no status code for a call whose connection breaks or is refused",
                name = CLIENT
            ),
            unusual::has_calls_without_answer(&evidence.unusual),
        )
        .with_advice(unusual::calls_without_answer_are_missing(&evidence.unusual)),
        Expectation::new(
            text!("the health check is not counted"),
            each(ours().flat_map(attributes_of), |attributes| {
                ensure!(
                    attributes.text("http.route") != Some("/healthz"),
                    text!("a point with http.route = \"/healthz\""),
                    text!("It is not a user's request: keep it out of the layer.")
                );
                Ok(())
            }),
        ),
        Expectation::new(
            text!(
                "a series is a kind of request, not one request: no attribute has a different value for each request"
            ),
            each(ours(), has_few_series),
        ),
        Expectation::new(
            text!("the resource of the metrics is that of the spans, and their scope has a name"),
            each(ours(), |metric| {
                resource_is_right(&metric.resource, &evidence.backend)?;
                ensure!(
                    !metric.scope.name.is_empty(),
                    text!("the scope of {name} has no name", name = &metric.name),
                    text!("A meter has a name, of the library or the program that creates the instruments.")
                );
                Ok(())
            })
            .and_then(|()| each(runs, |run| is_one_program(run, ours_of(run)))),
        ),
    ]
}

fn ours_of(run: &Run) -> Vec<&Attributes> {
    run.telemetry.metrics.iter().map(|metric| &*metric.resource).collect()
}

/// The metrics that this step checks. A program may have others.
fn metrics_of_steps(run: &Run) -> impl Iterator<Item = &Metric> {
    let names = [SERVER, CLIENT, DATABASE, ACTIVE];
    run.telemetry.metrics.iter().filter(move |metric| names.contains(&metric.name.as_str()))
}

fn attributes_of(metric: &Metric) -> Vec<&Attributes> {
    match &metric.data {
        Data::Histogram { points, .. } | Data::ExponentialHistogram { points, .. } => {
            points.iter().map(|point| &point.attributes).collect()
        }
        Data::Sum { points, .. } | Data::Gauge(points) => {
            points.iter().map(|point| &point.attributes).collect()
        }
        _ => Vec::new(),
    }
}

fn has_few_series(metric: &Metric) -> Check {
    let all = attributes_of(metric);
    let is_id = |text: &str| text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let id = all.iter().flat_map(|set| set.iter()).find(|(_, value)| is_id(&value.unquoted()));
    if id.is_none() && all.len() <= MAX_SERIES {
        return Ok(());
    }
    let values = |key: &str| {
        all.iter().filter_map(|set| set.get(key)).map(ToString::to_string).collect::<BTreeSet<_>>().len()
    };
    // The attribute with the most values.
    let keys: BTreeSet<&str> = all.iter().flat_map(|set| set.iter()).map(|(key, _)| key).collect();
    let most = || keys.into_iter().max_by_key(|key| values(key)).unwrap_or_default();
    let key = id.map_or_else(most, |(key, _)| key);
    fail(
        text!(
            "{count} series of {name}; {key} has {values} values",
            count = all.len(),
            name = &metric.name,
            key,
            values = values(key)
        ),
        text!(
            "Each value creates a separate series, which uses memory forever: what belongs to one request only, such as a trace id or \
             a URL, is an attribute of a span and not of a metric."
        ),
    )
}

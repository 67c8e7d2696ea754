//! Step 5: a CLIENT span for the database query, below the SERVER span of the request.

mod attributes;

use std::collections::BTreeSet;

use super::assert::{Check, each, ensure, fail, on};
use super::requests::{
    CLOCK_TOLERANCE, COARSE_GRAIN, Served, cause_of_lost_parent_of, fails_at_the_query, is_in_place,
    is_within, lost_or_not_sampled, no_server_spans, served, served_in, tree,
};
use crate::evidence::Evidence;
use crate::messages::Message;
use crate::text;
use crate::verdict::Expectation;
use otlp::model::{Span, SpanKind, StatusCode};

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let failed: Vec<Served<'_>> = served_in(&evidence.unusual).filter(fails_at_the_query).collect();
    let served: Vec<Served<'_>> = served(evidence).collect();
    let served = || served.iter();
    let all = || served().filter(|served| !served.stopped_at_httpbin());
    let found = Expectation::new(
        text!("one CLIENT span of the database for each request, below its SERVER span"),
        each(all(), |served| has_one_query(served)),
    );
    if !found.is_met() {
        return vec![found];
    }
    vec![
        found,
        Expectation::new(
            text!(
                "db.system.name = sqlite, db.namespace, db.operation.name, db.collection.name, db.query.text and \
                 db.query.summary, each with the value of the query"
            ),
            each(all(), |served| {
                each(queries(served), |span| on(span, attributes::are_right(span, served.run)))
            }),
        )
        .with_advice(
            all().find_map(|served| {
                queries(served).into_iter().find_map(|span| attributes::advice(span, served.run))
            }),
        ),
        Expectation::new(
            text!("it is named by the operation, and by the table or the database"),
            each(all(), |served| each(queries(served), |span| attributes::is_named(span, served.run))),
        ),
        Expectation::new(
            text!("an INTERNAL span handson.dbQuery around it"),
            each(all(), |served| is_inside(served)),
        ),
        Expectation::new(
            text!("a query that succeeds has neither the status Error nor error.type"),
            each(all(), |served| each(queries(served), |span| on(span, has_not_failed(span)))),
        ),
        Expectation::new(
            text!("a request that fails before its query has no query span"),
            each(served().filter(|served| served.stopped_at_httpbin()), |served| has_no_query(served)),
        ),
        Expectation::new(
            text!("a query that fails has a CLIENT span too, with the status Error"),
            each(&failed, marks_its_failure),
        )
        .with_advice(failed.iter().find_map(lacks_error_type)),
    ]
}

fn is_query(span: &Span) -> bool {
    span.kind != SpanKind::Internal && span.attributes.iter().any(|(key, _)| key.starts_with("db."))
}

/// The driver's spans. Functions around the query may also have its attributes, but they are INTERNAL.
///
/// Some drivers also make spans for connections and rows: then the query's span is the one with the query
/// text.
fn queries<'a>(served: &Served<'a>) -> Vec<&'a Span> {
    let all: Vec<&Span> = served.trace.spans.iter().copied().filter(|span| is_query(span)).collect();
    let has_text = |span: &&Span| span.attributes.get("db.query.text").is_some();
    if all.iter().any(has_text) { all.into_iter().filter(has_text).collect() } else { all }
}

fn has_one_query(served: &Served<'_>) -> Check {
    let queries = queries(served);
    let [query] = queries[..] else {
        let is_internal = |span: &&Span| span.attributes.get("db.system.name").is_some();
        let servers = served.run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Server);
        let requests: BTreeSet<&str> = servers.map(|span| span.trace_id.as_str()).collect();
        let all = || served.run.telemetry.spans.iter().filter(|span| is_query(span));
        let cause = if queries.len() > 1 {
            text!("The query has more than one CLIENT span with db.* attributes; keep the driver's.")
        } else if served.trace.of_kind(SpanKind::Internal).iter().any(is_internal) {
            text!("A call of a database has the kind CLIENT, also if the database is a file.")
        } else if all().any(|span| !requests.contains(span.trace_id.as_str())) {
            text!(
                "Spans with db.* attributes arrive, but outside this request: the query runs without the request's context."
            )
        } else if all().next().is_some() {
            lost_or_not_sampled()
        } else {
            text!(
                "Wrap the pool (instrumentation::database::Pool), and send the query through the wrapped one."
            )
        };
        return fail(tree(&served.trace), cause);
    };
    ensure!(
        query.kind == SpanKind::Client,
        text!(
            "{name} has the kind {kind}\n{tree}",
            name = &query.name,
            kind = format!("{:?}", query.kind),
            tree = served.trace.tree()
        ),
        text!("A call of a database has the kind CLIENT, also if the database is a file.")
    );
    ensure!(
        served.trace.is_below(query, served.server),
        tree(&served.trace),
        cause_of_lost_parent_of(served, query).unwrap_or_else(|| {
            text!("The query's span is not below GET /handson: the context was lost on the way.")
        })
    );
    Ok(())
}

fn is_inside(served: &Served<'_>) -> Check {
    let around = served.trace.named("handson.dbQuery");
    let queries = queries(served);
    let lost = || queries.iter().find_map(|query| cause_of_lost_parent_of(served, query));
    let [around] = around[..] else {
        let cause = around.is_empty().then(lost).flatten().unwrap_or_else(|| {
            text!("Instrument the function that queries the database, under the name handson.dbQuery, once.")
        });
        return fail(tree(&served.trace), cause);
    };
    ensure!(
        around.kind == SpanKind::Internal,
        text!("handson.dbQuery has the kind {kind}", kind = format!("{:?}", around.kind)),
        text!("It is a function of the service, so its kind is INTERNAL.")
    );
    ensure!(
        queries.iter().all(|query| served.trace.is_below(query, around))
            && served.trace.is_below(around, served.server),
        tree(&served.trace),
        lost().or_else(|| cause_of_lost_parent_of(served, around)).unwrap_or_else(|| {
            text!(
                "The query's span should be below handson.dbQuery, and that below GET /handson: the query must be awaited inside."
            )
        })
    );
    each(&queries, |query| is_within(&served.trace, query, around))?;
    is_in_place(served, around)?;
    ensure!(
        // A clock with a resolution of milliseconds may not have advanced.
        queries.iter().all(|query| query.duration() > 0 || query.start.is_multiple_of(COARSE_GRAIN)),
        tree(&served.trace),
        text!(
            "A query takes time: the span is started before it is sent, and ended when its rows have arrived."
        )
    );
    on(around, has_not_failed(around))?;
    // The query runs after httpbin has answered.
    let calls = served.run.upstream_of(served.index).map(|call| call.answered).max();
    ensure!(
        calls.is_none_or(|answered| around.start.saturating_add(CLOCK_TOLERANCE) >= answered),
        tree(&served.trace),
        text!(
            "The query runs after the calls of httpbin, and its span began before they were answered: start the span when the query starts."
        )
    );
    Ok(())
}

fn has_not_failed(span: &Span) -> Check {
    ensure!(
        span.status != StatusCode::Error,
        text!("status Error though the query succeeded"),
        text!("The query succeeded, even if its request failed later: leave the status unset.")
    );
    ensure!(
        span.attributes.get("error.type").is_none(),
        text!("error.type though the query succeeded"),
        text!("error.type is the class of a failure: leave it out if nothing failed.")
    );
    Ok(())
}

fn has_no_query(served: &Served<'_>) -> Check {
    ensure!(
        queries(served).is_empty() && served.trace.named("handson.dbQuery").is_empty(),
        tree(&served.trace),
        text!("httpbin had failed before, so no query ran: start the span when the query runs.")
    );
    Ok(())
}

fn marks_its_failure(served: &Served<'_>) -> Check {
    let queries = queries(served);
    ensure!(
        !queries.is_empty(),
        tree(&served.trace),
        text!("A query that fails also has a span: end it on every path out of the query.")
    );
    each(queries, |span| {
        ensure!(
            span.status == StatusCode::Error,
            tree(&served.trace),
            text!("The query has failed: set the status of its span to Error.")
        );
        Ok(())
    })
}

/// Advice only, because few drivers set it.
fn lacks_error_type(served: &Served<'_>) -> Option<Message> {
    let lacks = queries(served).iter().any(|span| span.attributes.text("error.type").is_none());
    lacks.then(|| {
        text!("The conventions require error.type on the span of a query that failed, besides the status.")
    })
}

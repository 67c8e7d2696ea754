//! Step 5: a CLIENT span of the database below the request.

use super::words::{Served, Want, Wrong, attribute, expect, first_of, no_server_spans, on, served_in, wrong};
use crate::evidence::Evidence;
use crate::verdict::Expectation;
use otlp::model::{Span, SpanKind};

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let all = || served_in(&evidence.calm);
    let found = expect(
        "one CLIENT span of the database for each request, below its SERVER span",
        first_of(all(), |served| one_query(&served)),
    );
    if !found.is_met() {
        return vec![found];
    }
    vec![
        found,
        expect(
            "db.system.name = sqlite, db.namespace, db.operation.name, db.collection.name, db.query.text and db.query.summary",
            first_of(all(), |served| {
                queries(&served).into_iter().find_map(|span| on(span, attributes(span)))
            }),
        ),
        expect("an INTERNAL span handson.dbQuery around it", first_of(all(), |served| inside(&served))),
    ]
}

fn queries<'a>(served: &Served<'a>) -> Vec<&'a Span> {
    let spans = served.trace.spans.iter().copied();
    spans.filter(|span| span.attributes.0.iter().any(|(key, _)| key.starts_with("db."))).collect()
}

fn one_query(served: &Served<'_>) -> Option<Wrong> {
    let queries = queries(served);
    let [query] = queries[..] else {
        let elsewhere = served.run.telemetry.spans.iter();
        let elsewhere =
            elsewhere.filter(|span| span.attributes.0.iter().any(|(key, _)| key.starts_with("db."))).count();
        let cause = if queries.len() > 1 {
            "The query has more than one span with db.* attributes; keep the driver's."
        } else if elsewhere > 0 {
            "Spans with db.* attributes come, but outside this request: the query runs without the request's context."
        } else {
            "Wrap the pool (instrumentation::database::Pool), and send the query through the wrapped one."
        };
        return wrong(served.trace.tree(), cause);
    };
    if query.kind != SpanKind::Client {
        return wrong(
            format!("{} has the kind {:?}\n{}", query.name, query.kind, served.trace.tree()),
            "A call of a database has the kind CLIENT, also where the database is a file.",
        );
    }
    if !served.trace.is_below(query, served.server) {
        return wrong(
            served.trace.tree(),
            "The query's span is not below GET /handson: the context was lost on the way.",
        );
    }
    None
}

fn attributes(span: &Span) -> Option<Wrong> {
    let about = &span.attributes;
    let wanted: [(&str, Want<'_>, &[&str]); 6] = [
        ("db.system.name", Want::Text("sqlite"), &["db.system"]),
        ("db.operation.name", Want::Text("SELECT"), &["db.operation"]),
        ("db.collection.name", Want::Text("users"), &["db.sql.table"]),
        ("db.query.text", Want::AnyText, &["db.statement"]),
        ("db.query.summary", Want::AnyText, &[]),
        ("db.namespace", Want::AnyText, &["db.name"]),
    ];
    wanted.iter().find_map(|(key, want, old)| attribute(about, key, want, old)).or_else(|| {
        let namespace = about.text("db.namespace")?;
        namespace.contains("sqlx-in-memory").then(|| {
            let cause = "That is a name of sqlx's own making, another one at every start: give the wrapped pool the configured name.";
            (format!("db.namespace = {namespace:?}"), cause.to_owned())
        })
    })
}

fn inside(served: &Served<'_>) -> Option<Wrong> {
    let around = served.trace.named("handson.dbQuery");
    let [around] = around[..] else {
        return wrong(
            served.trace.tree(),
            "Instrument the function that asks the database, under the name handson.dbQuery, once.",
        );
    };
    if around.kind != SpanKind::Internal {
        return wrong(
            format!("handson.dbQuery has the kind {:?}", around.kind),
            "It is a function of ours: INTERNAL.",
        );
    }
    let below = queries(served).iter().all(|query| served.trace.is_below(query, around));
    if below && served.trace.is_below(around, served.server) {
        return None;
    }
    wrong(
        served.trace.tree(),
        "The query's span should be below handson.dbQuery, and that below GET /handson: the query must be awaited inside.",
    )
}

//! What each service did, by the names of its entry spans: requests, messages and jobs.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::Serialize;

use super::recent::Recent;
use crate::page::Context;
use crate::pages::format::{self, address};
use crate::store::is_entry;
use otlp::model::{SpanKind, StatusCode as Outcome};

/// Maximum number of operations to show.
const MAX_OPERATIONS: usize = 100;

/// The spans of one service with the same name and kind.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Operation {
    service: String,
    name: String,
    kind: String,
    count: u64,
    errors: u64,
    per_second: f64,
    p95_ms: f64,
}

/// The operations of all services, and the number of spans that belong to others.
pub(super) struct Operations {
    pub(super) all: Vec<Operation>,
    pub(super) left_out: u64,
}

impl Operations {
    pub(super) fn new(recent: &Recent<'_>) -> Self {
        let mut found: BTreeMap<(&str, &str, SpanKind), (u64, Vec<u64>)> = BTreeMap::new();
        let mut left_out = 0;
        for span in recent.traces.iter().flat_map(|trace| trace.spans()).filter(|span| is_entry(span)) {
            let key = (span.service(), span.name.as_str(), span.kind);
            if found.len() >= MAX_OPERATIONS && !found.contains_key(&key) {
                left_out += 1;
                continue;
            }
            let operation = found.entry(key).or_default();
            operation.0 += u64::from(span.status == Outcome::Error);
            operation.1.push(span.duration());
        }
        let all = found.into_iter().map(|((service, name, kind), (errors, durations))| Operation {
            service: service.to_owned(),
            name: name.to_owned(),
            kind: format!("{kind:?}").to_uppercase(),
            count: durations.len() as u64,
            errors,
            per_second: durations.len() as f64 / recent.seconds,
            p95_ms: super::recent::p95(durations) as f64 / 1e6,
        });
        Self { all: all.collect(), left_out }
    }
}

pub(super) fn table(context: &Context, operations: &[Operation], left_out: u64) -> Markup {
    let lang = context.lang;
    html! {
        section {
            h2 { (lang.tr("Operations")) }
            div.scroll { table {
                thead { tr {
                    th { (lang.tr("Service")) } th { (lang.tr("Operation")) } th.minor { (lang.tr("Kind")) }
                    th.number { (lang.tr("Calls")) } th.number { (lang.tr("Errors")) } th.number { "p95" }
                } }
                tbody {
                    @for operation in operations {
                        @let errors = operation.errors as f64 / operation.count.max(1) as f64;
                        tr {
                            td { (context.service(&operation.service)) }
                            td { a href=(address("/traces", &[("service", &operation.service), ("name", &operation.name)])) {
                                (format::short(&operation.name, 100)) } }
                            td.quiet.minor { (operation.kind) }
                            td.number { (format::number(operation.per_second)) "/s" }
                            td.number.bad[operation.errors > 0] { (format::percent(errors)) }
                            td.number { (format::duration(operation.p95_ms * 1e6)) }
                        }
                    }
                }
            } }
            @if left_out > 0 {
                p.quiet { (lang.trf("{n} spans of further operations are not listed.", &[("n", &left_out)])) }
            }
        }
    }
}

//! Changes of log records.

use std::collections::BTreeMap;
use std::sync::Arc;

use otlp::model::{LogRecord, Value};
use workshop::evidence::Evidence;

use super::values::{CHANGES, another_id};
use super::{Mutation, Places, of_roles, runs};

const HOUR: u64 = 3_600_000_000_000;

type Change = Box<dyn Fn(&mut LogRecord) + Send + Sync>;

fn role(record: &LogRecord) -> String {
    let body = record.body.unquoted();
    format!("records {} ({})", body.split(" http").next().unwrap(), record.severity_text)
}

pub fn mutations(right: &Evidence) -> Vec<Mutation> {
    let all = right.calm.telemetry.log_records.iter().chain(&right.errors.telemetry.log_records);
    let roles: BTreeMap<String, &LogRecord> = all.map(|record| (role(record), record)).collect();
    of_roles(&roles, |role, example, places| {
        let changes = changes(example).into_iter();
        let of_each = changes.map(|(name, change)| of_each(role, places, &name, change));
        of_each.chain(of_lists(role, places)).collect()
    })
}

fn of_each(meant: &str, places: Places, name: &str, change: Change) -> Mutation {
    let meant = meant.to_owned();
    Mutation {
        description: places.describe(&meant, name),
        change: Box::new(move |evidence| {
            let records = runs(evidence).into_iter().flat_map(|run| &mut run.telemetry.log_records);
            places.change(records, |record| role(record) == meant, &change);
        }),
    }
}

fn changes(example: &LogRecord) -> Vec<(String, Change)> {
    let mut changes: Vec<(String, Change)> = vec![
        ("no severity".to_owned(), Box::new(|record| record.severity_number = 0)),
        ("severity of DEBUG".to_owned(), Box::new(|record| record.severity_number = 5)),
        (
            "another severity".to_owned(),
            Box::new(|record| {
                record.severity_number = if record.severity_number >= 17 { 9 } else { 17 };
            }),
        ),
        ("no body".to_owned(), Box::new(|record| record.body = Value::Empty)),
        (
            "another body".to_owned(),
            Box::new(|record| record.body = Value::from(format!("{}x", record.body.unquoted()))),
        ),
        (
            "a JSON object as body".to_owned(),
            Box::new(|record| {
                record.body = Value::from(format!("{{\"message\":\"{}\"}}", record.body.unquoted()));
            }),
        ),
        (
            "a body of another type".to_owned(),
            Box::new(|record| record.body = Value::Array(vec![record.body.clone()])),
        ),
        (
            "an hour before".to_owned(),
            Box::new(|record| {
                record.time = record.time.saturating_sub(HOUR);
                record.observed -= HOUR;
            }),
        ),
        (
            "an hour after".to_owned(),
            Box::new(|record| {
                (record.time, record.observed) = (record.observed + HOUR, record.observed + HOUR);
            }),
        ),
        (
            "no scope".to_owned(),
            Box::new(|record| {
                let mut scope = (*record.scope).clone();
                scope.name.clear();
                record.scope = Arc::new(scope);
            }),
        ),
        (
            "ids in attributes".to_owned(),
            Box::new(|record| record.attributes.set("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736".into())),
        ),
    ];
    if example.trace_id.is_some() {
        changes.extend([
            ("no trace id".to_owned(), Box::new(|record: &mut LogRecord| record.trace_id = None) as Change),
            ("no span id".to_owned(), Box::new(|record| record.span_id = None)),
            (
                "another trace id".to_owned(),
                Box::new(|record| record.trace_id = record.trace_id.as_deref().map(another_id)),
            ),
            (
                "another span id".to_owned(),
                Box::new(|record| record.span_id = record.span_id.as_deref().map(another_id)),
            ),
        ]);
    }
    for (key, _) in example.attributes.iter() {
        for (name, change) in CHANGES {
            let key = key.to_owned();
            changes.push((
                format!("{name} {key}"),
                Box::new(move |record| change(&mut record.attributes, &key)),
            ));
        }
    }
    for key in ["service.name", "service.version", "deployment.environment.name"] {
        for (name, change) in CHANGES {
            changes.push((
                format!("{name} {key} of the resource"),
                Box::new(move |record| {
                    let mut resource = (*record.resource).clone();
                    change(&mut resource, key);
                    record.resource = Arc::new(resource);
                }),
            ));
        }
    }
    changes
}

fn of_lists(meant: &str, places: Places) -> Vec<Mutation> {
    let mutation = |name: &str, change: fn(&mut Vec<LogRecord>, usize)| {
        let meant = meant.to_owned();
        Mutation {
            description: places.describe(&meant, name),
            change: Box::new(move |evidence| {
                for run in runs(evidence) {
                    let records = &mut run.telemetry.log_records;
                    let found = records.iter().enumerate().filter(|(_, record)| role(record) == meant);
                    let limit = if places == Places::One { 1 } else { usize::MAX };
                    let found: Vec<usize> = found.map(|(index, _)| index).take(limit).collect();
                    found.into_iter().rev().for_each(|index| change(records, index));
                }
            }),
        }
    };
    vec![
        mutation("not sent", |records, index| drop(records.remove(index))),
        mutation("sent twice", |records, index| records.push(records[index].clone())),
    ]
}

//! Changes of log lines.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use workshop::evidence::Evidence;

use super::values::{another_json_type, another_json_value};
use super::{Mutation, Places, of_roles, runs};

const IDS: [&str; 6] = ["trace.id", "trace_id", "dd.trace_id", "span.id", "span_id", "dd.span_id"];

type Line = Map<String, Value>;
type Change = Box<dyn Fn(&mut Line) + Send + Sync>;

fn parse(line: &str) -> Line {
    serde_json::from_str(line).unwrap()
}

fn role(line: &Line) -> String {
    format!(
        "lines {} ({})",
        line["message"].as_str().unwrap().split(" http").next().unwrap(),
        line["level"].as_str().unwrap()
    )
}

pub fn mutations(right: &Evidence) -> Vec<Mutation> {
    let all = right.calm.stdout.iter().chain(&right.errors.stdout).map(|line| parse(line));
    let roles: BTreeMap<String, Line> = all.map(|line| (role(&line), line)).collect();
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
            let lines = runs(evidence).into_iter().flat_map(|run| &mut run.stdout);
            places.change(
                lines,
                |line| role(&parse(line)) == meant,
                |line| {
                    let mut object = parse(line);
                    change(&mut object);
                    *line = Value::Object(object).to_string();
                },
            );
        }),
    }
}

fn changes(example: &Line) -> Vec<(String, Change)> {
    let mut changes: Vec<(String, Change)> = Vec::new();
    for key in example.keys() {
        let key = || key.clone();
        let (dropped, typed, valued) = (key(), key(), key());
        changes.push((format!("drop {dropped}"), Box::new(move |line| drop(line.remove(&dropped)))));
        changes.push((
            format!("another type of {typed}"),
            Box::new(move |line| drop(line.insert(typed.clone(), another_json_type(&line[&typed])))),
        ));
        changes.push((
            format!("another value of {valued}"),
            Box::new(move |line| drop(line.insert(valued.clone(), another_json_value(&line[&valued])))),
        ));
    }
    if let Some(Value::Object(error)) = example.get("error") {
        for key in error.keys() {
            let (dropped, worded) = (key.clone(), key.clone());
            changes.push((
                format!("drop error.{dropped}"),
                Box::new(move |line| drop(line["error"].as_object_mut().unwrap().remove(&dropped))),
            ));
            changes.push((
                format!("only a word for error.{worded}"),
                Box::new(move |line| line["error"][&worded] = "error".into()),
            ));
        }
    }
    if example.contains_key("error") {
        changes.push((
            "only the message for error.stack".to_owned(),
            Box::new(|line| line["error"]["stack"] = line["error"]["message"].clone()),
        ));
    }
    changes.push((
        "an hour before".to_owned(),
        Box::new(|line| {
            let time = humantime::parse_rfc3339(line["time"].as_str().unwrap()).unwrap();
            let before = time - std::time::Duration::from_secs(3600);
            line.insert("time".to_owned(), humantime::format_rfc3339_micros(before).to_string().into());
        }),
    ));
    if example.contains_key("trace_id") {
        changes
            .push(("no ids".to_owned(), Box::new(|line| IDS.iter().for_each(|id| drop(line.remove(*id))))));
    }
    changes
}

fn of_lists(meant: &str, places: Places) -> Vec<Mutation> {
    let mutation = |name: &str, change: fn(&mut Vec<String>, &[usize])| {
        let meant = meant.to_owned();
        Mutation {
            description: places.describe(&meant, name),
            change: Box::new(move |evidence| {
                for run in runs(evidence) {
                    let found = run.stdout.iter().enumerate().filter(|(_, line)| role(&parse(line)) == meant);
                    let limit = if places == Places::One { 1 } else { usize::MAX };
                    let found: Vec<usize> = found.map(|(index, _)| index).take(limit).collect();
                    change(&mut run.stdout, &found);
                }
            }),
        }
    };
    vec![
        mutation("not written", |lines, meant| {
            meant.iter().rev().for_each(|index| drop(lines.remove(*index)))
        }),
        mutation("written twice", |lines, meant| {
            meant.iter().for_each(|index| lines.push(lines[*index].clone()));
        }),
        mutation("the ids of another request", |lines, meant| {
            let with_ids: Vec<usize> =
                (0..lines.len()).filter(|index| parse(&lines[*index]).contains_key("trace_id")).collect();
            for index in meant {
                let mut own = parse(&lines[*index]);
                let other = with_ids
                    .iter()
                    .map(|index| parse(&lines[*index]))
                    .find(|other| other.get("trace_id") != own.get("trace_id"));
                if let Some(other) = other {
                    for id in IDS {
                        own.insert(id.to_owned(), other[id].clone());
                    }
                    lines[*index] = Value::Object(own).to_string();
                }
            }
        }),
        mutation("text around it", |lines, meant| {
            meant.iter().for_each(|index| lines[*index] = format!("INFO {}", lines[*index]));
        }),
    ]
}

//! Extracts the queries from the dashboard, the monitors and the analysis of the canary.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sources::{ANALYSIS, DASHBOARD, MONITORS, Sources, interpolate};

/// A query and its data source.
#[derive(Debug)]
pub struct Query {
    /// Its place.
    pub place: String,
    pub text: String,
    pub kind: Kind,
}

/// The data source of a query.
#[derive(Debug)]
pub enum Kind {
    Metrics,
    /// The facets that are shown.
    Spans(Vec<String>),
    Logs(Vec<String>),
    ErrorTracking,
}

/// All queries, and those that cannot be parsed.
pub fn queries(sources: &Sources) -> (Vec<Query>, Vec<String>) {
    let (mut found, mut complaints) = (Vec::new(), Vec::new());
    of_dashboard(sources, &mut found, &mut complaints);
    of_monitors(sources, &mut found, &mut complaints);
    // YAML folds several lines to one.
    assert_eq!(sources.text(ANALYSIS).matches("query:").count(), 1, "only one query of {ANALYSIS} is read");
    let (_, folded) = sources.text(ANALYSIS).split_once("query: >-\n").unwrap();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let depth = folded.lines().next().map_or(0, indent);
    let lines: Vec<_> = folded.lines().take_while(|line| indent(line) >= depth).map(str::trim).collect();
    found.push(Query { place: ANALYSIS.to_owned(), text: lines.join(" "), kind: Kind::Metrics });
    (found, complaints)
}

fn of_dashboard(sources: &Sources, found: &mut Vec<Query>, complaints: &mut Vec<String>) {
    let text = interpolate(sources.text(DASHBOARD), &sources.template()).unwrap_or_else(|undefined| {
        complaints.push(format!("{DASHBOARD}: {undefined}"));
        sources.text(DASHBOARD).to_owned()
    });
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let variables = dashboard["template_variables"].as_array().unwrap();
    let variables = variables.iter().map(|variable| {
        let (name, prefix) = (variable["name"].as_str().unwrap(), variable["prefix"].as_str().unwrap());
        (name.to_owned(), format!("{prefix}:{}", variable["defaults"][0].as_str().unwrap()))
    });
    let variables: BTreeMap<String, String> = variables.collect();
    walk(&dashboard, DASHBOARD, &mut |place, widget| {
        let texts = |list: &Value, key: &str| -> Vec<String> {
            list.as_array().map_or(Vec::new(), |list| list.iter().map(|one| string(&one[key])).collect())
        };
        if let Some(formulas) = widget["formulas"].as_array() {
            let names = texts(&widget["queries"], "name");
            complaints.extend(
                unknown_names(formulas, &names).map(|name| format!("{place}: no query is named {name}")),
            );
        }
        // In a list, the columns are next to the query.
        let inner = if widget["query"].is_object() { &widget["query"] } else { widget };
        let Some(source) = inner["data_source"].as_str() else { return };
        let (text, kind) = match source {
            "metrics" => (&inner["query"], Kind::Metrics),
            "logs" => (&inner["search"]["query"], Kind::Logs(texts(&inner["group_by"], "facet"))),
            "logs_stream" if inner != widget => {
                (&inner["query_string"], Kind::Logs(texts(&widget["columns"], "field")))
            }
            "trace_stream" if inner != widget => {
                (&inner["query_string"], Kind::Spans(texts(&widget["columns"], "field")))
            }
            // The same query is found again inside its list.
            "logs_stream" | "trace_stream" => return,
            _ => return complaints.push(format!("{place}: {source} is read by no test")),
        };
        match with_variables(&string(text), &variables) {
            Ok(text) => found.push(Query { place: place.to_owned(), text, kind }),
            Err(unknown) => complaints.push(format!("{place}: {unknown}")),
        }
    });
}

/// Visits each object, with the title of its widget.
fn walk(value: &Value, place: &str, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            let place = value["title"]
                .as_str()
                .map_or_else(|| place.to_owned(), |title| format!("{DASHBOARD}, {title}"));
            visit(&place, value);
            members.values().for_each(|member| walk(member, &place, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, place, visit)),
        _ => {}
    }
}

/// The names in formulas that are not names of queries.
fn unknown_names(formulas: &[Value], names: &[String]) -> impl Iterator<Item = String> {
    let formulas = formulas.iter().map(|formula| string(&formula["formula"]));
    let words = formulas.flat_map(|formula| {
        let words = formula.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::to_owned);
        words.collect::<Vec<_>>()
    });
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()) && !names.contains(word))
}

/// Replaces `$env` by `env:production`.
fn with_variables(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let mut pieces = text.split('$');
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(piece.len());
        let (name, rest) = piece.split_at(end);
        whole += variables.get(name).ok_or_else(|| format!("${name} is not defined"))?;
        whole += rest;
    }
    Ok(whole)
}

fn of_monitors(sources: &Sources, found: &mut Vec<Query>, complaints: &mut Vec<String>) {
    let scope = sources.scope();
    for block in sources.text(MONITORS).split("\nresource \"datadog_monitor\" \"").skip(1) {
        let (name, block) = block.split_once('"').unwrap();
        let place = format!("{MONITORS}, {name}");
        let block = interpolate(block, &scope).unwrap_or_else(|undefined| {
            complaints.push(format!("{place}: {undefined}"));
            block.to_owned()
        });
        let query = block.lines().find_map(|line| line.strip_prefix("  query = \"")?.strip_suffix('"'));
        let text = query.expect("a monitor has a query, in one line").replace("\\\"", "\"");
        // `{{service.name}}` is the value of a tag by which the query is grouped.
        let named = block.split("{{").filter_map(|piece| piece.split_once(".name}}")).map(|(tag, _)| tag);
        for tag in named.filter(|tag| !text.contains(&format!(" by {{{tag}}}"))) {
            complaints.push(format!("{place}: {{{{{tag}.name}}}} is empty, the query is not split by {tag}"));
        }
        let kind = if text.starts_with("error-tracking(") { Kind::ErrorTracking } else { Kind::Metrics };
        found.push(Query { place, text, kind });
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

//! Step 1: one JSON object a line.

mod fields;
mod form;

use serde_json::Value;

use super::log_lines::object;
use super::words::{Wrong, expect, first_of, wrong};
use crate::evidence::{Backend, Evidence};
use crate::verdict::Expectation;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let lines =
        || evidence.calm.stdout.iter().chain(&evidence.errors.stdout).filter(|line| !line.trim().is_empty());
    let objects = || lines().filter_map(|line| Some((line, object(line)?)));
    let form = expect("every line on stdout is one JSON object", form::not_json(evidence));
    if objects().next().is_none() {
        return vec![form];
    }
    vec![
        form,
        expect(
            "each line has time (RFC 3339, UTC), level and message",
            first_of(objects(), |(line, object)| time_level_message(line, &object)),
        ),
        expect(
            "each line says who wrote it: service, env, version, and dd.service, dd.env, dd.version alike; git.* and dd.git.* where git knows",
            first_of(objects(), |(line, object)| identity(line, &object, &evidence.backend)),
        ),
        expect(
            "no line has an HTTP status as `status`, which Datadog takes for the level",
            first_of(objects(), |(line, object)| {
                object["status"]
                    .is_number()
                    .then(|| (line.clone(), "Call it http.response.status_code.".to_owned()))
            }),
        ),
        expect(
            "`time` is when it happened",
            [&evidence.calm, &evidence.errors].into_iter().find_map(fields::time_is_wrong),
        ),
        expect(
            "a line with the message dbQuery for each request, with the user that the database gave: user.id and user.name, both strings",
            fields::queries_are_wrong(&evidence.calm),
        ),
        expect(
            "a line at the start with the address of the service: server.address, a string, and server.port, a number",
            [&evidence.calm, &evidence.errors].into_iter().find_map(fields::address_is_wrong),
        ),
    ]
}

fn time_level_message(line: &str, object: &Value) -> Option<Wrong> {
    let text = |key: &str| object[key].as_str();
    if !text("time").is_some_and(is_utc) {
        return wrong(
            line,
            "`time` should be like 2026-11-24T10:00:00.123Z: tracing-subscriber's SystemTime writes it so.",
        );
    }
    if !text("level").is_some_and(|level| ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level)) {
        return wrong(line, "`level` should be ERROR, WARN, INFO, DEBUG or TRACE: event.metadata().level().");
    }
    match text("message") {
        Some(message) if !message.is_empty() => None,
        _ => wrong(line, "`message` stands at the top level of the object, and is not empty."),
    }
}

/// `2026-11-24T10:00:00Z`, with or without parts of a second.
fn is_utc(time: &str) -> bool {
    let shape = time.bytes().take(19).map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let rest = time.get(19..).unwrap_or_default();
    let rest = rest.strip_suffix('Z').or_else(|| rest.strip_suffix("+00:00"));
    let is_fraction = |rest: &str| {
        rest.is_empty() || rest.strip_prefix('.').is_some_and(|r| r.bytes().all(|b| b.is_ascii_digit()))
    };
    shape.eq(*b"0000-00-00T00:00:00") && rest.is_some_and(is_fraction)
}

fn identity(line: &str, object: &Value, backend: &Backend) -> Option<Wrong> {
    let mut wanted = vec![("service", backend.service.as_str()), ("env", &backend.environment)];
    if let Some(commit) = &backend.commit {
        wanted.push(("git.commit.sha", commit));
    }
    if let Some(repository) = &backend.repository {
        wanted.push(("git.repository", repository));
    }
    for (key, value) in wanted {
        for key in [key.to_owned(), format!("dd.{key}")] {
            if object[&key] != value {
                return wrong(
                    line,
                    format!("{key} is {}, and should be {value:?}; src/identity.rs knows it.", object[&key]),
                );
            }
        }
    }
    for key in ["version", "dd.version"] {
        if !object[key].as_str().is_some_and(|version| version.starts_with(&backend.version)) {
            let want = &backend.version;
            return wrong(
                line,
                format!("{key} is {}, and should begin with {want}: identity::VERSION.", object[key]),
            );
        }
    }
    None
}

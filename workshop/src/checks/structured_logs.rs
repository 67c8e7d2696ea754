//! Step 1: each log line is one JSON object.

mod fields;
mod form;

use serde_json::Value;

use super::assert::{Check, each, ensure, fail};
use super::log_lines::Logged;
use super::resource::is_version;
use crate::evidence::{Backend, Evidence, Origin};
use crate::messages::Message;
use crate::text;
use crate::verdict::Expectation;

const LEVELS: [&str; 5] = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let runs = [&evidence.calm, &evidence.errors];
    let logged = runs.map(Logged::by_run);
    let lines = || logged.iter().flat_map(|logged| &logged.lines);
    let form = Expectation::new(text!("every line on stdout is one JSON object"), form::is_json(evidence));
    if lines().next().is_none() {
        return vec![form];
    }
    vec![
        form,
        Expectation::new(
            text!("each line has time (RFC 3339, UTC), level and message"),
            each(lines(), |(line, object)| has_time_level_message(line, object)),
        ),
        Expectation::new(
            text!(
                "each line has service, env and version, and the same values as dd.service, dd.env and \
                 dd.version; git.* and dd.git.* if git knows them"
            ),
            each(lines(), |(line, object)| has_identity(line, object, &evidence.backend)),
        )
        .with_advice(commit_is_missing(lines(), &evidence.backend)),
        Expectation::new(
            text!("no line has an HTTP status as `status`, which Datadog reads as the level"),
            each(lines(), |(line, object)| {
                let is_http =
                    |status: &str| status.len() == 3 && status.bytes().all(|digit| digit.is_ascii_digit());
                ensure!(
                    !object["status"].is_number() && !object["status"].as_str().is_some_and(is_http),
                    (*line).to_owned(),
                    text!("Call it http.response.status_code.")
                );
                Ok(())
            }),
        ),
        Expectation::new(text!("`time` is when it happened"), each(&logged, fields::times_are_right)),
        Expectation::new(
            text!(
                "a line with the message dbQuery for each query, with the user that the database returned: user.id and user.name, \
                 both strings"
            ),
            each(&logged, fields::queries_are_logged),
        ),
        Expectation::new(
            text!(
                "a line at the start with the address of the service: server.address, a string, and server.port, a number"
            ),
            each(&logged, fields::address_is_logged),
        ),
    ]
}

fn has_time_level_message(line: &str, object: &Value) -> Check {
    let member = |key: &str| object[key].as_str();
    ensure!(
        member("time").is_some_and(is_utc),
        line.to_owned(),
        text!(
            "`time` should be like 2026-11-24T10:00:00.123Z: tracing-subscriber's SystemTime writes this form."
        )
    );
    ensure!(
        member("level").is_some_and(|level| LEVELS.contains(&level)),
        line.to_owned(),
        text!("`level` should be ERROR, WARN, INFO, DEBUG or TRACE: event.metadata().level().")
    );
    ensure!(
        member("message").is_some_and(|message| !message.is_empty()),
        line.to_owned(),
        text!("`message` should be at the top level of the object, and not be empty.")
    );
    Ok(())
}

/// Whether a time has the form `2026-11-24T10:00:00Z`, with or without fractions of a second.
fn is_utc(time: &str) -> bool {
    let shape = time.bytes().take(19).map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let rest = time.get(19..).unwrap_or_default();
    let rest = rest.strip_suffix('Z').or_else(|| rest.strip_suffix("+00:00"));
    let is_fraction = |rest: &str| {
        rest.is_empty() || rest.strip_prefix('.').is_some_and(|r| r.bytes().all(|b| b.is_ascii_digit()))
    };
    shape.eq(*b"0000-00-00T00:00:00") && rest.is_some_and(is_fraction)
}

/// Advice for a program that may not know its commit, although git does.
fn commit_is_missing<'a>(
    mut lines: impl Iterator<Item = &'a (&'a str, Value)>,
    backend: &Backend,
) -> Option<Message> {
    let is_known = backend.origin == Origin::Command && backend.commit.is_some();
    (is_known && lines.any(|(_, object)| object["git.commit.sha"].is_null())).then(|| {
        text!(
            "git knows the commit: with git.commit.sha and git.repository in each line (and dd.git.*), a line leads to the \
             source. A build can write both into the program."
        )
    })
}

fn has_identity(line: &str, object: &Value, backend: &Backend) -> Check {
    let known = [
        ("service", Some(&backend.service)),
        ("env", Some(&backend.environment)),
        ("git.commit.sha", backend.commit.as_ref()),
        ("git.repository", backend.repository.as_ref()),
    ];
    for (key, value) in known {
        let Some(value) = value else { continue };
        // A backend's build asks git. Any other program may not know the commit.
        let may_be_absent = backend.origin == Origin::Command && key.starts_with("git.");
        for key in [key.to_owned(), format!("dd.{key}")] {
            if object[&key] != value.as_str() && !(may_be_absent && object[&key].is_null()) {
                return fail(
                    line.to_owned(),
                    text!(
                        "{key} is {seen}, and should be {right}; src/identity.rs has it.",
                        key = &key,
                        seen = &object[&key],
                        right = format!("{value:?}")
                    ),
                );
            }
        }
    }
    for key in ["version", "dd.version"] {
        if !is_version(object[key].as_str(), backend) {
            return fail(
                line.to_owned(),
                text!(
                    "{key} is {seen}, and should begin with {right}: identity::VERSION.",
                    key,
                    seen = &object[key],
                    right = backend.package_version()
                ),
            );
        }
    }
    ensure!(
        object["version"] == object["dd.version"],
        line.to_owned(),
        text!("version and dd.version are the same: identity::VERSION.")
    );
    Ok(())
}

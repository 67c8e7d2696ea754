//! What every signal's resource must name.

use super::assert::{Check, fail};
use super::attributes::{Attribute, Is, attributes_are, required, text};
use crate::evidence::Backend;
use crate::text;
use crate::verdict::Failure;
use otlp::model::{Attributes, Value};

static RESOURCE: &[Attribute<Backend>] = &[
    required("service.name", |backend| text(&backend.service), &[]),
    required(
        "deployment.environment.name",
        |backend| text(&backend.environment),
        &["deployment.environment"],
    ),
    required("telemetry.sdk.language", |_| Is::Text, &[]),
    // Advice for it would come with every step.
    required("service.instance.id", |_| Is::Any, &[]),
];

/// The resource names service, version and environment.
pub(super) fn resource_is_right(resource: &Attributes, backend: &Backend) -> Check {
    attributes_are(resource, RESOURCE, backend)
        .and_then(|()| version(resource.text("service.version"), backend))
        .map_err(|Failure { seen, cause }| Failure::new(text!("in the resource: {seen}", seen), cause))
}

/// Two starts of the program are two instances.
pub(super) fn instances_differ<'a>(
    first: impl IntoIterator<Item = &'a Attributes>,
    second: impl IntoIterator<Item = &'a Attributes>,
) -> Check {
    let id = |resource: &Attributes| resource.get("service.instance.id").cloned();
    let first: Option<Value> = first.into_iter().find_map(id);
    match (first, second.into_iter().find_map(id)) {
        (Some(first), Some(second)) if first == second => fail(
            text!("service.instance.id = {first} in two runs of the program", first = &first),
            text!(
                "Each start of the program is an instance of its own: make a new id at the start, such as a random UUID."
            ),
        ),
        _ => Ok(()),
    }
}

/// The package's version, with or without the commit: `0.1.0`, `0.1.0+3d3c42e`.
fn version(version: Option<&str>, backend: &Backend) -> Check {
    let package = backend.version.as_str();
    let build = version.and_then(|version| version.strip_prefix(package));
    let is_commit = |build: &str| match (build.strip_prefix('+'), &backend.commit) {
        (Some(build), Some(commit)) => build.len() >= 7 && commit.starts_with(build),
        (Some(build), None) => !build.is_empty(),
        (None, _) => build.is_empty(),
    };
    match version {
        Some(_) if build.is_some_and(is_commit) => Ok(()),
        seen => fail(
            text!("service.version = {seen}", seen = format!("{seen:?}")),
            text!(
                "service.version begins with the package's version, {package}: identity::VERSION has it.",
                package
            ),
        ),
    }
}

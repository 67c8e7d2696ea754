//! The attributes that the resource of every signal must have.

use std::collections::BTreeSet;

use super::assert::{Check, each, ensure, fail};
use super::attributes::{Attribute, Is, attributes_are, recommended, required, text};
use crate::evidence::{Backend, Origin, Run};
use crate::text;
use crate::verdict::Failure;
use otlp::model::Attributes;

static RESOURCE: &[Attribute<Backend>] = &[
    required("service.name", |backend| text(&backend.service), &[]),
    required(
        "deployment.environment.name",
        |backend| text(&backend.environment),
        &["deployment.environment"],
    ),
    required("telemetry.sdk.language", |_| Is::Text, &[]),
    // `Any`, because advice about it would be repeated in every step.
    required("service.instance.id", |_| Is::Any, &[]),
    recommended("vcs.ref.head.revision", |backend| known(&backend.commit), &[]),
    recommended("vcs.repository.url.full", |backend| known(&backend.repository), &[]),
];

/// The value that git has; if git has none, any value, because a build may get it elsewhere.
fn known(value: &Option<String>) -> Is {
    value.as_deref().map_or(Is::Any, text)
}

/// The resource must name service, version and environment.
pub(super) fn resource_is_right(resource: &Attributes, backend: &Backend) -> Check {
    attributes_are(resource, RESOURCE, backend)
        .and_then(|()| version(resource.text("service.version"), backend))
        .map_err(|Failure { seen, cause }| Failure::new(text!("in the resource: {seen}", seen), cause))
}

/// All signals of a run must come from one instance of one version. `more` are the resources of metrics,
/// which the steps before leave out.
pub(super) fn is_one_program(run: &Run, more: Vec<&Attributes>) -> Check {
    let telemetry = &run.telemetry;
    let resources = telemetry.spans.iter().map(|span| &*span.resource);
    let resources = resources.chain(telemetry.log_records.iter().map(|record| &*record.resource));
    let resources: Vec<&Attributes> = resources.chain(more).collect();
    each(["service.instance.id", "service.version"], |key| {
        let values = resources.iter().filter_map(|resource| resource.text(key)).map(release);
        let values: Vec<&str> = values.collect::<BTreeSet<_>>().into_iter().collect();
        match &values[..] {
            [one, other, ..] => fail(
                text!("{key} = {one} and {other} in one run of the program", key, one = *one, other = *other),
                text!(
                    "Traces, metrics and logs of a process come from one instance: create the resource once, and give it to all three providers."
                ),
            ),
            _ => Ok(()),
        }
    })
}

/// A version without the commit, which one of several places may leave out.
pub(super) fn release(version: &str) -> &str {
    version.split('+').next().unwrap_or_default()
}

/// The package's version, with or without the commit: `0.1.0`, `0.1.0+3d3c42e`. A command has any version.
pub(super) fn is_version(version: Option<&str>, backend: &Backend) -> bool {
    let Origin::Package { version: package } = &backend.origin else {
        return version.is_some_and(|version| !version.is_empty());
    };
    let build = version.and_then(|version| version.strip_prefix(package.as_str()));
    let is_commit = |build: &str| match (build.strip_prefix('+'), &backend.commit) {
        (Some(build), Some(commit)) => build.len() >= 7 && commit.starts_with(build),
        (Some(build), None) => !build.is_empty(),
        (None, _) => build.is_empty(),
    };
    build.is_some_and(is_commit)
}

fn version(version: Option<&str>, backend: &Backend) -> Check {
    ensure!(
        is_version(version, backend),
        text!("service.version = {seen}", seen = format!("{version:?}")),
        text!(
            "service.version begins with the package's version, {package}: identity::VERSION has it.",
            package = backend.package_version()
        )
    );
    Ok(())
}

//! Step 11: the pipeline gives a new version a share of the traffic, analyses it, and only then gives it all
//! traffic; and the two versions differ in telemetry.

mod analysis;
mod stages;

use serde_json::Value;

use super::assert::{Check, ensure, fail};
use super::deploy::Files;
use crate::deployment::app::{App, TargetGroup};
use crate::deployment::{self, CANARIES};
use crate::evidence::Evidence;
use crate::text;
use crate::verdict::{Expectation, Failure};

pub(super) fn judge(evidence: &Evidence) -> Option<Vec<Expectation>> {
    let files = Files::from_evidence(evidence)?;
    let service = &format!("handson-{}", files.name);
    let app = files.app();
    let of_the_app = |check: &dyn Fn(&App) -> Check| -> Check { check(app.as_ref().map_err(Clone::clone)?) };
    let mut expectations = vec![
        Expectation::new(
            text!(
                "{list} contains {backend} exactly once, and is sorted",
                list = CANARIES,
                backend = files.backend()
            ),
            files.is_listed_in(CANARIES),
        ),
        Expectation::new(
            text!("the service is behind two target groups of a load balancer"),
            of_the_app(&has_two_target_groups),
        ),
        Expectation::new(
            text!("the pipeline has, in this order: {stages}", stages = stages::order()),
            of_the_app(&stages::are_in_order),
        ),
    ];
    // Without stages there are no options to check.
    if app.as_ref().is_ok_and(|app| !stages::stages(app).is_empty()) {
        expectations.push(Expectation::new(
            text!("each stage has valid options, and no others"),
            of_the_app(&stages::have_valid_options),
        ));
        expectations.push(Expectation::new(
            text!("the analysis queries Datadog for {service}, by version", service),
            of_the_app(&|app| analysis::queries_by_version(app, service)),
        ));
    }
    expectations.push(Expectation::new(
        text!("two versions differ in telemetry: service.version has the commit, and no file sets another"),
        no_file_sets_version(&files).and_then(|()| version_has_commit(evidence)),
    ));
    Some(expectations)
}

fn has_two_target_groups(app: &App) -> Check {
    let input = &app.spec.input;
    if let Some(access) = input.access_type.as_deref() {
        ensure!(
            access == "ELB",
            format!("accessType: {access}"),
            text!("Only a load balancer can give a share of the traffic: accessType should be ELB.")
        );
    }
    let primary = target_group("primary", input.target_groups.primary.as_ref())?;
    let canary = target_group("canary", input.target_groups.canary.as_ref())?;
    ensure!(
        primary != canary,
        text!("both are {primary}", primary),
        text!("With one target group, the load balancer cannot tell the canary from the other tasks.")
    );
    Ok(())
}

/// The ARN of a target group, if all its fields are set.
fn target_group<'a>(variant: &'static str, group: Option<&'a TargetGroup>) -> Result<&'a str, Failure> {
    let Some(TargetGroup { target_group_arn: arn, container_name, container_port, .. }) = group else {
        return Err(Failure::new(
            text!("targetGroups has no {variant}", variant),
            text!("Both must be there: `terraform output target_groups` in env/base-infra shows them."),
        ));
    };
    target_group_is_right(variant, arn, container_name, *container_port)?;
    Ok(arn)
}

fn target_group_is_right(variant: &str, arn: &str, container: &str, port: u16) -> Check {
    ensure!(
        arn.starts_with("arn:aws:elasticloadbalancing:") && arn.contains(":targetgroup/"),
        format!("{variant}: {arn}"),
        text!(
            "It should be the ARN of a target group: `terraform output target_groups` in env/base-infra shows it."
        )
    );
    ensure!(
        (container, port) == ("handson-api", 8080),
        format!("{variant}: {container}:{port}"),
        text!("Requests go to the service: handson-api, port 8080.")
    );
    Ok(())
}

fn no_file_sets_version(files: &Files) -> Check {
    let task: Value = deployment::yaml(files.tree, &files.path("taskdef.yaml")).unwrap_or_default();
    for container in task["containerDefinitions"].as_array().into_iter().flatten() {
        let entries = container["environment"].as_array().into_iter().flatten();
        let variable = entries
            .filter_map(|entry| Some((entry["name"].as_str()?, entry["value"].as_str()?)))
            .find(|(key, value)| *key == "DD_VERSION" || value.contains("service.version="));
        let label = &container["dockerLabels"]["com.datadoghq.tags.version"];
        let seen = match variable {
            Some((key, value)) => format!("{key}={value}"),
            None if !label.is_null() => format!("com.datadoghq.tags.version: {label}"),
            None => continue,
        };
        return fail(
            seen,
            text!(
                "An event changes only the line of the image, so this version would stay the same. The program in the image sets its own \
                 version."
            ),
        );
    }
    Ok(())
}

fn version_has_commit(evidence: &Evidence) -> Check {
    let Some(span) = evidence.calm.telemetry.spans.first() else {
        return fail(
            text!("no span was received"),
            text!("Step 2, first-span, sets service.version on the resource."),
        );
    };
    let Some(commit) = evidence.backend.commit.as_deref() else { return Ok(()) };
    let version = span.resource.text("service.version").unwrap_or_default();
    let build = version.split_once('+').map(|(_, build)| build);
    ensure!(
        build.is_some_and(|build| build.len() >= 7 && commit.starts_with(build)),
        format!("service.version: {version:?}"),
        text!(
            "Every commit would have this version. It should be {version}+{commit}: the package's version and the commit.",
            version = evidence.backend.package_version(),
            commit = commit.get(..7).unwrap_or(commit)
        )
    );
    Ok(())
}

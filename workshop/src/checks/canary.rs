//! Step 11: the pipeline gives a new version a share of the traffic, looks, and only then gives it all; and telemetry tells
//! the versions apart.

mod analysis;
mod stages;

use serde_json::Value;

use super::deploy::Files;
use super::words::{Wrong, expect, wrong};
use crate::deployment::app::{App, TargetGroup};
use crate::deployment::{self, CANARIES};
use crate::evidence::Evidence;
use crate::verdict::Expectation;

pub(super) fn judge(evidence: &Evidence) -> Option<Vec<Expectation>> {
    let files = Files::of(evidence)?;
    let name = files.name;
    let app = files.app();
    let of_the_app = |judge: &dyn Fn(&App) -> Option<Wrong>| match &app {
        Ok(app) => judge(app),
        Err(wrong) => Some(wrong.clone()),
    };
    let mut expectations = vec![
        expect(format!("{CANARIES} has backend-{name}, once, and sorted"), files.listed(CANARIES)),
        expect(
            "the service stands behind two target groups of a load balancer",
            of_the_app(&target_groups_are_wrong),
        ),
        expect(
            format!("the pipeline has, in this order: {}", stages::ORDER.join(", ")),
            of_the_app(&stages::stages_are_wrong),
        ),
    ];
    // Without stages there is nothing to say of each.
    if app.as_ref().is_ok_and(|app| !stages::stages(app).is_empty()) {
        expectations.push(expect(
            "each stage has what it takes, and nothing else",
            of_the_app(&stages::options_are_wrong),
        ));
        expectations.push(expect(
            format!("the analysis asks Datadog for handson-{name}, by version"),
            of_the_app(&|app| analysis::analysis_is_wrong(app, name)),
        ));
    }
    expectations.push(expect(
        "telemetry tells two versions apart: service.version names the commit, and no file sets another",
        versions_are_alike(evidence, &files),
    ));
    Some(expectations)
}

fn target_groups_are_wrong(app: &App) -> Option<Wrong> {
    let input = &app.spec.input;
    if let Some(other) = input.access_type.as_deref().filter(|access| *access != "ELB") {
        return wrong(format!("accessType: {other}"), "Weights are of a load balancer: accessType is ELB.");
    }
    let groups = [("primary", &input.target_groups.primary), ("canary", &input.target_groups.canary)];
    for (variant, group) in groups {
        let Some(TargetGroup { target_group_arn, container_name, container_port, .. }) = group else {
            return wrong(
                format!("targetGroups has no {variant}"),
                "Both are to be named: `terraform output target_groups` of env/base-infra says which.",
            );
        };
        if !target_group_arn.starts_with("arn:aws:elasticloadbalancing:")
            || !target_group_arn.contains(":targetgroup/")
        {
            return wrong(
                format!("{variant}: {target_group_arn}"),
                "It is the ARN of a target group: `terraform output target_groups` of env/base-infra.",
            );
        }
        if (container_name.as_str(), *container_port) != ("handson-api", 8080) {
            return wrong(
                format!("{variant}: {container_name}:{container_port}"),
                "Requests go to the service: handson-api, port 8080.",
            );
        }
    }
    let arn = |group: &Option<TargetGroup>| group.as_ref().map(|group| group.target_group_arn.clone());
    (arn(groups[0].1) == arn(groups[1].1)).then(|| {
        (
            format!("both are {}", arn(groups[0].1).unwrap_or_default()),
            "With one target group, the load balancer cannot tell the canary from the others.".to_owned(),
        )
    })
}

fn versions_are_alike(evidence: &Evidence, files: &Files) -> Option<Wrong> {
    let task: Value = deployment::yaml(files.tree, &files.path("taskdef.yaml")).unwrap_or_default();
    for container in task["containerDefinitions"].as_array().into_iter().flatten() {
        let entries = container["environment"].as_array().into_iter().flatten();
        let pinned = entries
            .filter_map(|entry| Some((entry["name"].as_str()?, entry["value"].as_str()?)))
            .find(|(key, value)| *key == "DD_VERSION" || value.contains("service.version="));
        let label = &container["dockerLabels"]["com.datadoghq.tags.version"];
        let seen = match pinned {
            Some((key, value)) => format!("{key}={value}"),
            None if !label.is_null() => format!("com.datadoghq.tags.version: {label}"),
            None => continue,
        };
        return wrong(
            seen,
            "An event changes the image's line and nothing else: this version would stay. The image has its own.",
        );
    }
    let spans = evidence.calm.telemetry.spans.iter();
    let mut versions = spans.map(|span| span.resource.text("service.version").unwrap_or_default());
    let Some(version) = versions.next() else {
        return wrong("no span came", "Step 2, first-span, gives the resource its service.version.");
    };
    let commit = evidence.backend.commit.as_deref()?;
    let build = version.split_once('+').map(|(_, build)| build);
    let names_it = build.is_some_and(|build| build.len() >= 7 && commit.starts_with(build));
    (!names_it).then(|| {
        (
            format!("service.version: {version:?}"),
            format!(
                "Every commit would have this version. It is {}+{}: the package's version and the commit.",
                evidence.backend.version,
                commit.get(..7).unwrap_or(commit)
            ),
        )
    })
}

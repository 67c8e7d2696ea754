//! Mistakes in the files of step 11: the answer's own pipeline, changed.

use workshop::deployment::CANARIES;
use workshop::evidence::Evidence;

use super::deployment::with_file;
use super::{assert_fails, assert_passes, recording, with};

const STEP: &str = "canary";
const APP: &str = "app.pipecd.yaml";

/// The answer's evidence, with other stages.
fn with_stages(change: impl Fn(&mut Vec<String>)) -> Evidence {
    with(|evidence| {
        let files = &mut evidence.backend.deployment.as_mut().unwrap().files;
        let (_, content) = files.iter_mut().find(|(path, _)| path.ends_with(APP)).unwrap();
        let text = String::from_utf8(content.clone()).unwrap();
        let (before, rest) = text.split_once("    stages:\n").unwrap();
        let end = rest.find("\n  # As in").or_else(|| rest.find("\n  eventWatcher")).unwrap() + 1;
        let code: String = rest[..end]
            .lines()
            .filter(|line| !line.trim().starts_with('#'))
            .map(|line| format!("{line}\n"))
            .collect();
        let mut stages: Vec<String> =
            code.split("      - name: ").skip(1).map(|stage| format!("      - name: {stage}")).collect();
        change(&mut stages);
        *content = format!("{before}    stages:\n{}{}", stages.concat(), &rest[end..]).into_bytes();
    })
}

#[test]
fn canary_fails_if_the_files_are_those_of_a_quick_sync() {
    let wrong =
        with(|evidence| evidence.backend.deployment = Some(recording::deployment("deploy", "answer")));
    for words in
        ["It has no line `\"backend-answer\",`", "targetGroups has no primary", "PipeCD does a quick sync"]
    {
        assert_fails(STEP, &wrong, words);
    }
}

#[test]
fn canary_fails_if_terraform_creates_no_target_groups_for_it() {
    let wrong = with_file(CANARIES, "    \"backend-answer\",\n", "");
    assert_fails(STEP, &wrong, "canaries.tf: backend-canary");
}

#[test]
fn canary_fails_if_there_are_not_two_target_groups_of_the_service() {
    for (old, new, words) in [
        (
            "handson-answer-canary/fedcba9876543210",
            "handson-answer-primary/0123456789abcdef",
            "With one target group",
        ),
        (
            "arn:aws:elasticloadbalancing:ap-northeast-1:111122223333:targetgroup/handson-answer-canary/",
            "handson-answer-canary/",
            "It should be the ARN of a target group",
        ),
        ("containerPort: 8080", "containerPort: 80", "handson-api, port 8080"),
        ("containerName: handson-api", "containerName: loadtest", "handson-api, port 8080"),
        ("accessType: ELB", "accessType: SERVICE_DISCOVERY", "Only a load balancer can give a share"),
    ] {
        assert_fails(STEP, &with_file(APP, old, new), words);
    }
}

#[test]
fn canary_fails_if_a_stage_is_missing_or_out_of_order() {
    let names = [
        "ECS_CANARY_ROLLOUT",
        "ECS_TRAFFIC_ROUTING",
        "ANALYSIS",
        "ECS_TRAFFIC_ROUTING",
        "ECS_PRIMARY_ROLLOUT",
        "ECS_CANARY_CLEAN",
    ];
    for (index, name) in names.iter().enumerate() {
        let wrong = with_stages(|stages| {
            assert!(stages[index].contains(name), "{stages:?}");
            stages.remove(index);
        });
        assert_fails(STEP, &wrong, "This is missing: ");
    }
    for (one, other, words) in [
        (0, 1, "Each stage needs the one before it"),
        (1, 2, "Each stage needs the one before it"),
        (2, 4, "must come before"),
        (3, 4, "traffic that is still routed to them gets no response"),
        (4, 5, "Each stage needs the one before it"),
    ] {
        assert_fails(STEP, &with_stages(|stages| stages.swap(one, other)), words);
    }
}

#[test]
fn canary_fails_if_a_stage_has_other_options() {
    for (old, new, words) in [
        ("ECS_CANARY_CLEAN", "ECS_CANARY_CLEANUP", "PipeCD has no such stage for ECS"),
        (
            "          scale: 50",
            "          replicas: 1",
            "PipeCD accepts any key here, but reads only: scale",
        ),
        ("          scale: 50", "          scale: 0", "from 1 to 100 per cent"),
        ("          canary: 20", "          canary: 100", "A canary must not get all of the traffic"),
        ("          canary: 20", "          canray: 20", "This is missing: a share of the traffic"),
    ] {
        assert_fails(STEP, &with_file(APP, old, new), words);
    }
}

#[test]
fn canary_fails_if_the_analysis_queries_another_service_or_expects_nothing() {
    for (old, new, words) in [
        ("service:handson-answer}", "service:handson}", "It should query service:handson-answer"),
        ("max: 0.05", "maximum: 0.05", "unknown field `maximum`"),
        ("                max: 0.05\n", "                {}\n", "neither min nor max"),
        ("duration: 10m", "skipOn: {}", "ANALYSIS has no metrics, or no duration"),
        ("provider: datadog", "providers: datadog", "unknown field `providers`"),
    ] {
        assert_fails(STEP, &with_file(APP, old, new), words);
    }
    let wrong = with(|evidence| {
        let files = &mut evidence.backend.deployment.as_mut().unwrap().files;
        let (_, content) = files.iter_mut().find(|(path, _)| path.ends_with(APP)).unwrap();
        *content =
            String::from_utf8(content.clone()).unwrap().replace("by {version}", "by {env}").into_bytes();
    });
    assert_fails(STEP, &wrong, "not visible among those of the old one");
}

/// PipeCD rejects the whole file here, so step 10 reports it, too.
#[test]
fn canary_fails_if_the_file_has_an_unknown_key() {
    for (old, new) in [
        ("      canary:\n        targetGroupArn", "      blue:\n        targetGroupArn"),
        ("        with:\n          scale: 50", "        using:\n          scale: 50"),
    ] {
        for step in ["deploy", STEP] {
            let reported = super::failures(step, &with_file(APP, old, new));
            assert!(reported.contains("unknown field `"), "{step}: {reported}");
        }
    }
}

#[test]
fn canary_fails_if_two_versions_cannot_be_distinguished() {
    let label = "      com.datadoghq.tags.service: handson-answer\n";
    let version = format!("{label}      com.datadoghq.tags.version: 1.0.0\n");
    assert_fails(STEP, &with_file("taskdef.yaml", label, &version), "this version would stay");
    let entry = "      - name: BACKEND_NAME\n";
    let pinned = format!("      - name: DD_VERSION\n        value: 1.0.0\n{entry}");
    assert_fails(STEP, &with_file("taskdef.yaml", entry, &pinned), "DD_VERSION=1.0.0");
    let pinned =
        format!("      - name: OTEL_RESOURCE_ATTRIBUTES\n        value: service.version=1.0.0\n{entry}");
    assert_fails(STEP, &with_file("taskdef.yaml", entry, &pinned), "this version would stay");

    let wrong = with(|evidence| evidence.backend.commit = Some("f".repeat(40)));
    let reported = super::failures(STEP, &wrong);
    assert!(reported.contains("Every commit would have this version"), "{reported}");
}

#[test]
fn a_canary_in_two_shares_and_one_that_a_person_approves_pass() {
    assert_passes(&with_stages(|stages| {
        let (share, look) = (stages[1].replace("20", "50"), stages[2].clone());
        stages.insert(3, look);
        stages.insert(3, share);
    }));
    assert_passes(&with_stages(|stages| {
        stages[2] = "      - name: WAIT_APPROVAL\n        with:\n          approvers: [sakura]\n".to_owned();
    }));
    assert_passes(&with_stages(|stages| stages[1] = stages[1].replace("canary: 20", "primary: 80")));
}

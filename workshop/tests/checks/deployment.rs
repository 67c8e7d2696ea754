//! Mistakes in the files of step 10: the answer's own files, changed.

use std::path::{Path, PathBuf};

use workshop::deployment::{self, PREFIXES};
use workshop::evidence::Evidence;

use super::{assert_fails, assert_passes, recording, with};

/// The answer's evidence with `old` replaced in one file; `file` is the end of its path.
pub fn with_file(file: &str, old: &str, new: &str) -> Evidence {
    with(|evidence| {
        let path = path_of(evidence, file);
        let content = evidence.backend.deployment.as_mut().unwrap().files.get_mut(&path).unwrap();
        let text = String::from_utf8(content.clone()).unwrap();
        assert!(text.contains(old), "{old:?} in {file}:\n{text}");
        *content = text.replacen(old, new, 1).into_bytes();
    })
}

fn path_of(evidence: &Evidence, file: &str) -> PathBuf {
    let files = &evidence.backend.deployment.as_ref().unwrap().files;
    files.keys().find(|path| path.ends_with(file)).unwrap().clone()
}

/// Each mistake consists of a file, a text in it, its replacement, and the expected message.
fn assert_each_fails(step: &str, mistakes: &[(&str, &str, &str, &str)]) {
    for (file, old, new, words) in mistakes {
        assert_fails(step, &with_file(file, old, new), words);
    }
}

#[test]
fn deploy_fails_without_the_files_and_names_the_command_that_creates_them() {
    let wrong = with(|evidence| evidence.backend.deployment = Some(recording::deployment("alert", "answer")));
    assert_fails("deploy", &wrong, "`cargo workshop infra answer` creates them");
    assert_fails("deploy", &wrong, ".github/workflows/distribute-backend-answer.yaml is missing");
    let wrong = with(|evidence| {
        let path = path_of(evidence, "taskdef.yaml");
        evidence.backend.deployment.as_mut().unwrap().files.remove(&path);
    });
    assert_fails("deploy", &wrong, "infrastructure/env/handson-api-answer/taskdef.yaml is missing");
}

#[test]
fn deploy_fails_if_a_list_lacks_the_backend_or_is_out_of_order() {
    let line = "    \"backend-answer\",\n";
    for list in PREFIXES {
        assert_each_fails(
            "deploy",
            &[
                (list, line, "", "It has no line `\"backend-answer\",`"),
                (list, line, &line.repeat(2), "is listed more than once"),
                (
                    list,
                    "  prefixes = [\n",
                    "  prefixes = [\n    \"backend-zinnia\",\n",
                    "The lines are not sorted",
                ),
            ],
        );
    }
}

#[test]
fn deploy_fails_if_marks_are_left_and_names_each_with_its_places() {
    let marked = with(|evidence| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        evidence.backend.deployment = Some(deployment::plain(root, "answer").unwrap());
    });
    for words in ["TODO_AWS_ACCOUNT_ID: distribute-backend-answer.yaml:", "TODO_SUBNET_2: servicedef.yaml:"] {
        assert_fails("deploy", &marked, words);
    }
    let wrong = with_file("servicedef.yaml", "sg-0123456789abcdef0", "TODO_SECURITY_GROUP");
    assert_fails("deploy", &wrong, "TODO_SECURITY_GROUP: servicedef.yaml:");
}

#[test]
fn deploy_fails_if_the_workflow_belongs_to_another_backend_or_is_never_triggered() {
    let file = "distribute-backend-answer.yaml";
    assert_each_fails(
        "deploy",
        &[
            (file, "prefix: backend-answer", "prefix: backend-base", "prefix: backend-base"),
            (file, "folder: backend-answer", "folder: .", "the images are those of another"),
            (file, "region: ap-northeast-1", "region: Tokyo", "An AWS region looks like"),
            (file, "iam::111122223333", "iam::1111", "the account's 12 digits"),
            (file, "role/backend-answer-", "role/backend-base-", "only that role may push"),
            (file, "id-token: write", "id-token: read", "for which AWS gives the role"),
            (file, "branches: [main]", "branches: [sakura]", "a merged change is not deployed"),
            (file, "- backend-answer/**", "- backend-base/**", "a merged change is not deployed"),
            (file, "distribute-backend.yaml", "images.yml", "call the reusable workflow"),
            (file, "    with:", "    using:", "unknown field `using`"),
            (file, "      role:", "      roles:", "unknown field `roles`"),
            (file, "jobs:", "jobs: [", "distribute-backend-answer.yaml: "),
        ],
    );
}

#[test]
fn deploy_fails_if_pipecd_would_reject_the_application() {
    let file = "app.pipecd.yaml";
    assert_each_fails(
        "deploy",
        &[
            (file, "kind: ECSApp", "kind: KubernetesApp", "They should be pipecd.dev/v1beta1 and ECSApp."),
            (file, "name: handson-api-answer", "name: handson-api-base", "the same as its folder"),
            (
                file,
                "taskDefinitionFile: taskdef.yaml",
                "taskDefinitionFile: task.yaml",
                "servicedef.yaml and taskdef.yaml",
            ),
            (file, "accessType: ELB", "accessType: ALB", "PipeCD accepts ELB and SERVICE_DISCOVERY"),
            (file, "eventWatcher:", "eventWatchers:", "unknown field `eventWatchers`"),
            (
                file,
                "name: backend-answer-server-image",
                "name: backend-base-server-image",
                "The workflow registers backend-answer-server-image",
            ),
            (
                file,
                "name: backend-answer-loadtest-image",
                "name: backend-answer-server-image",
                "The workflow registers",
            ),
            (file, "containerDefinitions[0]", "containerDefinitions[1]", "the image of handson-api"),
            (file, "containerDefinitions[1]", "containerDefinitions[2]", "the image of loadtest"),
            (file, "type: GIT_UPDATE", "type: GIT_COMMIT", "one handler of the type GIT_UPDATE"),
        ],
    );
}

#[test]
fn deploy_fails_if_ecs_would_reject_the_service() {
    let file = "servicedef.yaml";
    assert_each_fails(
        "deploy",
        &[
            (
                file,
                "serviceName: handson-api-answer",
                "serviceName: handson-answer",
                "It should be handson-api-answer.",
            ),
            (file, "cluster: handson-app-cluster", "cluster: default", "It should be handson-app-cluster."),
            (file, "type: EXTERNAL", "type: ECS", "It should be EXTERNAL."),
            (file, "launchType: FARGATE", "launchType: Fargate", "\"Fargate\" is not one of"),
            (file, "desiredCount:", "desiredcount:", "desiredcount: no such key"),
            (file, "- subnet-0a1b2c3d4e5f60718", "- 0a1b2c3d4e5f60718", "Each should begin with subnet-."),
        ],
    );
}

#[test]
fn deploy_fails_if_ecs_would_reject_the_task() {
    let file = "taskdef.yaml";
    assert_each_fails(
        "deploy",
        &[
            (
                file,
                "family: handson-api-answer",
                "family: handson-api-base",
                "It should be handson-api-answer.",
            ),
            (file, "cpu: \"512\"", "cpu: 512", "cpu: 512 should be a string"),
            (file, "memory: \"1024\"", "memory: \"512\"", "Fargate has fixed pairs"),
            (file, "cpu: 192", "cpu: 400", "large enough"),
            (file, "networkMode: awsvpc", "networkMode: bridge", "It should be awsvpc."),
            (file, "networkMode: awsvpc", "networkMode: vpc", "\"vpc\" is not one of"),
            (file, "memory: 128", "memory: \"128\"", "an integer without quotes"),
            (file, "role/handson-task\n", "role/handson-tasks\n", "one role handson-task for all"),
            (file, "- name: handson-api\n", "- name: api\n", "handson-api must be number 1"),
            (
                file,
                "backend-answer-server-image:",
                "backend-answer-loadtest-image:",
                "/backend-answer-server-image:TAG",
            ),
            (file, "value: backend-answer\n", "value: answer\n", "The service's name follows from it."),
            (file, "value: none\n", "value: otlp\n", "each would arrive twice"),
            (
                file,
                "awslogs-group: /handson/handson-api-answer",
                "awslogs-group: /ecs/answer",
                "Terraform creates the log group /handson/handson-api-answer",
            ),
            (
                file,
                "      - name: DD_SITE\n",
                "      - name: DD_API_KEY\n",
                "A secret belongs under `secrets`",
            ),
            (file, "healthCheck:", "healthcheck:", "healthcheck: no such key"),
        ],
    );
}

#[test]
fn deploy_fails_if_a_name_an_account_or_a_region_differs() {
    let file = "taskdef.yaml";
    assert_each_fails(
        "deploy",
        &[
            (
                file,
                "dd_service: handson-answer",
                "dd_service: handson-base",
                "handson-base belongs to another backend",
            ),
            (
                file,
                "backend:backend-answer",
                "backend:backend-canary",
                "backend-canary belongs to another backend",
            ),
            (
                file,
                "value: loadtest-handson-answer",
                "value: loadtest-handson-base",
                "loadtest-handson-base belongs to another",
            ),
            (file, "iam::111122223333", "iam::444455556666", "Everything is in one account"),
            (
                file,
                "awslogs-region: ap-northeast-1",
                "awslogs-region: us-east-1",
                "Everything is in one region",
            ),
        ],
    );
}

#[test]
fn free_choices_of_an_attendee_pass() {
    for (file, old, new) in [
        ("servicedef.yaml", "assignPublicIp: ENABLED", "assignPublicIp: DISABLED"),
        ("taskdef.yaml", "memory: \"1024\"", "memory: \"2048\""),
        ("taskdef.yaml", "value: production", "value: staging"),
        ("distribute-backend-answer.yaml", "on:\n", "on:\n  # By hand, too.\n"),
        (
            "app.pipecd.yaml",
            "  timeout: 1h\n",
            "  timeout: 2h\n  trigger:\n    onCommit:\n      disabled: false\n",
        ),
    ] {
        assert_passes(&with_file(file, old, new));
    }
}

#[test]
fn twenty_attendees_in_a_row_have_valid_files() {
    let letters = "abcdefghijklmnopqrst".chars();
    let names = letters.enumerate().map(|(index, letter)| match index % 4 {
        0 => format!("{letter}{letter}"),
        1 => format!("{letter}-canary"),
        2 => format!("{letter}2-x-{index}"),
        _ => format!("{letter}{}", "o".repeat(14)),
    });
    for name in names {
        for step in ["deploy", "canary"] {
            let evidence = with(|evidence| {
                evidence.backend.name = format!("backend-{name}");
                evidence.backend.deployment = Some(recording::deployment(step, &name));
            });
            assert_eq!(super::failures(step, &evidence), "", "{step} of {name}");
        }
    }
}

//! The deployment files of base and canary, which belong to this repository. The checks of the steps leave
//! many choices to an attendee; here each has only one right value. The mistakes below show that a wrong
//! value is noticed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use workshop::deployment::{self, CANARIES, PREFIXES, lists};
use workshop::source::Tree;

use super::{recording, with};

const COMPOSE: &str = "compose.yaml";
const SHARED: &str = ".github/workflows/distribute-backend.yaml";
const DATADOG_KEY: &str = "/handson/datadog-api-key";

fn text(file: impl AsRef<Path>) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(file)).unwrap()
}

/// The files of `name` with example values instead of the marks, and the files that they must agree with.
fn files(name: &str) -> Tree {
    let mut tree = recording::deployment(if name == "canary" { "canary" } else { "deploy" }, name);
    for file in [COMPOSE, SHARED] {
        tree.files.insert(file.into(), text(file).into_bytes());
    }
    tree
}

/// What is wrong with the files of `name`: what the steps report, and differences from the values of this
/// repository.
fn faults(tree: &Tree, name: &str) -> Vec<String> {
    let evidence = with(|evidence| {
        evidence.backend.name = format!("backend-{name}");
        evidence.backend.deployment = Some(tree.clone());
    });
    let mut found = vec![super::failures("deploy", &evidence)];
    if name == "canary" {
        found.push(super::failures("canary", &evidence));
    }
    found.retain(|failures| !failures.is_empty());
    if found.is_empty() {
        let task = deployment::yaml(tree, &deployment::folder_of(name).join("taskdef.yaml")).unwrap();
        faults_of_task(&task, name, &mut found);
        let agent = task["containerDefinitions"][2]["image"].as_str().unwrap_or_default();
        if !tree.text(Path::new(COMPOSE)).unwrap().contains(&format!("image: {agent}\n")) {
            found.push(format!("{COMPOSE} has another Agent than {agent}"));
        }
        let workflow = tree.text(Path::new(SHARED)).unwrap();
        found.extend(
            SHARED_LINES
                .iter()
                .filter(|line| !workflow.contains(**line))
                .map(|line| format!("{SHARED} lacks {line:?}")),
        );
    }
    found
}

/// Lines of the shared workflow: it builds for the platform of the task, and pushes the images that PipeCD's
/// events name.
const SHARED_LINES: [&str; 8] = [
    "    runs-on: ubuntu-24.04\n    timeout-minutes: 60",
    "PLATFORM: linux/amd64",
    "--build-arg \"BACKEND=$FOLDER\"",
    "--build-arg \"GIT_COMMIT_SHA=$GITHUB_SHA\"",
    "--build-arg \"GIT_REPOSITORY_URL=",
    "-$1-image:$GITHUB_SHA",
    "event-name: ${{ inputs.prefix }}-server-image\n",
    "event-name: ${{ inputs.prefix }}-loadtest-image\n",
];

fn faults_of_task(task: &Value, name: &str, found: &mut Vec<String>) {
    let containers = task["containerDefinitions"].as_array().unwrap();
    for container in containers {
        let of = container["name"].as_str().unwrap();
        let image = container["image"].as_str().unwrap_or_default();
        let pairs = |key: &str, value: &str| -> Vec<(String, String)> {
            let entries = container[key].as_array().into_iter().flatten();
            let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            entries.map(|entry| (text(entry, "name"), text(entry, value))).collect()
        };
        let options = &container["logConfiguration"]["options"];
        let secrets = pairs("secrets", "valueFrom").into_iter().map(|(_, from)| from);
        let secret_options = container["logConfiguration"]["secretOptions"].as_array().into_iter().flatten();
        let secrets: Vec<String> = secrets
            .chain(secret_options.map(|secret| secret["valueFrom"].as_str().unwrap_or_default().to_owned()))
            .collect();
        let version = image.rsplit(':').next().unwrap_or_default();
        for (is_met, rule) in [
            (!["", "0", "root"].contains(&user_of(container)), "does not run as root"),
            (container["readonlyRootFilesystem"] == true, "cannot write to its root"),
            (
                container["linuxParameters"]["capabilities"]["drop"] == json!(["ALL"]),
                "drops all capabilities",
            ),
            (
                container["stopTimeout"].as_u64().is_some_and(|time| (2..=120).contains(&time)),
                "has a stopTimeout that Fargate accepts, 2 to 120 s",
            ),
            (
                image.contains(".dkr.ecr.")
                    || version.split('.').filter(|part| part.parse::<u32>().is_ok()).count() == 3,
                "has an image with a whole version",
            ),
            (
                (of == "log-router") == secrets.is_empty() && secrets.iter().all(|from| from == DATADOG_KEY),
                "takes the key of Datadog from /handson/datadog-api-key",
            ),
            (options["apikey"].is_null(), "has no key in its log options"),
            (
                !pairs("environment", "value")
                    .iter()
                    .any(|(key, _)| key == "DD_HOSTNAME" || key.ends_with("_VERSION")),
                "has neither DD_HOSTNAME nor a version in its environment",
            ),
            (
                container["dockerLabels"]["com.datadoghq.tags.version"].is_null(),
                "has no label with a version, which the event of a new image would not change",
            ),
        ] {
            if !is_met {
                found.push(format!("{of}: expected that it {rule}"));
            }
        }
    }
    let mut seen = task.clone();
    seen["containerDefinitions"] = containers
        .iter()
        .map(|container| (container["name"].as_str().unwrap().to_owned(), as_map(container)))
        .collect();
    let order: Vec<&str> = containers.iter().map(|container| container["name"].as_str().unwrap()).collect();
    if order != ["handson-api", "loadtest", "datadog-agent", "log-router"] {
        found.push(format!("the containers are {order:?}"));
    }
    compare(&seen, &expected(name), "", found);
}

fn user_of(container: &Value) -> &str {
    container["user"].as_str().and_then(|user| user.split(':').next()).unwrap_or_default()
}

/// The container with its lists of pairs as objects.
fn as_map(container: &Value) -> Value {
    let mut container = container.clone();
    for (list, key, value) in [("environment", "name", "value"), ("dependsOn", "containerName", "condition")]
    {
        let entries = container[list].as_array().cloned().unwrap_or_default();
        container[list] = entries
            .iter()
            .map(|entry| (entry[key].as_str().unwrap().to_owned(), entry[value].clone()))
            .collect();
    }
    container["tmpfs"] = container["linuxParameters"]["tmpfs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| entry["containerPath"].clone())
        .collect();
    container
}

/// Compares `seen` with `expected`, which may contain less. Only `dependsOn` must be equal.
fn compare(seen: &Value, expected: &Value, path: &str, found: &mut Vec<String>) {
    match expected {
        Value::Object(members) if !path.ends_with("/dependsOn") => {
            for (key, member) in members {
                compare(&seen[key], member, &format!("{path}/{key}"), found);
            }
        }
        _ if seen == expected => {}
        _ => found.push(format!("{path}: expected {expected}, got {seen}")),
    }
}

fn expected(name: &str) -> Value {
    let log_options = |service: &str| {
        json!({
            "logDriver": "awsfirelens",
            "options": {
                "Name": "datadog",
                "dd_service": service,
                "dd_tags": format!("env:production,backend:backend-{name}"),
            },
        })
    };
    let cloudwatch = json!({
        "logDriver": "awslogs",
        "options": {"awslogs-group": format!("/handson/handson-api-{name}")},
    });
    let labels = |service: &str| json!({"com.datadoghq.tags.env": "production", "com.datadoghq.tags.service": service});
    let (service, load) = (format!("handson-{name}"), format!("loadtest-handson-{name}"));
    json!({
        "requiresCompatibilities": ["FARGATE"],
        "runtimePlatform": {"cpuArchitecture": "X86_64"},
        "containerDefinitions": {
            "handson-api": {
                "essential": true,
                "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
                "environment": {
                    "ENV": "production",
                    "HOST": "0.0.0.0",
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
                },
                "dockerLabels": labels(&service),
                "healthCheck": {"command": ["CMD", "/handson", "healthcheck"]},
                "dependsOn": {"log-router": "START", "datadog-agent": "START"},
                "logConfiguration": log_options(&service),
            },
            "loadtest": {
                "essential": false,
                "command": [
                    "--rate", "5", "--duration", "0", "--url", "http://localhost:8080/handson",
                    "--wait-for", "http://localhost:8080/healthz", "--graceful-stop", "10s",
                ],
                "environment": {
                    "LOADTEST_OTLP": "true",
                    "OTEL_SERVICE_NAME": load,
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
                },
                "dockerLabels": labels(&load),
                "dependsOn": {"handson-api": "HEALTHY"},
                "logConfiguration": log_options(&load),
            },
            "datadog-agent": {
                "essential": false,
                "environment": {
                    "ECS_FARGATE": "true",
                    "DD_APM_ENABLED": "true",
                    "DD_ENV": "production",
                    "DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT": "localhost:4318",
                },
                // All folders to which the Datadog Agent writes.
                "tmpfs": ["/etc/datadog-agent", "/opt/datadog-agent/run", "/var/run/datadog", "/tmp"],
                "healthCheck": {"command": ["CMD-SHELL", "/probe.sh"]},
                "dependsOn": {},
                "logConfiguration": cloudwatch,
            },
            "log-router": {
                "essential": true,
                // This moves the keys of a JSON line to the top level, where Datadog searches the ids.
                "firelensConfiguration": {"options": {"config-file-value": "/fluent-bit/configs/parse-json.conf"}},
                "dependsOn": {},
                "logConfiguration": cloudwatch,
            },
        },
    })
}

#[test]
fn the_files_of_base_and_canary_are_right() {
    for name in ["base", "canary"] {
        assert_eq!(faults(&files(name), name), [""; 0], "{name}");
    }
}

#[test]
fn the_canary_differs_from_base_only_if_necessary() {
    // The files above are derived from base, except the pipeline and the service of the canary.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let derived = deployment::canary(root, "canary").unwrap();
    for file in ["app.pipecd.yaml", "servicedef.yaml", "taskdef.yaml"] {
        let path = deployment::folder_of("canary").join(file);
        assert_eq!(derived.text(&path), Some(&*text(&path)), "{file}");
    }
    let workflow = text(deployment::workflow_of("canary"));
    for line in [
        "prefix: backend-canary\n",
        "folder: .\n",
        "role: arn:aws:iam::TODO_AWS_ACCOUNT_ID:role/backend-canary-github-actions\n",
    ] {
        assert!(workflow.contains(line), "{line}");
    }
    let uses = |workflow: &str| workflow.lines().find(|line| line.contains("uses:")).map(str::to_owned);
    assert_eq!(uses(&workflow), uses(&text(deployment::workflow_of("base"))));
}

#[test]
fn the_lists_of_terraform_are_sorted_and_agree() {
    let [base, github] = PREFIXES.map(text);
    let canaries = text(CANARIES);
    for list in [&base, &github, &canaries] {
        assert_eq!(&lists::sorted(list).unwrap(), list);
    }
    assert_eq!(lists::names(&base), lists::names(&github));
    let unknown: Vec<_> =
        lists::names(&canaries).into_iter().filter(|name| !lists::names(&base).contains(name)).collect();
    assert!(unknown.is_empty(), "{CANARIES} has {unknown:?}, which {} does not have", PREFIXES[0]);
}

/// Each mistake consists of a file of `base`, a text in it, and a wrong replacement.
const MISTAKES: [(&str, &str, &str); 58] = [
    ("taskdef.yaml", "readonlyRootFilesystem: true", "readOnlyRootFilesystem: true"),
    ("taskdef.yaml", "    cpu: 192", "    cpu: lots"),
    ("taskdef.yaml", "networkMode: awsvpc", "networkMode: vpc"),
    ("taskdef.yaml", "condition: HEALTHY", "condition: HEALTH"),
    ("taskdef.yaml", "logDriver: awslogs", "logDriver: aws-logs"),
    ("taskdef.yaml", "family: handson-api-base", ""),
    ("taskdef.yaml", "memory: \"1024\"", "memory: \"512\""),
    ("taskdef.yaml", "cpu: \"512\"", "cpu: \"500\""),
    ("taskdef.yaml", "memory: 640", "memory: 768"),
    ("taskdef.yaml", "cpu: 192", "cpu: 448"),
    ("taskdef.yaml", "  - name: loadtest\n", "  - name: load\n"),
    ("taskdef.yaml", "family: handson-api-base", "family: handson-api"),
    ("taskdef.yaml", "role/handson-task\n", "role/handson\n"),
    ("taskdef.yaml", "backend-base-server-image:", "backend-base-loadtest-image:"),
    ("taskdef.yaml", "aws-for-fluent-bit:3.4.14", "aws-for-fluent-bit:stable"),
    ("taskdef.yaml", "datadog/agent:7.84.6", "datadog/agent:7.84.5"),
    ("taskdef.yaml", "value: backend-base", "value: handson-base"),
    ("taskdef.yaml", "value: none", "value: otlp"),
    ("taskdef.yaml", "value: 0.0.0.0", "value: 127.0.0.1"),
    ("taskdef.yaml", "value: localhost:4318", "value: localhost:4317"),
    ("taskdef.yaml", "- name: DD_SITE", "- name: DD_HOSTNAME"),
    ("taskdef.yaml", "- name: HOST\n", "- name: DD_VERSION\n"),
    ("taskdef.yaml", "tags.env: production", "tags.env: production\n      com.datadoghq.tags.version: \"1\""),
    ("taskdef.yaml", "tags.service: loadtest-handson-base", "tags.service: loadtest"),
    ("taskdef.yaml", "      - --duration\n      - \"0\"", "      - --duration\n      - 5m"),
    ("taskdef.yaml", "user: \"100\"", "user: \"0:100\""),
    ("taskdef.yaml", "    readonlyRootFilesystem: true\n", ""),
    ("taskdef.yaml", "          - ALL", "          - CHOWN"),
    ("taskdef.yaml", "essential: false", "essential: true"),
    ("taskdef.yaml", "stopTimeout: 45", "stopTimeout: 450"),
    ("taskdef.yaml", "containerPath: /tmp", "containerPath: /temp"),
    ("taskdef.yaml", "        - healthcheck", "        - health"),
    ("taskdef.yaml", "containerName: handson-api", "containerName: api"),
    ("taskdef.yaml", "condition: START", "condition: HEALTHY"),
    ("taskdef.yaml", "condition: START", "condition: SUCCESS"),
    ("taskdef.yaml", "logDriver: awsfirelens", "logDriver: awslogs"),
    ("taskdef.yaml", "dd_service: handson-base", "dd_service: handson"),
    ("taskdef.yaml", "awslogs-group: /handson/handson-api-base", "awslogs-group: /handson/base"),
    ("taskdef.yaml", "parse-json.conf", "parse.conf"),
    ("taskdef.yaml", "valueFrom: /handson/datadog-api-key", "valueFrom: /datadog-api-key"),
    ("taskdef.yaml", "- name: DD_SITE", "- name: DD_API_KEY"),
    ("taskdef.yaml", "TLS: \"on\"", "TLS: \"on\"\n        apikey: abc"),
    ("taskdef.yaml", "X86_64", "ARM64"),
    ("taskdef.yaml", "ap-northeast-1", "TODO_REGION"),
    ("taskdef.yaml", "111122223333.dkr", "123456789012.dkr"),
    ("servicedef.yaml", "launchType:", "launchtype:"),
    ("servicedef.yaml", "assignPublicIp: ENABLED", "assignPublicIp: true"),
    ("servicedef.yaml", "schedulingStrategy: REPLICA", "schedulingStrategy: REPLICAS"),
    ("servicedef.yaml", "serviceName: handson-api-base", "serviceName: handson-base"),
    ("servicedef.yaml", "type: EXTERNAL", "type: ECS"),
    ("servicedef.yaml", "cluster: handson-app-cluster", "cluster: handson"),
    ("app.pipecd.yaml", "[0].image", "[1].image"),
    ("app.pipecd.yaml", "name: backend-base-loadtest-image", "name: backend-base-load-image"),
    ("app.pipecd.yaml", "name: handson-api-base", "name: handson-base"),
    ("app.pipecd.yaml", "taskDefinitionFile: taskdef.yaml", "taskDefinitionFile: task.yaml"),
    ("distribute-backend-base.yaml", "folder: backend-base", "folder: ."),
    ("distribute-backend-base.yaml", "role/backend-base-", "role/handson-"),
    ("distribute-backend-base.yaml", "distribute-backend.yaml", "distribute.yaml"),
];

/// The same for the canary's application, and for the workflow that all backends share.
const MORE_MISTAKES: [(&str, &str, &str); 8] = [
    ("app.pipecd.yaml", "containerPort: 8080", "containerPort: 80"),
    ("app.pipecd.yaml", "handson-canary-canary/fedcba9876543210", "handson-canary-primary/0123456789abcdef"),
    ("app.pipecd.yaml", "  pipeline:", "  pipelines:"),
    (SHARED, SHARED_LINES[0], "    runs-on: ubuntu-24.04-arm\n    timeout-minutes: 60"),
    (SHARED, "linux/amd64", "linux/arm64"),
    (SHARED, "GIT_COMMIT_SHA=$GITHUB_SHA", "VERSION=$GITHUB_SHA"),
    (SHARED, "image:$GITHUB_SHA", "image:latest"),
    (SHARED, "prefix }}-server-image", "prefix }}-api-image"),
];

#[test]
fn each_mistake_in_our_own_files_is_noticed() {
    for (name, mistakes) in [("base", &MISTAKES[..]), ("canary", &MORE_MISTAKES)] {
        let right = files(name);
        for (file, old, new) in mistakes {
            let mut wrong = right.clone();
            let path: PathBuf = wrong.files.keys().find(|path| path.ends_with(file)).unwrap().clone();
            let text = wrong.text(&path).unwrap().to_owned();
            assert!(text.contains(old), "{}: there is no {old:?}", path.display());
            wrong.files.insert(path, text.replacen(old, new, 1).into_bytes());
            assert!(
                !faults(&wrong, name).is_empty(),
                "{name}: {file}: {old:?} became {new:?}, and nothing was reported"
            );
        }
    }
}

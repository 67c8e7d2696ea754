//! The definitions of service and task.

use serde_json::Value;

use super::names::{is_account, is_region};
use super::{CLUSTER, CONTAINERS, Files, misread};
use crate::checks::words::{Wrong, wrong};
use crate::deployment::{self, ecs};

/// As Terraform calls the roles of all tasks.
const ROLES: [(&str, &str); 2] =
    [("executionRoleArn", "handson-task-execution"), ("taskRoleArn", "handson-task")];

pub(super) fn service_is_wrong(files: &Files) -> Option<Wrong> {
    let file = files.path("servicedef.yaml");
    let service: Value = match deployment::yaml(files.tree, &file) {
        Ok(service) => service,
        Err(seen) => return Some(misread(seen)),
    };
    refused("CreateService", ecs::faults_of_service(&service))
        .or_else(|| is_not(&service, "/serviceName", &format!("handson-api-{}", files.name)))
        .or_else(|| is_not(&service, "/cluster", CLUSTER))
        .or_else(|| is_not(&service, "/launchType", "FARGATE"))
        .or_else(|| is_not(&service, "/deploymentController/type", "EXTERNAL"))
        .or_else(|| {
            let network = &service["networkConfiguration"]["awsvpcConfiguration"];
            [("subnets", "subnet-"), ("securityGroups", "sg-")].into_iter().find_map(|(key, begins)| {
                let ids: Vec<&str> =
                    network[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let is_right = !ids.is_empty() && ids.iter().all(|id| id.starts_with(begins));
                (!is_right).then(|| (format!("{key}: {ids:?}"), format!("Each begins with {begins}.")))
            })
        })
}

pub(super) fn task_is_wrong(files: &Files) -> Option<Wrong> {
    let file = files.path("taskdef.yaml");
    let task: Value = match deployment::yaml(files.tree, &file) {
        Ok(task) => task,
        Err(seen) => return Some(misread(seen)),
    };
    refused("RegisterTaskDefinition", ecs::faults_of_task_definition(&task))
        .or_else(|| is_not(&task, "/family", &format!("handson-api-{}", files.name)))
        .or_else(|| is_not(&task, "/networkMode", "awsvpc"))
        .or_else(|| is_not(&task, "/requiresCompatibilities/0", "FARGATE"))
        .or_else(|| size_is_wrong(&task))
        .or_else(|| {
            ROLES.iter().find_map(|(key, role)| {
                let arn = task[key].as_str().unwrap_or_default();
                (!arn.ends_with(&format!(":role/{role}"))).then(|| {
                    (format!("{key}: {arn}"), format!("Terraform makes one role {role} for all tasks."))
                })
            })
        })
        .or_else(|| containers_are_wrong(&task, files.name))
}

fn size_is_wrong(task: &Value) -> Option<Wrong> {
    let number = |key: &str| task[key].as_str().and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
    let (cpu, memory) = (number("cpu"), number("memory"));
    if !ecs::is_a_fargate_pair(cpu, memory) {
        return wrong(
            format!("cpu {}, memory {}", task["cpu"], task["memory"]),
            "Fargate has fixed pairs, as texts: \"512\" (0.5 vCPU) goes with \"1024\" to \"4096\" MiB.",
        );
    }
    let containers = || task["containerDefinitions"].as_array().into_iter().flatten();
    let sum = |key: &str| containers().filter_map(|container| container[key].as_u64()).sum::<u64>();
    let (all_cpu, all_memory) = (sum("cpu"), sum("memory"));
    (all_cpu > u64::from(cpu) || all_memory > u64::from(memory)).then(|| {
        (
            format!(
                "its containers take cpu {all_cpu}, memory {all_memory}; the task has {cpu} and {memory}"
            ),
            "What the containers take together must fit.".to_owned(),
        )
    })
}

fn containers_are_wrong(task: &Value, name: &str) -> Option<Wrong> {
    let containers: Vec<&Value> = task["containerDefinitions"].as_array().into_iter().flatten().collect();
    let names: Vec<&str> = containers.iter().filter_map(|container| container["name"].as_str()).collect();
    for (position, (container, image)) in CONTAINERS.iter().enumerate() {
        if names.get(position) != Some(container) {
            return wrong(
                format!("containers: {}", names.join(", ")),
                format!("PipeCD finds an image by its position: {container} is number {}.", position + 1),
            );
        }
        let uri = containers[position]["image"].as_str().unwrap_or_default();
        let repository = format!("backend-{name}-{image}-image");
        let parts = uri.split_once(".dkr.ecr.").and_then(|(account, rest)| {
            let (region, rest) = rest.split_once(".amazonaws.com/")?;
            Some((account, region, rest.split_once(':')?.0))
        });
        let is_right = parts.is_some_and(|(account, region, of)| {
            is_account(account) && is_region(region) && of == repository
        });
        if !is_right {
            return wrong(
                format!("{container}: image: {uri}"),
                format!("It is ACCOUNT.dkr.ecr.REGION.amazonaws.com/{repository}:TAG."),
            );
        }
    }
    let environment = |container: &Value, key: &str| {
        let entries = container["environment"].as_array().into_iter().flatten();
        entries
            .filter(|entry| entry["name"] == key)
            .find_map(|entry| entry["value"].as_str().map(str::to_owned))
    };
    let service = containers[0];
    for (key, value, cause) in [
        ("BACKEND_NAME", format!("backend-{name}"), "The service's name follows from it."),
        (
            "OTEL_LOGS_EXPORTER",
            "none".to_owned(),
            "Log lines go by FireLens; by OTLP too, each would be there twice.",
        ),
    ] {
        let seen = environment(service, key);
        if seen.as_ref() != Some(&value) {
            return wrong(
                format!("handson-api: {key}={}", seen.as_deref().unwrap_or("(not set)")),
                format!("It is {value}. {cause}"),
            );
        }
    }
    for container in &containers {
        let told = container["name"].as_str().unwrap_or_default();
        let entries = container["environment"].as_array().into_iter().flatten();
        let keys: Vec<&str> = entries.filter_map(|entry| entry["name"].as_str()).collect();
        if let Some(key) = keys
            .iter()
            .find(|key| ["API_KEY", "SECRET", "TOKEN", "PASSWORD"].iter().any(|word| key.contains(word)))
        {
            return wrong(
                format!("{told}: {key} under `environment`"),
                "A secret is under `secrets`, by reference: who reads this file must not read it.",
            );
        }
        let group = &container["logConfiguration"]["options"]["awslogs-group"];
        if !group.is_null() && *group != format!("/handson/handson-api-{name}") {
            return wrong(
                format!("{told}: awslogs-group: {group}"),
                format!("Terraform makes /handson/handson-api-{name}."),
            );
        }
    }
    None
}

fn refused(by: &str, faults: Vec<String>) -> Option<Wrong> {
    (!faults.is_empty()).then(|| (faults.join("\n"), format!("{by} of the ECS API refuses this.")))
}

fn is_not(value: &Value, pointer: &str, expected: &str) -> Option<Wrong> {
    let seen = value.pointer(pointer).unwrap_or(&Value::Null);
    let key = pointer.trim_start_matches('/').replace('/', ".");
    (seen != expected).then(|| (format!("{key}: {seen}"), format!("It is {expected}.")))
}

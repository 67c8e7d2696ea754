//! The definitions of the service and of the task.

use serde_json::Value;

use super::names::{is_account, is_region};
use super::{CLUSTER, CONTAINERS, Files, lines};
use crate::checks::assert::{Check, ensure, fail};
use crate::deployment::ecs;
use crate::messages::Message;
use crate::text;

/// The roles that Terraform creates for all tasks.
const ROLES: [(&str, &str); 2] =
    [("executionRoleArn", "handson-task-execution"), ("taskRoleArn", "handson-task")];

/// Parts of variable names that indicate a secret.
const SECRETS: [&str; 4] = ["API_KEY", "SECRET", "TOKEN", "PASSWORD"];

pub(super) fn service_is_right(files: &Files) -> Check {
    let service: Value = files.yaml(&files.path("servicedef.yaml"))?;
    is_accepted_by("CreateService", ecs::faults_of_service(&service))?;
    value_is(&service, "/serviceName", &files.application())?;
    value_is(&service, "/cluster", CLUSTER)?;
    value_is(&service, "/launchType", "FARGATE")?;
    value_is(&service, "/deploymentController/type", "EXTERNAL")?;
    let network = &service["networkConfiguration"]["awsvpcConfiguration"];
    for (key, prefix) in [("subnets", "subnet-"), ("securityGroups", "sg-")] {
        let ids: Vec<&str> =
            network[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        ensure!(
            !ids.is_empty() && ids.iter().all(|id| id.starts_with(prefix)),
            format!("{key}: {ids:?}"),
            text!("Each should begin with {prefix}.", prefix)
        );
    }
    Ok(())
}

pub(super) fn task_is_right(files: &Files) -> Check {
    let task: Value = files.yaml(&files.path("taskdef.yaml"))?;
    is_accepted_by("RegisterTaskDefinition", ecs::faults_of_task_definition(&task))?;
    value_is(&task, "/family", &files.application())?;
    value_is(&task, "/networkMode", "awsvpc")?;
    value_is(&task, "/requiresCompatibilities/0", "FARGATE")?;
    size_is_right(&task)?;
    for (key, role) in ROLES {
        let arn = task[key].as_str().unwrap_or_default();
        ensure!(
            arn.ends_with(&format!(":role/{role}")),
            format!("{key}: {arn}"),
            text!("Terraform creates one role {role} for all tasks.", role)
        );
    }
    let containers: Vec<&Value> = task["containerDefinitions"].as_array().into_iter().flatten().collect();
    images_are_right(&containers, files)?;
    // `images_are_right` has checked that it is at this position.
    service_has_variables(containers[0], files)?;
    containers.iter().try_for_each(|container| {
        has_no_secret(container)?;
        logs_to_own_group(container, files)
    })
}

fn size_is_right(task: &Value) -> Check {
    let number = |key: &str| task[key].as_str().and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
    let (cpu, memory) = (number("cpu"), number("memory"));
    ensure!(
        ecs::is_a_fargate_pair(cpu, memory),
        format!("cpu: {}, memory: {}", task["cpu"], task["memory"]),
        text!(
            "Fargate has fixed pairs of cpu and memory, written as strings: \"512\" (0.5 vCPU) goes with \"1024\" to \"4096\" \
             (MiB)."
        )
    );
    let containers = || task["containerDefinitions"].as_array().into_iter().flatten();
    let sum = |key: &str| containers().filter_map(|container| container[key].as_u64()).sum::<u64>();
    let (all_cpu, all_memory) = (sum("cpu"), sum("memory"));
    ensure!(
        all_cpu <= u64::from(cpu) && all_memory <= u64::from(memory),
        text!(
            "its containers need cpu {all_cpu} and memory {all_memory}; the task has cpu {cpu} and memory {memory}",
            all_cpu,
            all_memory,
            cpu,
            memory
        ),
        text!("The task must be large enough for all its containers together.")
    );
    Ok(())
}

/// The containers that run the backend's own images must be at their positions, and run these images.
fn images_are_right(containers: &[&Value], files: &Files) -> Check {
    let names: Vec<&str> = containers.iter().filter_map(|container| container["name"].as_str()).collect();
    for (position, (container, image)) in CONTAINERS.into_iter().enumerate() {
        ensure!(
            names.get(position) == Some(&container),
            format!("containerDefinitions: {}", names.join(", ")),
            text!(
                "PipeCD finds an image by its position: {container} must be number {number}.",
                container,
                number = position + 1
            )
        );
        let uri = containers[position]["image"].as_str().unwrap_or_default();
        let repository = format!("{}-{image}-image", files.backend());
        let parts = uri.split_once(".dkr.ecr.").and_then(|(account, rest)| {
            let (region, rest) = rest.split_once(".amazonaws.com/")?;
            Some((account, region, rest.split_once(':')?.0))
        });
        let is_right = parts.is_some_and(|(account, region, actual)| {
            is_account(account) && is_region(region) && actual == repository
        });
        ensure!(
            is_right,
            format!("{container}: image: {uri}"),
            text!("It should be ACCOUNT.dkr.ecr.REGION.amazonaws.com/{repository}:TAG.", repository)
        );
    }
    Ok(())
}

fn service_has_variables(service: &Value, files: &Files) -> Check {
    let variables = [
        ("BACKEND_NAME", files.backend(), text!("The service's name follows from it.")),
        (
            "OTEL_LOGS_EXPORTER",
            "none".to_owned(),
            text!(
                "Log lines go through FireLens; if the service also sent them over OTLP, each would arrive twice."
            ),
        ),
    ];
    for (key, value, reason) in variables {
        let entries = service["environment"].as_array().into_iter().flatten();
        let actual = entries.filter(|entry| entry["name"] == key).find_map(|entry| entry["value"].as_str());
        let seen = match actual {
            Some(actual) if actual == value => continue,
            Some(actual) => Message::verbatim(format!("handson-api: {key}={actual}")),
            None => text!("handson-api: {key} is not set", key),
        };
        return fail(seen, text!("It should be {value}. {reason}", value, reason));
    }
    Ok(())
}

fn has_no_secret(container: &Value) -> Check {
    let entries = container["environment"].as_array().into_iter().flatten();
    let mut keys = entries.filter_map(|entry| entry["name"].as_str());
    match keys.find(|key| SECRETS.iter().any(|word| key.contains(word))) {
        None => Ok(()),
        Some(key) => fail(
            text!("{container}: {key} is under `environment`", container = name_of(container), key),
            text!(
                "A secret belongs under `secrets`, as a reference. Here, anyone who can read this file can read it."
            ),
        ),
    }
}

fn logs_to_own_group(container: &Value, files: &Files) -> Check {
    let group = &container["logConfiguration"]["options"]["awslogs-group"];
    let own = format!("/handson/{}", files.application());
    ensure!(
        group.is_null() || *group == own,
        format!("{}: awslogs-group: {group}", name_of(container)),
        text!("Terraform creates the log group {own}.", own)
    );
    Ok(())
}

fn name_of(container: &Value) -> &str {
    container["name"].as_str().unwrap_or_default()
}

fn is_accepted_by(operation: &str, faults: Vec<Message>) -> Check {
    match lines(faults) {
        None => Ok(()),
        Some(seen) => fail(seen, text!("{operation} of the ECS API rejects this.", operation)),
    }
}

fn value_is(value: &Value, pointer: &str, expected: &str) -> Check {
    let actual = value.pointer(pointer).unwrap_or(&Value::Null);
    let key = pointer.trim_start_matches('/').replace('/', ".");
    ensure!(actual == expected, format!("{key}: {actual}"), text!("It should be {expected}.", expected));
    Ok(())
}

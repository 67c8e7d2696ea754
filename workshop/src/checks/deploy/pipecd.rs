//! `app.pipecd.yaml`.

use super::{CONTAINERS, Files};
use crate::checks::assert::{Check, ensure, fail};
use crate::deployment::app::{EventWatcher, Spec};
use crate::text;

pub(super) fn app_is_right(files: &Files) -> Check {
    let app = files.app()?;
    ensure!(
        (app.api_version.as_str(), app.kind.as_str()) == ("pipecd.dev/v1beta1", "ECSApp"),
        format!("apiVersion: {}, kind: {}", app.api_version, app.kind),
        text!("They should be pipecd.dev/v1beta1 and ECSApp.")
    );
    let application = files.application();
    ensure!(
        app.spec.name == application,
        format!("name: {}", app.spec.name),
        text!("It should be {application}, the same as its folder.", application)
    );
    let input = &app.spec.input;
    let (service, task) = (&input.service_definition_file[..], &input.task_definition_file[..]);
    ensure!(
        (service, task) == ("servicedef.yaml", "taskdef.yaml"),
        format!("serviceDefinitionFile: {service}, taskDefinitionFile: {task}"),
        text!("The definitions are servicedef.yaml and taskdef.yaml.")
    );
    if let Some(access) = input.access_type.as_deref() {
        ensure!(
            ["ELB", "SERVICE_DISCOVERY"].contains(&access),
            format!("accessType: {access}"),
            text!("PipeCD accepts ELB and SERVICE_DISCOVERY.")
        );
    }
    (0..CONTAINERS.len()).try_for_each(|position| event_changes_image(&app.spec, files, position))
}

/// The event of the image at this position must change the image in the task definition, and nothing else.
fn event_changes_image(spec: &Spec, files: &Files, position: usize) -> Check {
    let (container, image) = CONTAINERS[position];
    let event = format!("{}-{image}-image", files.backend());
    let watchers: Vec<&EventWatcher> =
        spec.event_watcher.iter().filter(|watcher| watcher.matcher.name == event).collect();
    let [EventWatcher { handler, .. }] = watchers[..] else { return is_not_taken(spec, &event) };
    if handler.r#type != "GIT_UPDATE" {
        return is_not_taken(spec, &event);
    }
    let field = format!("$.containerDefinitions[{position}].image");
    let changes: Vec<String> = handler
        .config
        .replacements
        .iter()
        .map(|change| format!("{} {}", change.file, change.yaml_field.as_deref().unwrap_or_default()))
        .collect();
    ensure!(
        changes == [format!("taskdef.yaml {field}")],
        text!("{event} changes {changes}", event, changes = changes.join(", ")),
        text!(
            "It should change {field} in taskdef.yaml, the image of {container}, and nothing else.",
            field,
            container
        )
    );
    Ok(())
}

fn is_not_taken(spec: &Spec, event: &str) -> Check {
    let names: Vec<&str> = spec.event_watcher.iter().map(|watcher| watcher.matcher.name.as_str()).collect();
    fail(
        text!("events: {names}", names = names.join(", ")),
        text!(
            "The workflow registers {event}: exactly one handler of the type GIT_UPDATE must take it.",
            event
        ),
    )
}

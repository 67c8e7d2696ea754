//! `app.pipecd.yaml`.

use super::{CONTAINERS, Files};
use crate::checks::words::{Wrong, wrong};
use crate::deployment::app::EventWatcher;

pub(super) fn app_is_wrong(files: &Files) -> Option<Wrong> {
    let app = match files.app() {
        Ok(app) => app,
        Err(wrong) => return Some(wrong),
    };
    let spec = &app.spec;
    if (app.api_version.as_str(), app.kind.as_str()) != ("pipecd.dev/v1beta1", "ECSApp") {
        return wrong(format!("{} {}", app.api_version, app.kind), "It is pipecd.dev/v1beta1, ECSApp.");
    }
    if spec.name != format!("handson-api-{}", files.name) {
        return wrong(
            format!("name: {}", spec.name),
            format!("It is handson-api-{}, as its folder.", files.name),
        );
    }
    let named = (&spec.input.service_definition_file[..], &spec.input.task_definition_file[..]);
    if named != ("servicedef.yaml", "taskdef.yaml") {
        return wrong(format!("{named:?}"), "The definitions are servicedef.yaml and taskdef.yaml.");
    }
    if let Some(other) =
        spec.input.access_type.as_deref().filter(|access| !["ELB", "SERVICE_DISCOVERY"].contains(access))
    {
        return wrong(format!("accessType: {other}"), "PipeCD knows ELB and SERVICE_DISCOVERY.");
    }
    CONTAINERS.iter().enumerate().find_map(|(position, (container, image))| {
        let event = format!("backend-{}-{image}-image", files.name);
        let watchers: Vec<&EventWatcher> =
            spec.event_watcher.iter().filter(|watcher| watcher.matcher.name == event).collect();
        let field = format!("$.containerDefinitions[{position}].image");
        let names: Vec<&str> =
            spec.event_watcher.iter().map(|watcher| watcher.matcher.name.as_str()).collect();
        match watchers[..] {
            [EventWatcher { handler, .. }] if handler.r#type == "GIT_UPDATE" => {
                let fields: Vec<_> = handler
                    .config
                    .replacements
                    .iter()
                    .map(|replacement| (&replacement.file[..], replacement.yaml_field.as_deref()))
                    .collect();
                (fields != [("taskdef.yaml", Some(&field[..]))]).then(|| {
                    (
                        format!("{event} changes {fields:?}"),
                        format!(
                            "It changes {field} of taskdef.yaml, the image of {container}, and nothing else."
                        ),
                    )
                })
            }
            _ => wrong(
                format!("events: {}", names.join(", ")),
                format!("The workflow registers {event}: one handler GIT_UPDATE takes it."),
            ),
        }
    })
}

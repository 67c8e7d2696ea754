//! The stages of the pipeline: their order, and their options.

use serde_json::{Value, json};

use crate::checks::assert::{Check, ensure, fail};
use crate::deployment::app::{App, Stage, options_of};
use crate::messages::Message;
use crate::text;

/// What a stage does in a canary release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    StartCanary,
    TrafficToCanary,
    Analysis,
    TrafficToPrimary,
    ReplacePrimary,
    EndCanary,
}

/// The order of the roles. Other stages may be between them.
const ORDER: [Role; 6] = [
    Role::StartCanary,
    Role::TrafficToCanary,
    Role::Analysis,
    Role::TrafficToPrimary,
    Role::ReplacePrimary,
    Role::EndCanary,
];

impl Role {
    fn of_stage(stage: &Stage) -> Option<Self> {
        match stage.name.as_str() {
            "ECS_CANARY_ROLLOUT" => Some(Self::StartCanary),
            "ECS_TRAFFIC_ROUTING" if percent(stage, "canary").is_some_and(|share| share > 0) => {
                Some(Self::TrafficToCanary)
            }
            "ECS_TRAFFIC_ROUTING" => match percent(stage, "primary")? {
                100 => Some(Self::TrafficToPrimary),
                share if share < 100 => Some(Self::TrafficToCanary),
                _ => None,
            },
            "ANALYSIS" | "WAIT_APPROVAL" => Some(Self::Analysis),
            "ECS_PRIMARY_ROLLOUT" => Some(Self::ReplacePrimary),
            "ECS_CANARY_CLEAN" => Some(Self::EndCanary),
            _ => None,
        }
    }

    fn text(self) -> Message {
        match self {
            Self::StartCanary => text!("tasks of the new version (ECS_CANARY_ROLLOUT)"),
            Self::TrafficToCanary => text!("a share of the traffic for them (ECS_TRAFFIC_ROUTING, canary)"),
            Self::Analysis => text!("an analysis or an approval (ANALYSIS, WAIT_APPROVAL)"),
            Self::TrafficToPrimary => {
                text!("all traffic back to the old version (ECS_TRAFFIC_ROUTING, primary: 100)")
            }
            Self::ReplacePrimary => text!("the new version in all tasks (ECS_PRIMARY_ROLLOUT)"),
            Self::EndCanary => text!("the end of the canary (ECS_CANARY_CLEAN)"),
        }
    }
}

/// All roles in their order, as a list.
pub(super) fn order() -> Message {
    let mut list = ORDER[0].text();
    for role in &ORDER[1..] {
        list = text!("{list}, {next}", list, next = role.text());
    }
    list
}

pub(super) fn stages(app: &App) -> &[Stage] {
    app.spec.pipeline.as_ref().map_or(&[], |pipeline| &pipeline.stages)
}

/// A percentage in each form that PipeCD accepts: `20`, `"20"`, `"20%"`.
fn percent(stage: &Stage, key: &str) -> Option<u64> {
    match stage.with.get(key)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim_end_matches('%').parse().ok(),
        _ => None,
    }
}

pub(super) fn are_in_order(app: &App) -> Check {
    let stages = stages(app);
    ensure!(
        !stages.is_empty(),
        text!("there is no pipeline: PipeCD does a quick sync"),
        text!("For an example, see the pipeline in infrastructure/env/handson-api-canary/app.pipecd.yaml.")
    );
    let names = || stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>().join(", ");
    // A pipeline may give several shares, with an analysis after each. So the first and the last position of
    // each role are compared.
    let positions = |role: Role| {
        stages
            .iter()
            .enumerate()
            .filter(move |(_, stage)| Role::of_stage(stage) == Some(role))
            .map(|(position, _)| position)
    };
    for role in ORDER {
        ensure!(
            positions(role).next().is_some(),
            names(),
            text!("This is missing: {role}.", role = role.text())
        );
    }
    for (earlier, later) in ORDER.into_iter().zip(ORDER.into_iter().skip(1)) {
        let reason = match earlier {
            Role::Analysis => text!(
                "The new version must be analysed while it gets traffic, and before it replaces the old one."
            ),
            Role::TrafficToPrimary => text!(
                "ECS_PRIMARY_ROLLOUT ends the canary's tasks, so traffic that is still routed to them gets no response."
            ),
            _ => text!("Each stage needs the one before it."),
        };
        ensure!(
            positions(earlier).min() <= positions(later).min()
                && positions(earlier).max() <= positions(later).max(),
            names(),
            text!(
                "\"{earlier}\" must come before \"{later}\". {reason}",
                earlier = earlier.text(),
                later = later.text(),
                reason
            )
        );
    }
    Ok(())
}

pub(super) fn have_valid_options(app: &App) -> Check {
    stages(app).iter().try_for_each(has_valid_options)
}

fn has_valid_options(stage: &Stage) -> Check {
    let name = &stage.name;
    let Some(options) = options_of(name) else {
        return fail(format!("name: {name}"), text!("PipeCD has no such stage for ECS."));
    };
    if let Some(key) = stage.with.keys().find(|key| !options.contains(&key.as_str())) {
        let cause = match options {
            [] => text!("PipeCD accepts any key here, but reads none in this stage."),
            _ => {
                text!("PipeCD accepts any key here, but reads only: {options}.", options = options.join(", "))
            }
        };
        return fail(format!("{name}: with: {key}"), cause);
    }
    let share = |key: &str| percent(stage, key).filter(|share| (1..=100).contains(share));
    match name.as_str() {
        "ECS_CANARY_ROLLOUT" if share("scale").is_none() => fail(
            format!("{name}: scale: {}", stage.with.get("scale").unwrap_or(&Value::Null)),
            text!("It should be a share of desiredCount, from 1 to 100 per cent."),
        ),
        "ECS_TRAFFIC_ROUTING" if share("canary").or(share("primary")).is_none() => fail(
            format!("{name}: {}", json!(stage.with)),
            text!("It should be a share from 1 to 100 per cent: `canary` or `primary`."),
        ),
        "ECS_TRAFFIC_ROUTING" if share("canary") == Some(100) => {
            fail(format!("{name}: canary: 100"), text!("A canary must not get all of the traffic."))
        }
        _ => Ok(()),
    }
}

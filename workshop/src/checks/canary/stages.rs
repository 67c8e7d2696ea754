//! The pipeline: its stages, their order, what each takes.

use serde_json::Value;

use crate::checks::words::{Wrong, wrong};
use crate::deployment::app::{App, Stage, options_of};

/// The stages of a canary, in order. Others may stand between them.
pub(super) const ORDER: [&str; 6] = [
    "a share of new tasks (ECS_CANARY_ROLLOUT)",
    "a share of the traffic (ECS_TRAFFIC_ROUTING, canary)",
    "a look (ANALYSIS, or WAIT_APPROVAL)",
    "the traffic back (ECS_TRAFFIC_ROUTING, primary: 100)",
    "all tasks new (ECS_PRIMARY_ROLLOUT)",
    "the end of the canary (ECS_CANARY_CLEAN)",
];

pub(super) fn stages(app: &App) -> &[Stage] {
    app.spec.pipeline.as_ref().map_or(&[], |pipeline| &pipeline.stages)
}

/// A percentage, as PipeCD takes it: `20`, `"20"`, `"20%"`.
fn percent(stage: &Stage, key: &str) -> Option<u64> {
    match stage.with.get(key)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim_end_matches('%').parse().ok(),
        _ => None,
    }
}

/// What a stage is in [`ORDER`].
fn role(stage: &Stage) -> Option<usize> {
    match stage.name.as_str() {
        "ECS_CANARY_ROLLOUT" => Some(0),
        "ECS_TRAFFIC_ROUTING" if percent(stage, "canary").is_some_and(|share| share > 0) => Some(1),
        "ECS_TRAFFIC_ROUTING" if percent(stage, "primary") == Some(100) => Some(3),
        "ECS_TRAFFIC_ROUTING" if percent(stage, "primary").is_some_and(|share| share < 100) => Some(1),
        "ANALYSIS" | "WAIT_APPROVAL" => Some(2),
        "ECS_PRIMARY_ROLLOUT" => Some(4),
        "ECS_CANARY_CLEAN" => Some(5),
        _ => None,
    }
}

pub(super) fn stages_are_wrong(app: &App) -> Option<Wrong> {
    let stages = stages(app);
    if stages.is_empty() {
        return wrong(
            "there is no pipeline: PipeCD does a quick sync",
            "The pipeline of infrastructure/env/handson-api-canary/app.pipecd.yaml is one.",
        );
    }
    let names = || stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>().join(", ");
    // More than one share, and a look after each, is a right answer too: what counts is where each comes first and last.
    let places = |wanted: usize| {
        stages.iter().enumerate().filter(move |(_, stage)| role(stage) == Some(wanted)).map(|(at, _)| at)
    };
    for (wanted, what) in ORDER.iter().enumerate() {
        if places(wanted).next().is_none() {
            return wrong(names(), format!("It lacks {what}."));
        }
    }
    for earlier in 0..ORDER.len() - 1 {
        if places(earlier).min() > places(earlier + 1).min()
            || places(earlier).max() > places(earlier + 1).max()
        {
            let cause = match earlier {
                3 => {
                    "ECS_PRIMARY_ROLLOUT ends the canary's tasks: traffic that still goes there has nobody to answer it."
                }
                2 => "What nobody has looked at is not to become all there is.",
                _ => "Each needs the one before it.",
            };
            return wrong(
                names(),
                format!("{} must come before {}. {cause}", ORDER[earlier], ORDER[earlier + 1]),
            );
        }
    }
    None
}

pub(super) fn options_are_wrong(app: &App) -> Option<Wrong> {
    stages(app).iter().find_map(|stage| {
        let name = &stage.name;
        let Some(options) = options_of(name) else {
            return wrong(format!("name: {name}"), "PipeCD has no such stage for ECS.");
        };
        if let Some(key) = stage.with.keys().find(|key| !options.contains(&key.as_str())) {
            let known = if options.is_empty() { "nothing".to_owned() } else { options.join(", ") };
            return wrong(
                format!("{name}: with: {key}"),
                format!("PipeCD takes any key here, and heeds only: {known}."),
            );
        }
        let share = |key: &str| percent(stage, key).filter(|share| (1..=100).contains(share));
        match name.as_str() {
            "ECS_CANARY_ROLLOUT" if share("scale").is_none() => wrong(
                format!("{name}: scale: {}", stage.with.get("scale").unwrap_or(&Value::Null)),
                "It is a share of desiredCount, from 1 to 100 per cent.",
            ),
            "ECS_TRAFFIC_ROUTING" if share("canary").or(share("primary")).is_none() => wrong(
                format!("{name}: {:?}", stage.with),
                "It is a share from 1 to 100 per cent: `canary` or `primary`.",
            ),
            "ECS_TRAFFIC_ROUTING" if share("canary") == Some(100) => {
                wrong(format!("{name}: canary: 100"), "With all of the traffic it is no canary.")
            }
            _ => None,
        }
    })
}

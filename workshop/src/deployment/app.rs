//! `app.pipecd.yaml` of an ECS application, as PipeCD 0.57 decodes it. Unknown keys are rejected.
//!
//! Names and types are those of PipeCD's `pkg/config`. Fields that no check needs are not decoded further.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct App {
    pub api_version: String,
    pub kind: String,
    pub spec: Spec,
}

/// `ECSApplicationSpec`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Spec {
    pub name: String,
    pub labels: Option<BTreeMap<String, String>>,
    pub description: Option<String>,
    pub planner: Option<Value>,
    pub commit_matcher: Option<Value>,
    pub pipeline: Option<Pipeline>,
    pub trigger: Option<Value>,
    pub post_sync: Option<Value>,
    pub timeout: Option<String>,
    pub encryption: Option<Value>,
    pub attachment: Option<Value>,
    pub notification: Option<Value>,
    #[serde(default)]
    pub event_watcher: Vec<EventWatcher>,
    pub drift_detection: Option<Value>,
    pub input: Input,
    pub quick_sync: Option<Value>,
}

/// `ECSDeploymentInput`, without the fields of standalone tasks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    pub service_definition_file: String,
    pub task_definition_file: String,
    #[serde(default)]
    pub target_groups: TargetGroups,
    pub launch_type: Option<String>,
    pub auto_rollback: Option<bool>,
    pub run_standalone_task: Option<bool>,
    pub access_type: Option<String>,
}

/// Where the load balancer sends requests of each variant.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetGroups {
    pub primary: Option<TargetGroup>,
    pub canary: Option<TargetGroup>,
}

/// A target group of an ALB.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TargetGroup {
    pub target_group_arn: String,
    pub container_name: String,
    pub container_port: u16,
    pub load_balancer_name: Option<String>,
}

/// The stages, in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    pub stages: Vec<Stage>,
}

/// A stage. PipeCD itself accepts any key here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    pub id: Option<String>,
    pub name: String,
    pub desc: Option<String>,
    pub timeout: Option<String>,
    #[serde(default)]
    pub with: BTreeMap<String, Value>,
}

/// Changes a file when an event arrives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventWatcher {
    pub matcher: Matcher,
    pub handler: Handler,
}

/// Selects the events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matcher {
    pub name: String,
    pub labels: Option<BTreeMap<String, String>>,
}

/// `GIT_UPDATE`: PipeCD commits the change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handler {
    pub r#type: String,
    pub config: HandlerConfig,
}

/// The changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HandlerConfig {
    pub commit_message: Option<String>,
    pub make_pull_request: Option<bool>,
    pub replacements: Vec<Replacement>,
}

/// A field that the data of the event replaces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Replacement {
    pub file: String,
    pub yaml_field: Option<String>,
    pub json_field: Option<String>,
    #[serde(rename = "HCLField")]
    pub hcl_field: Option<String>,
    pub regex: Option<String>,
}

/// The keys of `with` that a stage of this name accepts; `None`: ECS has no such stage.
pub fn options_of(stage: &str) -> Option<&'static [&'static str]> {
    Some(match stage {
        "ECS_SYNC" => &["recreate"],
        "ECS_CANARY_ROLLOUT" => &["scale"],
        "ECS_PRIMARY_ROLLOUT" | "ECS_CANARY_CLEAN" => &[],
        "ECS_TRAFFIC_ROUTING" => &["canary", "primary"],
        "WAIT" => &["duration", "skipOn"],
        "WAIT_APPROVAL" => &["timeout", "approvers", "minApproverNum", "skipOn"],
        "ANALYSIS" => &["duration", "restartThreshold", "metrics", "logs", "https", "skipOn"],
        "SCRIPT_RUN" => &["env", "run", "timeout", "onRollback", "skipOn"],
        _ => return None,
    })
}

/// A metric of `ANALYSIS`: in each `interval`, the result of `query` must be in `expected`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Metric {
    pub strategy: Option<String>,
    pub provider: String,
    pub query: String,
    pub expected: Range,
    pub interval: String,
    pub failure_limit: Option<u32>,
    pub skip_on_no_data: Option<bool>,
    pub deviation: Option<String>,
    pub baseline_args: Option<Value>,
    pub canary_args: Option<Value>,
    pub timeout: Option<String>,
    pub template: Option<Value>,
}

/// From `min` to `max`, both included. PipeCD requires at least one of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    pub min: Option<f64>,
    pub max: Option<f64>,
}

//! A backend's workflow of GitHub Actions, which calls the reusable one for this backend.

use serde::Deserialize;
use serde_json::Value;

/// The file. Keys that GitHub does not know are rejected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Workflow {
    pub name: Option<String>,
    pub run_name: Option<String>,
    pub on: On,
    pub permissions: Option<Value>,
    pub env: Option<Value>,
    pub defaults: Option<Value>,
    pub concurrency: Option<Value>,
    pub jobs: Jobs,
}

/// When it runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct On {
    pub workflow_dispatch: Option<Value>,
    pub push: Push,
}

/// Which pushes start it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    pub branches: Vec<String>,
    pub paths: Vec<String>,
}

/// One job, which calls the reusable workflow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    pub distribute: Job,
}

/// The call of a reusable workflow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    pub name: Option<String>,
    pub r#if: Option<String>,
    pub uses: String,
    pub permissions: Permissions,
    pub concurrency: Option<Value>,
    pub with: Inputs,
    pub secrets: Value,
}

/// Permissions of the job. AWS lets only a job with `id-token: write` assume a role.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Permissions {
    pub contents: Option<String>,
    pub id_token: Option<String>,
}

/// The inputs of `distribute-backend.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    pub prefix: String,
    pub folder: String,
    pub region: String,
    pub role: String,
}

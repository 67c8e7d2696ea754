//! The workflow of GitHub Actions.

use super::names::{is_account, is_region};
use super::{Files, misread};
use crate::checks::words::{Wrong, wrong};
use crate::deployment;
use crate::deployment::workflow::Workflow;

pub(super) fn workflow_is_wrong(files: &Files) -> Option<Wrong> {
    let file = deployment::workflow_of(files.name);
    let workflow: Workflow = match deployment::yaml(files.tree, &file) {
        Ok(workflow) => workflow,
        Err(seen) => return Some(misread(seen)),
    };
    let backend = format!("backend-{}", files.name);
    let (job, push) = (&workflow.jobs.distribute, &workflow.on.push);
    let role = job.with.role.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/"));
    let says = |key: &str, value: &str| format!("{}: {key}: {value}", file.display());
    if !job.uses.ends_with("/.github/workflows/distribute-backend.yaml") {
        return wrong(
            says("uses", &job.uses),
            "All backends call the reusable workflow distribute-backend.yaml.",
        );
    }
    if job.with.prefix != backend {
        return wrong(
            says("prefix", &job.with.prefix),
            format!("It is {backend}: repositories and events begin with it."),
        );
    }
    if job.with.folder != backend {
        return wrong(
            says("folder", &job.with.folder),
            format!("It is {backend}, or the images are those of another."),
        );
    }
    if !is_region(&job.with.region) {
        return wrong(says("region", &job.with.region), "A region of AWS reads like ap-northeast-1.");
    }
    match role {
        Some((account, role)) if is_account(account) && role == format!("{backend}-github-actions") => {}
        _ => {
            return wrong(
                says("role", &job.with.role),
                format!(
                    "It is arn:aws:iam::, the account's 12 digits, :role/{backend}-github-actions; only that role may push to these repositories."
                ),
            );
        }
    }
    if job.permissions.id_token.as_deref() != Some("write")
        || job.permissions.contents.as_deref() != Some("read")
    {
        return wrong(
            format!("{:?}", job.permissions),
            "The job needs `contents: read`, and `id-token: write`: the token for which AWS gives the role.",
        );
    }
    if !push.branches.iter().any(|branch| branch == "main") || !push.paths.contains(&format!("{backend}/**"))
    {
        return wrong(
            format!("on push of {:?}, {:?}", push.branches, push.paths),
            format!("It runs where main changes {backend}/**; else a merged change goes nowhere."),
        );
    }
    None
}

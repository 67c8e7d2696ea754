//! The workflow of GitHub Actions.

use super::Files;
use super::names::{is_account, is_region};
use crate::checks::assert::{Check, ensure};
use crate::deployment;
use crate::deployment::workflow::Workflow;
use crate::text;

pub(super) fn workflow_is_right(files: &Files) -> Check {
    let file = deployment::workflow_of(files.name);
    let workflow: Workflow = files.yaml(&file)?;
    let backend = files.backend();
    let (job, push) = (&workflow.jobs.distribute, &workflow.on.push);
    let line = |key: &str, value: &str| format!("{}: {key}: {value}", file.display());
    ensure!(
        job.uses.ends_with("/.github/workflows/distribute-backend.yaml"),
        line("uses", &job.uses),
        text!("All backends call the reusable workflow distribute-backend.yaml.")
    );
    ensure!(
        job.with.prefix == backend,
        line("prefix", &job.with.prefix),
        text!("It should be {backend}: the names of repositories and events begin with it.", backend)
    );
    ensure!(
        job.with.folder == backend,
        line("folder", &job.with.folder),
        text!("It should be {backend}; otherwise the images are those of another backend.", backend)
    );
    ensure!(
        is_region(&job.with.region),
        line("region", &job.with.region),
        text!("An AWS region looks like ap-northeast-1.")
    );
    let role = job.with.role.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/"));
    ensure!(
        role.is_some_and(|(account, role)| is_account(account) && role == format!("{backend}-github-actions")),
        line("role", &job.with.role),
        text!(
            "It should be arn:aws:iam::ACCOUNT:role/{backend}-github-actions, where ACCOUNT is the account's 12 digits; only that \
             role may push to these repositories.",
            backend
        )
    );
    let permissions = &job.permissions;
    ensure!(
        permissions.id_token.as_deref() == Some("write") && permissions.contents.as_deref() == Some("read"),
        format!("{permissions:?}"),
        text!(
            "The job needs `contents: read` and `id-token: write`. The latter lets it request the token in exchange for which AWS \
             gives the role."
        )
    );
    ensure!(
        push.branches.iter().any(|branch| branch == "main") && push.paths.contains(&format!("{backend}/**")),
        format!("push: branches: {:?}, paths: {:?}", push.branches, push.paths),
        text!(
            "It must run when a push to main changes {backend}/**; otherwise a merged change is not deployed.",
            backend
        )
    );
    Ok(())
}

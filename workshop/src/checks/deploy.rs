//! Step 10: the deployment files use the names of the backend throughout, are filled in, and are accepted by
//! GitHub, PipeCD and ECS.

mod ecs;
mod github;
mod names;
mod pipecd;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::assert::{Check, ensure, fail};
use crate::deployment::app::App;
use crate::deployment::{self, MARK, PREFIXES, lists};
use crate::evidence::Evidence;
use crate::messages::Message;
use crate::source::Tree;
use crate::text;
use crate::verdict::{Expectation, Failure};

/// The cluster that Terraform creates.
const CLUSTER: &str = "handson-app-cluster";
/// The containers that run the backend's own images, and the middle part of the names of these images. PipeCD
/// addresses a container by its position.
const CONTAINERS: [(&str, &str); 2] = [("handson-api", "server"), ("loadtest", "loadtest")];

/// The files of one backend.
pub(super) struct Files<'a> {
    /// `sakura`.
    pub(super) name: &'a str,
    pub(super) tree: &'a Tree,
}

impl<'a> Files<'a> {
    /// The backend's files; `None` if the deployment is not checked.
    pub(super) fn from_evidence(evidence: &'a Evidence) -> Option<Self> {
        let backend = &evidence.backend;
        let name = backend.name.strip_prefix("backend-").unwrap_or(&backend.name);
        backend.deployment.as_ref().map(|tree| Self { name, tree })
    }

    /// `backend-sakura`.
    pub(super) fn backend(&self) -> String {
        format!("backend-{}", self.name)
    }

    /// `handson-api-sakura`: the names of the ECS service, of the task and of the PipeCD application.
    fn application(&self) -> String {
        format!("handson-api-{}", self.name)
    }

    /// The path of a file in the backend's PipeCD folder.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        deployment::folder_of(self.name).join(file)
    }

    /// A file, parsed as YAML.
    fn yaml<T: DeserializeOwned>(&self, file: &Path) -> Result<T, Failure> {
        deployment::yaml(self.tree, file).map_err(|error| {
            let cause = text!("Compare it with the file of backend-base: keys, indentation and quotes.");
            Failure::new(Message::verbatim(error), cause)
        })
    }

    /// `app.pipecd.yaml`, in the form that PipeCD accepts.
    pub(super) fn app(&self) -> Result<App, Failure> {
        self.yaml(&self.path("app.pipecd.yaml"))
    }

    /// `list` must contain the backend exactly once, and be sorted.
    pub(super) fn is_listed_in(&self, list: &str) -> Check {
        let backend = self.backend();
        let names = self.tree.text(Path::new(list)).map(lists::names).unwrap_or_default();
        let seen = format!("{list}: {}", names.join(", "));
        match names.iter().filter(|name| **name == backend).count() {
            0 => fail(seen, text!("It has no line `\"{backend}\",`: add it in alphabetical order.", backend)),
            1 if names.is_sorted() => Ok(()),
            1 => fail(
                seen,
                text!(
                    "The lines are not sorted, which can happen in a merge: `cargo workshop infra NAME` sorts them."
                ),
            ),
            _ => fail(
                seen,
                text!(
                    "\"{backend}\" is listed more than once. Terraform treats these lines as one: keep only one of them.",
                    backend
                ),
            ),
        }
    }
}

pub(super) fn judge(evidence: &Evidence) -> Option<Vec<Expectation>> {
    let files = Files::from_evidence(evidence)?;
    let (backend, application) = (&files.backend(), &files.application());
    let exist = Expectation::new(
        text!("a workflow and a PipeCD folder for {backend}", backend),
        has_all_files(&files),
    );
    if !exist.is_met() {
        return Some(vec![exist]);
    }
    let listed = Expectation::new(
        text!("both Terraform lists contain {backend} exactly once, and are sorted", backend),
        PREFIXES.iter().try_for_each(|list| files.is_listed_in(list)),
    );
    let filled = Expectation::new(
        text!("no mark `TODO_…` is left: each is replaced by your own value"),
        has_no_marks(&files),
    );
    if !filled.is_met() {
        return Some(vec![exist, listed, filled]);
    }
    Some(vec![
        exist,
        listed,
        filled,
        Expectation::new(
            text!(
                "the workflow builds the folder {backend}, and pushes its images to its own two repositories",
                backend
            ),
            github::workflow_is_right(&files),
        ),
        Expectation::new(
            text!(
                "PipeCD accepts app.pipecd.yaml: the application {application}, and an event for each image",
                application
            ),
            pipecd::app_is_right(&files),
        ),
        Expectation::new(
            text!(
                "ECS accepts servicedef.yaml: the service {application} in {cluster}",
                application,
                cluster = CLUSTER
            ),
            ecs::service_is_right(&files),
        ),
        Expectation::new(
            text!("ECS accepts taskdef.yaml: the task {application}, with its own images first", application),
            ecs::task_is_right(&files),
        ),
        Expectation::new(
            text!("no file names another backend, another account or another region"),
            names::are_of_one_backend(&files),
        ),
    ])
}

fn has_all_files(files: &Files) -> Check {
    let needed = ["app.pipecd.yaml", "servicedef.yaml", "taskdef.yaml"].map(|file| files.path(file));
    let missing = [deployment::workflow_of(files.name)]
        .into_iter()
        .chain(needed)
        .filter(|file| !files.tree.files.contains_key(file))
        .map(|file| text!("{file} is missing", file = file.display().to_string()));
    match lines(missing) {
        None => Ok(()),
        Some(seen) => fail(
            seen,
            text!(
                "`cargo workshop infra {name}` creates them from the files of backend-base.",
                name = files.name
            ),
        ),
    }
}

/// Each mark is reported once, with all its places, because the account alone is in several lines.
fn has_no_marks(files: &Files) -> Check {
    let mut marks: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for path in files.tree.files.keys().filter(|path| deployment::is_own(path, files.name)) {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        for (index, line) in files.tree.text(path).unwrap_or_default().lines().enumerate() {
            let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            for word in words.filter(|word| word.starts_with(MARK)) {
                marks.entry(word).or_default().push(format!("{file}:{}", index + 1));
            }
        }
    }
    let places: Vec<String> =
        marks.iter().map(|(mark, places)| format!("{mark}: {}", places.join(", "))).collect();
    ensure!(
        places.is_empty(),
        places.join("\n"),
        text!(
            "Replace them by your own values: the account, its region, and what `terraform output` in env/base-infra shows \
             for subnets, security group, and the target groups of a canary."
        )
    );
    Ok(())
}

/// Several messages, one per line; `None` if there are none.
fn lines(messages: impl IntoIterator<Item = Message>) -> Option<Message> {
    messages.into_iter().reduce(|lines, line| text!("{lines}\n{line}", lines, line))
}

//! Step 10: the files of the deployment name the backend everywhere, are filled in, and are what GitHub, PipeCD and ECS take.

mod ecs;
mod github;
mod names;
mod pipecd;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::words::{Wrong, expect, wrong};
use crate::deployment::app::App;
use crate::deployment::{self, MARK, PREFIXES, lists};
use crate::evidence::Evidence;
use crate::source::Tree;
use crate::verdict::Expectation;

/// As Terraform calls the cluster.
const CLUSTER: &str = "handson-app-cluster";
/// The containers whose images are the backend's own, by their position.
const CONTAINERS: [(&str, &str); 2] = [("handson-api", "server"), ("loadtest", "loadtest")];

/// The files of one backend.
pub(super) struct Files<'a> {
    /// `sakura`.
    pub(super) name: &'a str,
    pub(super) tree: &'a Tree,
}

impl<'a> Files<'a> {
    /// `None` where they are not to be judged.
    pub(super) fn of(evidence: &'a Evidence) -> Option<Self> {
        let backend = &evidence.backend;
        let name = backend.name.strip_prefix("backend-").unwrap_or(&backend.name);
        backend.deployment.as_ref().map(|tree| Self { name, tree })
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        deployment::folder_of(self.name).join(file)
    }

    /// A file of the folder of PipeCD, in the shape that PipeCD takes.
    pub(super) fn app(&self) -> Result<App, Wrong> {
        deployment::yaml(self.tree, &self.path("app.pipecd.yaml")).map_err(misread)
    }

    /// Whether `list` has the backend's line, once, and is sorted.
    pub(super) fn listed(&self, list: &str) -> Option<Wrong> {
        let prefix = format!("backend-{}", self.name);
        let names = self.tree.text(Path::new(list)).map(lists::names).unwrap_or_default();
        let seen = format!("{list}: {}", names.join(", "));
        let cause = match names.iter().filter(|name| **name == prefix).count() {
            0 => format!("It has no line \"{prefix}\","),
            1 if names.is_sorted() => return None,
            1 => "The lines are not sorted, as they may be after a merge: `cargo workshop infra NAME` sorts them."
                .to_owned(),
            _ => format!("\"{prefix}\" is there more than once; Terraform would take both for one."),
        };
        wrong(seen, cause)
    }
}

fn misread(error: crate::error::Error) -> Wrong {
    (
        error.to_string(),
        "Compare it with that of backend-base: keys, indentation, and what stands in quotes.".to_owned(),
    )
}

pub(super) fn judge(evidence: &Evidence) -> Option<Vec<Expectation>> {
    let files = Files::of(evidence)?;
    let name = files.name;
    let there =
        expect(format!("a workflow and a folder of PipeCD for backend-{name}"), files_are_missing(&files));
    if !there.is_met() {
        return Some(vec![there]);
    }
    let listed = expect(
        format!("both lists of Terraform have backend-{name}, once, and sorted"),
        PREFIXES.iter().find_map(|list| files.listed(list)),
    );
    let filled = expect("no mark of what only you know is left", marks_are_left(&files));
    if !filled.is_met() {
        return Some(vec![there, listed, filled]);
    }
    Some(vec![
        there,
        listed,
        filled,
        expect(
            format!("the workflow brings the folder backend-{name} to its own two repositories"),
            github::workflow_is_wrong(&files),
        ),
        expect(
            format!(
                "PipeCD takes app.pipecd.yaml: the application handson-api-{name}, an event for each image"
            ),
            pipecd::app_is_wrong(&files),
        ),
        expect(
            format!("ECS takes servicedef.yaml: the service handson-api-{name} in {CLUSTER}"),
            ecs::service_is_wrong(&files),
        ),
        expect(
            format!("ECS takes taskdef.yaml: the task handson-api-{name}, with its own images first"),
            ecs::task_is_wrong(&files),
        ),
        expect(
            "no file names another backend, another account or another region",
            names::others_are_named(&files),
        ),
    ])
}

fn files_are_missing(files: &Files) -> Option<Wrong> {
    let wanted = ["app.pipecd.yaml", "servicedef.yaml", "taskdef.yaml"].map(|file| files.path(file));
    let missing: Vec<String> = [deployment::workflow_of(files.name)]
        .into_iter()
        .chain(wanted)
        .filter(|file| !files.tree.files.contains_key(file))
        .map(|file| format!("{} is missing", file.display()))
        .collect();
    (!missing.is_empty()).then(|| {
        let cause = format!("`cargo workshop infra {}` makes them from those of backend-base.", files.name);
        (missing.join("\n"), cause)
    })
}

/// Each mark with its places; not one for each line, for the account stands in several.
fn marks_are_left(files: &Files) -> Option<Wrong> {
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
    let lines: Vec<String> =
        marks.iter().map(|(mark, places)| format!("{mark}: {}", places.join(", "))).collect();
    (!lines.is_empty()).then(|| {
        let cause = "Put your own values in their place: the account, its region, and what `terraform output` of \
                     env/base-infra says of subnets, security group, and a canary's target groups.";
        (lines.join("\n"), cause.to_owned())
    })
}

//! The files that deploy a backend to ECS: its line in two lists of Terraform, its workflow of GitHub
//! Actions, and its application of PipeCD.
//!
//! The files of `base` are the templates: the files of a backend differ from them only by the name of the
//! backend.

pub mod app;
pub mod ecs;
pub mod lists;
pub mod workflow;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result, read_to_string};
use crate::source::{Tree, files_below};
use crate::steps::{Kind, Steps};

/// The lists of backends for which Terraform creates image repositories, and roles for GitHub.
pub const PREFIXES: [&str; 2] =
    ["infrastructure/env/base-infra/prefixes.tf", "infrastructure/env/github-infra/prefixes.tf"];

/// The list of backends that get a load balancer with two target groups.
pub const CANARIES: &str = "infrastructure/env/base-infra/canaries.tf";

/// The prefix of placeholders: values that only the owner of the account knows.
pub const MARK: &str = "TODO_";

/// An example value for each placeholder.
const EXAMPLES: [(&str, &str); 7] = [
    ("TODO_AWS_ACCOUNT_ID", "111122223333"),
    ("TODO_AWS_REGION", "ap-northeast-1"),
    ("TODO_SUBNET_1", "subnet-0a1b2c3d4e5f60718"),
    ("TODO_SUBNET_2", "subnet-0f1e2d3c4b5a69788"),
    ("TODO_SECURITY_GROUP", "sg-0123456789abcdef0"),
    (
        "TODO_PRIMARY_TARGET_GROUP_ARN",
        "arn:aws:elasticloadbalancing:ap-northeast-1:111122223333:targetgroup/handson-NAME-primary/0123456789abcdef",
    ),
    (
        "TODO_CANARY_TARGET_GROUP_ARN",
        "arn:aws:elasticloadbalancing:ap-northeast-1:111122223333:targetgroup/handson-NAME-canary/fedcba9876543210",
    ),
];

/// `.github/workflows/distribute-backend-NAME.yaml`.
pub fn workflow_of(name: &str) -> PathBuf {
    format!(".github/workflows/distribute-backend-{name}.yaml").into()
}

/// `infrastructure/env/handson-api-NAME`, with `app.pipecd.yaml`, `servicedef.yaml` and `taskdef.yaml`.
pub fn folder_of(name: &str) -> PathBuf {
    format!("infrastructure/env/handson-api-{name}").into()
}

/// The three lists, and the existing files of `name`; paths are relative to the repository at `root`.
///
/// # Errors
///
/// A file cannot be read.
pub fn read(root: &Path, name: &str) -> Result<Tree> {
    let mut tree = Tree::default();
    for file in PREFIXES.into_iter().chain([CANARIES]).map(PathBuf::from).chain([workflow_of(name)]) {
        if root.join(&file).is_file() {
            tree.add(&file, text(root, &file)?);
        }
    }
    if root.join(folder_of(name)).is_dir() {
        for file in files_below(root, &folder_of(name))? {
            tree.add(&file, text(root, &file)?);
        }
    }
    Ok(tree)
}

/// Whether `name` has at least one file of its own.
pub fn has_own_files(tree: &Tree, name: &str) -> bool {
    tree.files.keys().any(|file| is_own(file, name))
}

/// Whether the file belongs to `name` alone.
pub fn is_own(file: &Path, name: &str) -> bool {
    *file == workflow_of(name) || file.starts_with(folder_of(name))
}

/// The deployment of `name` without a canary: the two lists with its name, the sorted list of canaries, and
/// its own files, made from those of `base`.
///
/// # Errors
///
/// A file of `base` cannot be read, or a list does not have the expected form.
pub fn plain(root: &Path, name: &str) -> Result<Tree> {
    let mut tree = Tree::default();
    for list in PREFIXES.map(Path::new) {
        tree.add(list, with_line(root, list, name)?);
    }
    // A merge may have left this list unsorted, too.
    let canaries =
        lists::sorted(&text(root, Path::new(CANARIES))?).map_err(|error| Error::invalid(CANARIES, error))?;
    tree.add(Path::new(CANARIES), canaries);
    tree.add(&workflow_of(name), renamed(&text(root, &workflow_of("base"))?, "base", name));
    for file in files_below(root, &folder_of("base"))? {
        add_renamed(&mut tree, root, &file, "base", name)?;
    }
    Ok(tree)
}

/// The deployment of `name` with a canary: also in the list of canaries, with the service and the pipeline of
/// `canary`.
///
/// # Errors
///
/// The same as for [`plain`].
pub fn canary(root: &Path, name: &str) -> Result<Tree> {
    let mut tree = plain(root, name)?;
    let list = Path::new(CANARIES);
    tree.add(list, with_line(root, list, name)?);
    for file in ["app.pipecd.yaml", "servicedef.yaml"] {
        add_renamed(&mut tree, root, &folder_of("canary").join(file), "canary", name)?;
    }
    Ok(tree)
}

/// The files as they are after a step, with example values for the placeholders; before the first deployment
/// step, only the three lists.
///
/// # Errors
///
/// The same as for [`plain`].
pub fn at(root: &Path, steps: &Steps, name: &str, at: usize) -> Result<Tree> {
    // The first step of this kind adds the files, and the second one changes them to a canary.
    let done = steps.all()[..=at].iter().filter(|step| step.kind == Kind::Deployment).count();
    let mut tree = Tree::default();
    for list in PREFIXES.into_iter().chain([CANARIES]).map(Path::new) {
        tree.add(list, text(root, list)?);
    }
    if done > 0 {
        let own = if done > 1 { canary(root, name)? } else { plain(root, name)? };
        tree.files.extend(filled(own, name).files);
    }
    Ok(tree)
}

/// Replaces all placeholders by example values.
fn filled(mut tree: Tree, name: &str) -> Tree {
    for content in tree.files.values_mut() {
        let text =
            EXAMPLES.iter().fold(String::from_utf8_lossy(content).into_owned(), |text, (mark, value)| {
                text.replace(mark, &value.replace("NAME", name))
            });
        *content = text.into_bytes();
    }
    tree
}

fn with_line(root: &Path, list: &Path, name: &str) -> Result<String> {
    lists::with(&text(root, list)?, &format!("backend-{name}"))
        .map_err(|error| Error::invalid(list.display(), error))
}

fn add_renamed(tree: &mut Tree, root: &Path, file: &Path, from: &str, to: &str) -> Result<()> {
    let own =
        file.strip_prefix(folder_of(from)).map_or_else(|_| file.to_owned(), |rest| folder_of(to).join(rest));
    tree.add(&own, renamed(&text(root, file)?, from, to));
    Ok(())
}

/// Replaces the three forms of a backend's name in its files.
fn renamed(text: &str, from: &str, to: &str) -> String {
    ["handson-api-", "backend-", "handson-"]
        .iter()
        .fold(text.to_owned(), |text, form| text.replace(&format!("{form}{from}"), &format!("{form}{to}")))
}

fn text(root: &Path, file: &Path) -> Result<String> {
    read_to_string(&root.join(file))
}

/// A file of the tree, as YAML.
///
/// # Errors
///
/// The file is missing, or it is not valid: the message says where.
pub fn yaml<T: serde::de::DeserializeOwned>(tree: &Tree, file: &Path) -> Result<T> {
    let text = tree.text(file).ok_or_else(|| Error::invalid(file.display(), "this file is missing"))?;
    serde_saphyr::from_str(text).map_err(|error| Error::invalid(file.display(), error))
}

//! `infra`, and what `goto` and `remove` do with deployment files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::backup::rename;
use super::repository::Repository;
use crate::deployment::{self, CANARIES, MARK, PREFIXES, lists};
use crate::source::Tree;
use crate::steps::Step;

/// Where the value of a placeholder comes from.
const SOURCES: [(&str, &str); 7] = [
    ("TODO_AWS_ACCOUNT_ID", "the 12 digits of your AWS account"),
    ("TODO_AWS_REGION", "its region, for example ap-northeast-1"),
    ("TODO_SUBNET_1", "terraform output subnet_ids"),
    ("TODO_SUBNET_2", "terraform output subnet_ids"),
    ("TODO_SECURITY_GROUP", "terraform output task_security_group_id"),
    ("TODO_PRIMARY_TARGET_GROUP_ARN", "terraform output target_groups"),
    ("TODO_CANARY_TARGET_GROUP_ARN", "terraform output target_groups"),
];

/// Adds the missing deployment files of a backend.
pub(super) fn infra(repository: &Repository, name: &str) -> Result<u8> {
    let name = repository.backend(Some(name))?;
    if ["base", "canary"].contains(&name.as_str()) {
        bail!(
            "invalid value '{name}' for NAME: backend-{name} belongs to the workshop and already has these files"
        );
    }
    let wanted = deployment::plain(&repository.root, &name)?;
    let existing = deployment::read(&repository.root, &name)?;
    let mut new = Tree::default();
    for (path, content) in wanted.files {
        let is_own = deployment::is_own(&path, &name);
        match existing.files.get(&path) {
            // The attendee may have replaced placeholders in it.
            Some(_) if is_own => {}
            Some(before) if *before == content => {}
            before => {
                anstream::println!(
                    "{} {}",
                    if before.is_some() { "changed" } else { "new    " },
                    path.display()
                );
                new.files.insert(path, content);
            }
        }
    }
    new.write_to(&repository.root).context("cannot write the deployment files")?;
    if new.files.is_empty() {
        anstream::println!("The deployment files of backend-{name} are complete.");
    }
    print_placeholders(&deployment::read(&repository.root, &name)?, &name);
    anstream::println!("\n  cargo workshop check {name} deploy");
    Ok(0)
}

/// Lists the placeholders that are left, where each value comes from, and the files that contain it.
fn print_placeholders(tree: &Tree, name: &str) {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, _) in tree.files.iter().filter(|(path, _)| deployment::is_own(path, name)) {
        let text = tree.text(path).unwrap_or_default();
        for (mark, _) in SOURCES.iter().filter(|(mark, _)| text.contains(mark)) {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.entry(mark).or_default().push(file);
        }
    }
    if found.is_empty() {
        anstream::println!("No placeholder ({MARK}…) is left in them.");
        return;
    }
    anstream::println!("\nOnly you know these values. Replace the placeholders:");
    for (mark, files) in found {
        let source = SOURCES.iter().find(|(of, _)| *of == mark).map_or("", |(_, source)| source);
        anstream::println!("  {mark:<30} {source:<40} {}", files.join(", "));
    }
}

/// Writes the deployment files of a step's answer. Existing ones are moved to `backup`.
pub(super) fn write_answer(repository: &Repository, name: &str, step: &Step, backup: &Path) -> Result<()> {
    let tree = deployment::at(&repository.root, &repository.steps, name, step.number)?;
    back_up_own_files(repository, name, backup)?;
    tree.write_to(&repository.root).context("cannot write the deployment files")
}

/// Removes a backend from the deployment. Its own files are moved to `backup`.
pub(super) fn remove_from_deployment(repository: &Repository, name: &str, backup: &Path) -> Result<()> {
    back_up_own_files(repository, name, backup)?;
    for list in PREFIXES.into_iter().chain([CANARIES]) {
        let path = repository.root.join(list);
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let without = lists::without(&text, &format!("backend-{name}"));
        if without != text {
            fs::write(&path, without).with_context(|| format!("cannot write {list}"))?;
        }
    }
    Ok(())
}

/// Moves the workflow and the PipeCD application to the same paths below `backup`.
fn back_up_own_files(repository: &Repository, name: &str, backup: &Path) -> Result<()> {
    for own in [deployment::workflow_of(name), deployment::folder_of(name)] {
        let (from, to) = (repository.root.join(&own), backup.join(&own));
        if from.exists() {
            let folder = to.parent().unwrap_or(backup);
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            rename(&from, &to)?;
        }
    }
    Ok(())
}

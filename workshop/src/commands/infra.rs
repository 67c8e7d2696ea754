//! `infra`, and what `goto` and `remove` do with deployment files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::backup::rename;
use super::print;
use super::repository::Repository;
use crate::deployment::{self, CANARIES, MARK, PREFIXES, lists};
use crate::error::Error;
use crate::messages::Message;
use crate::source::Tree;
use crate::steps::{Lang, Step};
use crate::text;

/// Each placeholder, and where its value comes from.
fn sources() -> [(&'static str, Message); 7] {
    let output = |name: &str| Message::verbatim(format!("terraform output {name}"));
    [
        ("TODO_AWS_ACCOUNT_ID", text!("the 12 digits of your AWS account")),
        ("TODO_AWS_REGION", text!("its region, for example ap-northeast-1")),
        ("TODO_SUBNET_1", output("subnet_ids")),
        ("TODO_SUBNET_2", output("subnet_ids")),
        ("TODO_SECURITY_GROUP", output("task_security_group_id")),
        ("TODO_PRIMARY_TARGET_GROUP_ARN", output("target_groups")),
        ("TODO_CANARY_TARGET_GROUP_ARN", output("target_groups")),
    ]
}

/// Adds the missing deployment files of a backend.
pub(super) fn infra(repository: &Repository, name: &str, lang: Option<Lang>) -> Result<u8> {
    let name = repository.backend(Some(name))?;
    if ["base", "canary"].contains(&name.as_str()) {
        let reason =
            text!("backend-{name} belongs to the workshop and already has these files", name = &name);
        return Err(Error::value(&name, "NAME", reason).into());
    }
    let lang = lang.unwrap_or_else(|| repository.language(&name));
    let wanted = deployment::plain(&repository.root, &name)?;
    let existing = deployment::read(&repository.root, &name)?;
    let mut new = Tree::default();
    for (path, content) in wanted.files {
        let is_own = deployment::is_own(&path, &name);
        match existing.files.get(&path) {
            // The file is kept, because the attendee may have replaced placeholders in it.
            Some(_) if is_own => {}
            Some(before) if *before == content => {}
            before => {
                let file = path.display().to_string();
                let message = match before {
                    Some(_) => text!("changed {file}", file),
                    None => text!("new     {file}", file),
                };
                print(lang, &message);
                new.files.insert(path, content);
            }
        }
    }
    new.write_to(&repository.root).context("cannot write the deployment files")?;
    if new.files.is_empty() {
        print(lang, &text!("The deployment files of backend-{name} are complete.", name = &name));
    }
    print_placeholders(&deployment::read(&repository.root, &name)?, &name, lang);
    anstream::println!("\n  cargo workshop check {name} deploy");
    Ok(0)
}

/// Lists the remaining placeholders, where each value comes from, and the files that contain it.
fn print_placeholders(tree: &Tree, name: &str, lang: Lang) {
    let sources = sources();
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, _) in tree.files.iter().filter(|(path, _)| deployment::is_own(path, name)) {
        let text = tree.text(path).unwrap_or_default();
        for (placeholder, _) in sources.iter().filter(|(placeholder, _)| text.contains(placeholder)) {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.entry(placeholder).or_default().push(file);
        }
    }
    if found.is_empty() {
        print(lang, &text!("No placeholder ({prefix}…) is left in them.", prefix = MARK));
        return;
    }
    print(lang, &text!("\nOnly you know these values. Replace the placeholders:"));
    for (placeholder, files) in found {
        let source = sources.iter().find(|(of, _)| *of == placeholder);
        let source = source.map(|(_, source)| source.in_lang(lang)).unwrap_or_default();
        anstream::println!("  {placeholder:<30} {source:<40} {}", files.join(", "));
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

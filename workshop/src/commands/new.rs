//! `new`, `goto`, `remove`: the folder of a backend.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::backup::{back_up, back_up_content, move_content, rename};
use super::infra;
use super::names;
use super::repository::Repository;
use super::{fail, print};
use crate::deployment;
use crate::error::Error;
use crate::source;
use crate::steps::{Kind, Lang, Step};
use crate::text;

/// Creates `backend-NAME` as it is after a step.
pub(super) fn new(repository: &Repository, name: &str, at: &str, lang: Lang) -> Result<u8> {
    let step = repository.steps.find(at)?;
    let name = names::plain(name);
    names::validate(repository, name)?;
    write(repository, name, step, lang)?;
    if step.kind == Kind::Deployment {
        let backup = repository.root.join(".workshop").join(name).join("deployment");
        infra::write_answer(repository, name, step, &backup)?;
    }
    let next = repository.steps.all().iter().find(|next| next.number > step.number);
    let (number, id) = (step.number, &step.id);
    print(lang, &text!("Created backend-{name}, as it is after step {number} {id}.", name, number, id));
    print(lang, &text!("In your editor, open the folder backend-{name}, not the repository.", name));
    if let Some(next) = next {
        let title = next.title.in_(lang);
        let message = text!(
            "Next step: {title} ({id}). The places to change are marked `TODO {id}`.",
            title,
            id = &next.id
        );
        print(lang, &message);
    }
    let commands = text!(
        "\n  cd backend-{name}\n  cargo workshop up       # start it, and show its telemetry\n  cargo workshop check    # check its steps\n  cargo workshop watch    # check them at every save",
        name
    );
    print(lang, &commands);
    Ok(0)
}

/// Replaces a backend by its state after a step, and keeps the previous files.
pub(super) fn goto(repository: &Repository, arguments: &[String], lang: Option<Lang>) -> Result<u8> {
    let (name, steps) = repository.backend_and_steps(arguments)?;
    let [step] = steps[..] else {
        return Err(fail(text!(
            "invalid value for STEP: expected one step, got {count}",
            count = steps.len()
        )));
    };
    let (of_backend, lang) = (repository.language(&name), lang.unwrap_or_else(|| repository.language(&name)));
    // The new state is written to another folder first, so that a failure changes nothing.
    let prepared = prepare(repository, &name, step, of_backend)?;
    let backup = back_up_content(repository, &name)?;
    remove_report(repository, &name);
    move_content(&prepared, &repository.folder(&name))?;
    // It is empty now. If it cannot be removed, it does no harm.
    drop(fs::remove_dir(&prepared));
    let (number, id) = (step.number, &step.id);
    print(lang, &text!("backend-{name} is now as it is after step {number} {id}.", name = &name, number, id));
    if step.kind == Kind::Deployment {
        infra::write_answer(repository, &name, step, &backup)?;
        print(
            lang,
            &text!(
                "Its deployment files were written too, with example values for account, region and so on."
            ),
        );
    }
    print(lang, &text!("Your previous files are kept in {folder}.", folder = repository.shown(&backup)));
    Ok(0)
}

/// Removes a backend.
pub(super) fn remove(repository: &Repository, name: &str, lang: Option<Lang>) -> Result<u8> {
    let plain = names::plain(name);
    // The folder may already have been deleted by hand.
    let is_deployed = || {
        deployment::read(&repository.root, plain).is_ok_and(|tree| deployment::has_own_files(&tree, plain))
    };
    let name = repository
        .backend(Some(name))
        .or_else(|error| if is_deployed() { Ok(plain.to_owned()) } else { Err(error) })?;
    if ["base", "canary"].contains(&name.as_str()) {
        let reason = text!("backend-{name} belongs to the workshop and cannot be removed", name = &name);
        return Err(Error::value(&name, "NAME", reason).into());
    }
    let lang = lang.unwrap_or_else(|| repository.language(&name));
    let backup = back_up(repository, &name)?;
    infra::remove_from_deployment(repository, &name, &backup)?;
    remove_report(repository, &name);
    let folder = repository.shown(&backup);
    print(lang, &text!("Removed backend-{name}. Its files are kept in {folder}.", name = &name, folder));
    Ok(0)
}

/// Removes the last report, because it is about other code than the folder contains now.
fn remove_report(repository: &Repository, name: &str) {
    // There may be no report.
    drop(fs::remove_file(repository.report(name)));
}

fn write(repository: &Repository, name: &str, step: &Step, lang: Lang) -> Result<()> {
    let prepared = prepare(repository, name, step, lang)?;
    rename(&prepared, &repository.folder(name)).inspect_err(|_| drop(fs::remove_dir_all(&prepared)))
}

/// Writes the whole folder under another name, so that one rename puts it into its place, or nothing changes.
fn prepare(repository: &Repository, name: &str, step: &Step, lang: Lang) -> Result<PathBuf> {
    if !repository.root.join("backend-base/Cargo.lock").is_file() {
        bail!("backend-base/Cargo.lock is missing; `cargo workshop base` creates it");
    }
    let tree =
        source::derive(&repository.root, &repository.steps, step.number, &format!("backend-{name}"), lang)?;
    let prepared = repository.root.join(".workshop").join(format!("new-{name}-{}", std::process::id()));
    tree.write_to(&prepared)
        .inspect_err(|_| drop(fs::remove_dir_all(&prepared)))
        .with_context(|| format!("cannot write {}", prepared.display()))?;
    Ok(prepared)
}

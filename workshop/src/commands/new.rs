//! `new`, `goto`, `remove`: the folder of a backend.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::backup::{back_up, back_up_content, move_content, rename};
use super::infra;
use super::names;
use super::repository::Repository;
use crate::deployment;
use crate::source;
use crate::steps::{Kind, Lang, Step};

/// Makes `backend-NAME` at a state.
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
    anstream::println!("backend-{name} is there, as it is after step {} {}.", step.number, step.id);
    anstream::println!("Open the folder backend-{name} itself in your editor, not the repository.");
    if let Some(next) = next {
        anstream::println!(
            "Next: {} ({}). Its places are marked `TODO {}`.",
            next.title.in_(lang),
            next.id,
            next.id
        );
    }
    anstream::println!(
        "\n  cd backend-{name}\n  cargo workshop up       # starts it, and shows what it emits\n  cargo workshop check    # or: cargo workshop watch"
    );
    Ok(0)
}

/// Puts a backend into the state after a step, and keeps what was there.
pub(super) fn goto(repository: &Repository, arguments: &[String]) -> Result<u8> {
    let (name, steps) = repository.backend_and_steps(arguments)?;
    let [step] = steps[..] else {
        bail!("invalid value for STEP: expected one step, got {}", steps.len());
    };
    let lang = repository.language(&name);
    // First the new one beside it, so that a failure leaves all as it is.
    let prepared = prepare(repository, &name, step, lang)?;
    let backup = back_up_content(repository, &name)?;
    remove_report(repository, &name);
    move_content(&prepared, &repository.folder(&name))?;
    // Empty by now; should it stay, it is in nobody's way.
    drop(fs::remove_dir(&prepared));
    anstream::println!("backend-{name} is as it is after step {} {}.", step.number, step.id);
    if step.kind == Kind::Deployment {
        infra::write_answer(repository, &name, step, &backup)?;
        anstream::println!(
            "The files of its deployment are there too, with example values for account, region and the like."
        );
    }
    anstream::println!("What was there is kept in {}.", repository.shown(&backup));
    Ok(0)
}

/// Takes a backend away.
pub(super) fn remove(repository: &Repository, name: &str) -> Result<u8> {
    let plain = names::plain(name);
    // The folder may have been deleted by hand.
    let is_deployed =
        || deployment::read(&repository.root, plain).is_ok_and(|tree| deployment::is_begun(&tree, plain));
    let name = repository
        .backend(Some(name))
        .or_else(|error| if is_deployed() { Ok(plain.to_owned()) } else { Err(error) })?;
    if ["base", "canary"].contains(&name.as_str()) {
        bail!(
            "invalid value '{name}' for NAME: backend-{name} belongs to the workshop and cannot be removed"
        );
    }
    let backup = back_up(repository, &name)?;
    infra::remove_from_deployment(repository, &name, &backup)?;
    remove_report(repository, &name);
    anstream::println!("backend-{name} is gone from here. It is kept in {}.", repository.shown(&backup));
    Ok(0)
}

/// The console must not show what was said of other code.
fn remove_report(repository: &Repository, name: &str) {
    // There may be none.
    drop(fs::remove_file(repository.report(name)));
}

fn write(repository: &Repository, name: &str, step: &Step, lang: Lang) -> Result<()> {
    let prepared = prepare(repository, name, step, lang)?;
    rename(&prepared, &repository.folder(name)).inspect_err(|_| drop(fs::remove_dir_all(&prepared)))
}

/// The whole folder, under another name: it comes into its place by one rename, or not at all.
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

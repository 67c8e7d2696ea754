//! `new`, `goto`, `remove`: the folder of a backend.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::infra;
use super::keep::{keep, keep_content, move_content, rename};
use super::names;
use super::place::Place;
use crate::deployment;
use crate::source;
use crate::steps::{Kind, Lang, Step};

/// Makes `backend-NAME` at a state.
pub(super) fn new(place: &Place, name: &str, at: &str, lang: Lang) -> Result<u8> {
    let step = place.steps.find(at)?;
    let name = names::plain(name);
    names::validate(place, name)?;
    write(place, name, step, lang)?;
    if step.kind == Kind::Deployment {
        let kept = place.root.join(".workshop").join(name).join("deployment");
        infra::put_in_place(place, name, step, &kept)?;
    }
    let next = place.steps.all().iter().find(|next| next.number > step.number);
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
pub(super) fn goto(place: &Place, words: &[String]) -> Result<u8> {
    let (name, steps) = place.backend_and_steps(words)?;
    let [step] = steps[..] else {
        bail!("invalid value for STEP: expected one step, got {}", steps.len());
    };
    let lang = place.language(&name);
    // First the new one beside it, so that a failure leaves all as it is.
    let prepared = prepare(place, &name, step, lang)?;
    let kept = keep_content(place, &name)?;
    forget_verdicts(place, &name);
    move_content(&prepared, &place.folder(&name))?;
    // Empty by now; should it stay, it is in nobody's way.
    drop(fs::remove_dir(&prepared));
    anstream::println!("backend-{name} is as it is after step {} {}.", step.number, step.id);
    if step.kind == Kind::Deployment {
        infra::put_in_place(place, &name, step, &kept)?;
        anstream::println!(
            "The files of its deployment are there too, with example values for account, region and the like."
        );
    }
    anstream::println!("What was there is kept in {}.", place.shown(&kept));
    Ok(0)
}

/// Takes a backend away.
pub(super) fn remove(place: &Place, name: &str) -> Result<u8> {
    let plain = names::plain(name);
    // The folder may have been deleted by hand.
    let is_deployed =
        || deployment::read(&place.root, plain).is_ok_and(|tree| deployment::is_begun(&tree, plain));
    let name = place
        .backend(Some(name))
        .or_else(|error| if is_deployed() { Ok(plain.to_owned()) } else { Err(error) })?;
    if ["base", "canary"].contains(&name.as_str()) {
        bail!(
            "invalid value '{name}' for NAME: backend-{name} belongs to the workshop and cannot be removed"
        );
    }
    let kept = keep(place, &name)?;
    infra::take_back(place, &name, &kept)?;
    forget_verdicts(place, &name);
    anstream::println!("backend-{name} is gone from here. It is kept in {}.", place.shown(&kept));
    Ok(0)
}

/// The console must not show what was said of other code.
fn forget_verdicts(place: &Place, name: &str) {
    // There may be none.
    drop(fs::remove_file(place.report(name)));
}

fn write(place: &Place, name: &str, step: &Step, lang: Lang) -> Result<()> {
    let prepared = prepare(place, name, step, lang)?;
    rename(&prepared, &place.folder(name)).inspect_err(|_| drop(fs::remove_dir_all(&prepared)))
}

/// The whole folder, under another name: it comes into its place by one rename, or not at all.
fn prepare(place: &Place, name: &str, step: &Step, lang: Lang) -> Result<PathBuf> {
    if !place.root.join("backend-base/Cargo.lock").is_file() {
        bail!("backend-base/Cargo.lock is missing; `cargo workshop base` creates it");
    }
    let tree = source::derive(&place.root, &place.steps, step.number, &format!("backend-{name}"), lang)?;
    let prepared = place.root.join(".workshop").join(format!("new-{name}-{}", std::process::id()));
    tree.write_to(&prepared)
        .inspect_err(|_| drop(fs::remove_dir_all(&prepared)))
        .with_context(|| format!("cannot write {}", prepared.display()))?;
    Ok(prepared)
}

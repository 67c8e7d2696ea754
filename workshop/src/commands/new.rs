//! `new`, `goto`, `remove`: the folder of a backend.

use std::fs;

use super::keep::{keep, keep_content, move_content, rename};
use super::names;
use super::place::Place;
use crate::source;
use crate::steps::{Lang, Step};

/// Makes `backend-NAME` at a state.
pub(super) fn new(place: &Place, name: &str, at: &str, lang: Lang) -> Result<u8, String> {
    let step = place.steps.find(at)?;
    if let Some(refusal) = names::refusal(place, name) {
        return Err(refusal);
    }
    write(place, name, step, lang)?;
    let next = place.steps.all().iter().find(|next| next.number > step.number && next.ready);
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
pub(super) fn goto(place: &Place, words: &[String]) -> Result<u8, String> {
    let (name, steps) = place.backend_and_steps(words)?;
    let [step] = steps[..] else {
        return Err(format!("goto takes one step, and got {}", steps.len()));
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
    anstream::println!("What was there is kept in {}.", place.shown(&kept));
    Ok(0)
}

/// Takes a backend away.
pub(super) fn remove(place: &Place, name: &str) -> Result<u8, String> {
    let name = place.backend(Some(name))?;
    if name == "base" {
        return Err("backend-base belongs to the workshop; `cargo workshop base` renews it".to_owned());
    }
    let kept = keep(place, &name)?;
    forget_verdicts(place, &name);
    anstream::println!("backend-{name} is gone from here. It is kept in {}.", place.shown(&kept));
    Ok(0)
}

/// The console must not show what was said of other code.
fn forget_verdicts(place: &Place, name: &str) {
    // There may be none.
    drop(fs::remove_file(place.report(name)));
}

fn write(place: &Place, name: &str, step: &Step, lang: Lang) -> Result<(), String> {
    let prepared = prepare(place, name, step, lang)?;
    rename(&prepared, &place.folder(name)).inspect_err(|_| drop(fs::remove_dir_all(&prepared)))
}

/// The whole folder, under another name: it comes into its place by one rename, or not at all.
fn prepare(place: &Place, name: &str, step: &Step, lang: Lang) -> Result<std::path::PathBuf, String> {
    if !step.ready {
        return Err(format!("step {} {} is not yet part of the workshop", step.number, step.id));
    }
    if !place.root.join("backend-base/Cargo.lock").is_file() {
        return Err("backend-base/Cargo.lock is missing; `cargo workshop base` makes it".to_owned());
    }
    let tree = source::derive(&place.root, &place.steps, step.number, &format!("backend-{name}"), lang)?;
    let prepared = place.root.join(".workshop").join(format!("new-{name}-{}", std::process::id()));
    tree.write_to(&prepared).map_err(|error| {
        drop(fs::remove_dir_all(&prepared));
        format!("{} cannot be written: {error}", prepared.display())
    })?;
    Ok(prepared)
}

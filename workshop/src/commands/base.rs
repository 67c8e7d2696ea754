//! `base`: writes `backend-base/` anew from `src/`.

use std::fs;
use std::process::Command;

use super::place::Place;
use crate::source;
use crate::steps::Lang;

pub(super) fn base(place: &Place) -> Result<u8, String> {
    let folder = place.folder("base");
    let broken = |what: &str, error: std::io::Error| format!("{what} failed: {error}");
    let tree = source::derive(&place.root, &place.steps, 0, "backend-base", Lang::En)?;
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| broken("clearing backend-base", error))?;
    }
    tree.write_to(&folder).map_err(|error| broken("writing backend-base", error))?;
    // The root's versions; Cargo leaves out what only the root's other packages and tests need.
    fs::copy(place.root.join("Cargo.lock"), folder.join("Cargo.lock"))
        .map_err(|error| broken("copying Cargo.lock", error))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["update", "--workspace", "--offline", "--quiet"])
        .current_dir(&folder)
        .status()
        .map_err(|error| broken("cargo update", error))?;
    if !status.success() {
        return Err("cargo could not make backend-base/Cargo.lock; it says why above".to_owned());
    }
    anstream::println!("backend-base is what src/ gives.");
    Ok(0)
}

//! `cargo build` of a backend.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::RunError;
use crate::text;

/// A built backend.
#[derive(Debug, Clone)]
pub struct Built {
    /// The program.
    pub executable: PathBuf,
    /// The package's name, `backend-sakura`.
    pub name: String,
    /// The package's version, `0.1.0`.
    pub version: String,
}

/// Builds the package in `folder`. Cargo's progress, warnings and errors go to stderr.
///
/// # Errors
///
/// [`RunError::BuildFailed`] if the build fails, [`RunError::NoProgram`] if Cargo cannot be started or builds
/// no program.
pub async fn build(folder: &Path) -> Result<Built, RunError> {
    build_package(folder, &[]).await
}

/// Like [`build`], with more arguments for Cargo, for example to select one of several programs.
///
/// # Errors
///
/// The same as for [`build`].
pub async fn build_package(folder: &Path, arguments: &[&str]) -> Result<Built, RunError> {
    if !folder.is_dir() {
        return Err(RunError::NoProgram(text!(
            "the folder {folder} does not exist",
            folder = folder.display().to_string()
        )));
    }
    let child = cargo_build(folder, "json-render-diagnostics").args(arguments).spawn().map_err(|error| {
        RunError::NoProgram(text!("cargo cannot be started: {error}", error = error.to_string()))
    })?;
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        return Err(RunError::BuildFailed);
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| program(&message))
        .next_back()
        .ok_or_else(|| {
            let folder = folder.display().to_string();
            RunError::NoProgram(text!("{folder} has no program to run: no [[bin]]", folder))
        })
}

/// `cargo build` in `folder`, with messages in this format on a piped stdout.
pub(crate) fn cargo_build(folder: &Path, message_format: &str) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_this_program)) {
        command.env_remove(name);
    }
    command
        .args(["build", "--message-format", message_format])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Whether `cargo run` sets this variable to describe this program. It must not reach another Cargo: build
/// scripts that depend on it, such as ring's, would run again each time, and their dependents would be
/// compiled again.
pub(super) fn is_of_this_program(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|own| name.starts_with(own))
}

/// The program that Cargo's message reports, if it reports one.
fn program(message: &Value) -> Option<Built> {
    let executable = message["executable"].as_str()?;
    message["target"]["kind"].as_array()?.iter().find(|kind| *kind == "bin")?;
    // `path+file:///folder/backend-sakura#0.1.0`, or `…#name@0.1.0` if folder and package have different
    // names.
    let (folder, version) = message["package_id"].as_str()?.rsplit_once('#')?;
    let (name, version) = match version.split_once('@') {
        Some((name, version)) => (name, version),
        None => (folder.rsplit('/').next()?, version),
    };
    Some(Built { executable: executable.into(), name: name.to_owned(), version: version.to_owned() })
}

//! Describes the backend: the values that its telemetry must contain.

use std::path::Path;
use std::process::Command;

use super::{Built, CommandLine};
use crate::evidence::{Backend, Origin};

/// Not the default, so that no code has this value by chance.
const ENVIRONMENT: &str = "staging";
/// `service.name` of a command.
const SERVICE_OF_A_COMMAND: &str = "handson-check";

/// The values that the telemetry of `built` must contain. Commit and repository come from git in `folder`.
/// The deployment files are not included.
pub fn backend(built: &Built, folder: &Path) -> Backend {
    Backend {
        service: built.name.replacen("backend-", "handson-", 1),
        ..judged(&built.name, Origin::Package { version: built.version.clone() }, folder)
    }
}

/// What the telemetry of `command` must say of it.
pub fn command_backend(command: &CommandLine) -> Backend {
    judged(command.text(), Origin::Command, command.folder())
}

fn judged(name: &str, origin: Origin, folder: &Path) -> Backend {
    Backend {
        name: name.to_owned(),
        service: SERVICE_OF_A_COMMAND.to_owned(),
        origin,
        environment: ENVIRONMENT.to_owned(),
        monitor: std::fs::read_to_string(folder.join("monitor.toml")).ok(),
        commit: git(folder, &["rev-parse", "HEAD"]),
        repository: git(folder, &["remote", "get-url", "origin"]).and_then(|url| public(&url)),
        deployment: None,
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(folder).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !answer.is_empty()).then_some(answer)
}

/// The repository's address as the service's `build.rs` sets it: for a browser, without user and token.
fn public(remote: &str) -> Option<String> {
    let remote = remote.trim_end_matches('/').trim_end_matches(".git");
    let (host, path) = match remote.split_once("://") {
        Some(("http" | "https" | "ssh" | "git", rest)) => rest.split_once('/')?,
        Some(_) => return None,
        None => remote.split_once(':').filter(|(host, _)| !host.contains('/'))?,
    };
    Some(format!("https://{}/{path}", host.rsplit('@').next()?))
}

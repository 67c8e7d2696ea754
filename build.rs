//! Passes the commit of the build to the compiler: `HANDSON_VERSION`, `HANDSON_COMMIT` and
//! `HANDSON_REPOSITORY`.
//!
//! They come from the build arguments of a container (`GIT_COMMIT_SHA`, `GIT_REPOSITORY_URL`), otherwise from
//! git. If neither is available, they stay unset, and telemetry omits the fields instead of guessing.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    rebuild_after_a_commit();

    let commit = given("GIT_COMMIT_SHA").or_else(|| git(&["rev-parse", "HEAD"]));
    let repository = given("GIT_REPOSITORY_URL")
        .or_else(|| git(&["remote", "get-url", "origin"]))
        .and_then(|url| public(&url));

    let package = env!("CARGO_PKG_VERSION");
    match &commit {
        Some(commit) => {
            let short = commit.get(..7).unwrap_or(commit);
            println!("cargo:rustc-env=HANDSON_VERSION={package}+{short}");
            println!("cargo:rustc-env=HANDSON_COMMIT={commit}");
        }
        None => println!("cargo:rustc-env=HANDSON_VERSION={package}"),
    }
    if let Some(repository) = repository {
        println!("cargo:rustc-env=HANDSON_REPOSITORY={repository}");
    }
}

/// A variable of the build's environment; an empty one counts as unset.
fn given(name: &str) -> Option<String> {
    println!("cargo:rerun-if-env-changed={name}");
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The output of `git` in this package's folder; `None` without git, without a repository or without a
/// commit.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !answer.is_empty()).then_some(answer)
}

/// Git appends to `logs/HEAD` whenever the commit that is checked out changes.
fn rebuild_after_a_commit() {
    if let Some(folder) = git(&["rev-parse", "--absolute-git-dir"]) {
        // A repository without commits has no log yet.
        for file in ["HEAD", "logs/HEAD", "refs/heads"] {
            let path = Path::new(&folder).join(file);
            if path.exists() {
                println!("cargo:rerun-if-changed={}", path.display());
            }
        }
    }
}

/// The repository's address for a browser: without user, token and `.git`. A folder on this machine is not an
/// address for others, so it gives `None`.
fn public(remote: &str) -> Option<String> {
    let remote = remote.trim().trim_end_matches('/').trim_end_matches(".git");
    let (host, path) = match remote.split_once("://") {
        Some(("http" | "https" | "ssh" | "git", rest)) => rest.split_once('/')?,
        Some(_) => return None,
        // The short form of ssh is git@github.com:owner/name. A path has no colon, or a slash before it.
        None => remote.split_once(':').filter(|(host, _)| !host.contains('/'))?,
    };
    let host = host.rsplit('@').next()?;
    Some(format!("https://{host}/{path}"))
}

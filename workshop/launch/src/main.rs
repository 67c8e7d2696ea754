//! Entry point of `cargo workshop`: builds the workshop's program if necessary, and replaces itself by it.
//!
//! The workshop has some hundred dependencies, so the first command in a clone compiles for minutes. This
//! program has none: it is compiled in a second, and can report what happens.

mod fresh;

#[cfg(not(unix))]
compile_error!("Native Windows is not supported: use WSL2.");

use std::env;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Cargo's exit status if a build fails.
const BUILD_FAILED: u8 = 101;

fn main() -> ExitCode {
    match launch() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Why the workshop's program cannot be started. The trait is implemented by hand, because this package has
/// no dependencies.
enum LaunchError {
    NotByCargo,
    NoTargetFolder(io::Error),
    Start { program: PathBuf, error: io::Error },
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotByCargo => {
                f.write_str("CARGO_MANIFEST_DIR is not set; start this program by `cargo workshop`")
            }
            Self::NoTargetFolder(error) => write!(f, "cannot find the target folder: {error}"),
            Self::Start { program, error } => write!(f, "cannot start {}: {error}", program.display()),
        }
    }
}

/// Starts the workshop's program, and does not return if that succeeds.
fn launch() -> Result<u8, LaunchError> {
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let workshop = folder.as_deref().and_then(|folder| folder.parent());
    let workshop = workshop.ok_or(LaunchError::NotByCargo)?;
    let executable = env::current_exe().map_err(LaunchError::NoTargetFolder)?;
    let executable = executable.with_file_name("workshop");
    if !executable.exists() {
        eprintln!(
            "Compiling the workshop and its dependencies. This takes two to four minutes, once; later commands start \
             at once."
        );
    }
    if !fresh::is_fresh(&executable, workshop) && !build(workshop)? {
        return Ok(BUILD_FAILED);
    }
    let arguments = env::args_os().skip(1);
    let error = Command::new(&executable).args(arguments).env("CARGO_MANIFEST_DIR", workshop).exec();
    Err(LaunchError::Start { program: executable, error })
}

/// Builds the package in the folder `workshop`; `false` if the build failed, which Cargo has reported.
fn build(workshop: &Path) -> Result<bool, LaunchError> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(&cargo);
    // `up` also starts the load generator and the service. Every build selects all three packages, because
    // Cargo unites the features of dependencies over the packages of one build: a package alone would
    // compile dozens of crates again.
    build.args(["build", "--package", "workshop", "--package", "loadtest", "--package", "handson"]);
    build.args(["--bin", "workshop", "--bin", "loadtest", "--manifest-path"]);
    build.arg(workshop.join("Cargo.toml"));
    // These variables describe this program. Build scripts that read them would run again each time.
    let is_ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_ours)) {
        build.env_remove(name);
    }
    let status = build.status().map_err(|error| LaunchError::Start { program: cargo.into(), error })?;
    Ok(status.success())
}

//! The first build of the service in a clone, which takes minutes.

use std::env;
use std::fs;

/// Says that `package` is compiled with all its crates, and how long that takes, if no service has been built so far.
pub(super) fn announce(package: &str) {
    if !has_built_a_service() {
        anstream::eprintln!(
            "{package} is compiled with all its crates. This takes one to three minutes, once for all backends."
        );
    }
}

/// Whether there is a program of a service in the target folder, which all of them share with this program.
fn has_built_a_service() -> bool {
    let executable = env::current_exe().ok();
    let folder = executable.as_deref().and_then(|executable| executable.parent());
    let files = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut names = files.filter_map(|file| file.file_name().into_string().ok());
    names.any(|name| name == "handson" || name.starts_with("backend-"))
}

//! The first build of the service in a clone, which takes minutes.

use std::env;
use std::fs;

use crate::steps::Lang;
use crate::text;

/// Prints that `package` is compiled with its dependencies, and how long that takes, unless a service was
/// built before.
pub(super) fn announce(package: &str, lang: Lang) {
    if !has_built_a_service() {
        let message = text!(
            "Compiling {package} and its dependencies. This takes one to three minutes, once for all backends.",
            package
        );
        anstream::eprintln!("{}", message.in_lang(lang));
    }
}

/// Whether the target folder, which all backends share with this program, contains the program of a service.
fn has_built_a_service() -> bool {
    let executable = env::current_exe().ok();
    let folder = executable.as_deref().and_then(|executable| executable.parent());
    let files = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut names = files.filter_map(|file| file.file_name().into_string().ok());
    names.any(|name| name == "handson" || name.starts_with("backend-"))
}

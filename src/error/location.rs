//! Locations in the source of this crate, as in the stack of an error: `src/httpbin.rs:42`.

use std::backtrace::Backtrace;
use std::panic::Location;

const MANIFEST_FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// `src/httpbin.rs:42`, without the folder in which the crate was built. A location in a library, where a
/// panic may happen, begins with the library's own folder: `tokio-1.54.1/src/runtime/handle.rs:42`.
pub(super) fn without_build_folder(location: &Location<'_>) -> String {
    let file = relative(location.file()).unwrap_or_else(|| from_library(location.file()));
    format!("{file}:{}", location.line())
}

fn from_library(file: &str) -> &str {
    match file.rfind("/src/").and_then(|source| file[..source].rfind('/')) {
        Some(folder) => &file[folder + 1..],
        None => file,
    }
}

/// The frames of this crate, one per line, without those of libraries. The text of a backtrace has two lines
/// per frame: the function and its location.
pub(super) fn own_frames(backtrace: &Backtrace) -> String {
    let text = backtrace.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter_map(|pair| {
            let function = pair[0].split_once(": ")?.1;
            let location = relative(pair[1].strip_prefix("at ")?)?;
            let is_error_itself = location.starts_with("src/error");
            (!is_error_itself).then(|| format!("\n  at {function} ({location})"))
        })
        .collect()
}

/// `file` beginning with `src/`, if it belongs to this crate. Compilers write it relative to the crate,
/// backtraces relative to the current folder.
fn relative(file: &str) -> Option<&str> {
    let file = file.strip_prefix(MANIFEST_FOLDER).map_or(file, |file| file.trim_start_matches('/'));
    Some(file.strip_prefix("./").unwrap_or(file)).filter(|file| file.starts_with("src/"))
}

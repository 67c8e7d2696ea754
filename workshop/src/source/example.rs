//! The same service in other languages: `examples/LANGUAGE/after` is the finished one, with markers.

use std::path::Path;

use super::{Tree, markers, tree};
use crate::error::{Result, read_to_string};
use crate::steps::Steps;

/// The languages, as their folders in `examples/` are named.
pub const EXAMPLES: [&str; 2] = ["go", "python"];

/// The files of the example in `language` as they are after step `at`. An example is one folder without
/// subfolders.
///
/// # Errors
///
/// A file cannot be read, or its markers contradict each other.
pub fn derive_example(root: &Path, steps: &Steps, at: usize, language: &str) -> Result<Tree> {
    let folder = Path::new("examples").join(language).join("after");
    let mut derived = Tree::default();
    for file in tree::files_below(root, &folder)? {
        let Some(name) = file.strip_prefix(&folder).ok().filter(|name| is_source(name)) else { continue };
        let is_later = |step: &crate::steps::Step| step.files.iter().any(|file| Path::new(file) == name);
        if steps.all()[at + 1..].iter().any(is_later) {
            continue;
        }
        let text = read_to_string(&root.join(&file))?;
        let text = match comment_sign(name) {
            Some(sign) => markers::derive(&text, sign, steps, at).map_err(|error| error.in_file(&file))?,
            None => Some(text),
        };
        if let Some(text) = text {
            derived.add(name, text);
        }
    }
    Ok(derived)
}

/// Whether a file belongs to the example. A compiler may write folders, and programs without extension.
fn is_source(name: &Path) -> bool {
    name.components().count() == 1 && name.extension().is_some()
}

/// What begins a comment in a file with markers.
fn comment_sign(name: &Path) -> Option<&'static str> {
    match name.extension()?.to_str()? {
        "go" => Some("//"),
        "py" => Some("#"),
        _ => None,
    }
}

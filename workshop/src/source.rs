//! Derives the state of the service at a step from the source of the finished service.
//!
//! Comments in the source, at the level of statements and items, mark what belongs to which step:
//!
//! ```text
//! // BEFORE server-spans: // TODO server-spans: give every request a span
//! let router = router.layer(server_spans());
//! ```
//!
//! At step `k`, a `BEFORE` line of a later step is uncommented, and the paragraph below it is left out: up to
//! a blank line or the end of the block, or only an attribute or decorator if the paragraph begins with one.
//! A part that is no paragraph is a region between `// ANCHOR: server-spans` and
//! `// ANCHOR_END: server-spans`. What is inside of a part that is left out is left out with it, and so are
//! all markers.
//!
//! Two kinds of files need no markers. A step lists a file that exists only from it on under `files` in
//! `workshop/steps.toml`: before that step, the file is left out, together with the `mod` line that names it.
//! A file that a step replaces as a whole is in `workshop/before/STEP`, as it is until that step.
//!
//! The examples in other languages, `examples/LANGUAGE/after`, have the same markers in their own comments.

mod example;
mod later;
mod lines;
mod manifest;
mod markers;
mod todos;
mod tree;

use std::path::Path;

use crate::error::{Error, Result, read_to_string};
use crate::steps::{Lang, Steps};
pub use example::{EXAMPLES, derive_example};
pub use lines::{TypedLines, example_lines, typed_lines};
pub(crate) use markers::paragraph;
use todos::Todos;
pub use tree::Tree;
pub(crate) use tree::files_below;

/// All files of the backend `name` (`backend-sakura`) as they are after step `at`.
///
/// # Errors
///
/// A file cannot be read, or its markers contradict each other.
pub fn derive(root: &Path, steps: &Steps, at: usize, name: &str, lang: Lang) -> Result<Tree> {
    let todos = match lang {
        Lang::En => None,
        Lang::Ja => {
            let file = "workshop/todo.ja.toml";
            let todos = Todos::parse(&read_to_string(&root.join(file))?);
            Some(todos.map_err(|error| Error::invalid(file, error))?)
        }
    };
    let mut tree = Tree::default();
    let later = later::Files::new(root, steps, at)?;
    for file in tree::files_below(root, Path::new("src"))? {
        if later.contains(&file) {
            continue;
        }
        let source = later::version(root, steps, at, &file);
        let text = later.without_mod_lines(&file, &read_to_string(&source)?);
        let derived = markers::derive(&text, "//", steps, at).map_err(|error| error.in_file(&file))?;
        if let Some(text) = derived {
            tree.add(&file, todos.as_ref().map_or(text.clone(), |todos| todos.translate(&text)));
        }
    }
    for file in tree::files_below(root, Path::new("migrations"))? {
        let text = read_to_string(&root.join(&file))?;
        tree.add(&file, text);
    }
    tree.add(Path::new("build.rs"), read_to_string(&root.join("build.rs"))?);
    tree.add(Path::new("rustfmt.toml"), read_to_string(&root.join("rustfmt.toml"))?);
    let manifest = read_to_string(&root.join("Cargo.toml"))?;
    tree.add(Path::new("Cargo.toml"), manifest::for_backend(&manifest, name, lang)?);
    if let Ok(lock) = read_to_string(&root.join("backend-base/Cargo.lock")) {
        // The lock file stays sorted, because no dependency has a name between two that begin with
        // "backend-".
        tree.add(Path::new("Cargo.lock"), lock.replace("\"backend-base\"", &format!("\"{name}\"")));
    }
    for file in steps.all()[..=at].iter().flat_map(|step| &step.files) {
        let file = Path::new(file);
        if file.starts_with("src") {
            continue;
        }
        let service = name.replacen("backend-", "handson-", 1);
        tree.add(file, read_to_string(&root.join(file))?.replace("\"handson\"", &format!("\"{service}\"")));
    }
    tree.add(Path::new(".cargo/config.toml"), manifest::CARGO_CONFIG.to_owned());
    tree.add(Path::new(".cargo/alias.toml"), manifest::ALIAS.to_owned());
    tree.add(Path::new("README.md"), manifest::readme(name, lang));
    Ok(tree)
}

/// Writes `.workshop/alias.toml`, which makes `cargo workshop` work in all folders of every backend. The file
/// contains the full path of this repository, so it is not committed, and is written again if the repository
/// has moved.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_alias(root: &Path) -> std::io::Result<()> {
    let file = root.join(".workshop/alias.toml");
    match manifest::full_alias(root) {
        Some(alias) if std::fs::read_to_string(&file).is_ok_and(|written| written == alias) => Ok(()),
        Some(alias) => {
            std::fs::create_dir_all(root.join(".workshop"))?;
            std::fs::write(file, alias)
        }
        None => Ok(()),
    }
}

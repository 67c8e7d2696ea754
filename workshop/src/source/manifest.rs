//! The manifest of a backend: the root's, made a package of its own.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, value};

use crate::error::{Error, Result};
use crate::steps::Lang;

const FILE: &str = "Cargo.toml";

/// The alias as a backend has it. Cargo takes paths in an alias from the current folder, so that this one works in the
/// backend's own folder only.
pub(super) const ALIAS: &str = "\
# `cargo workshop …` in this folder. In the folders below, .workshop/alias.toml makes it work.
[alias]
workshop = \"run --quiet --manifest-path ../Cargo.toml --package launch --\"
";

/// Nothing is compiled twice, and `cargo workshop` works in all folders of a backend: the second file wins if it is there.
pub(super) const CARGO_CONFIG: &str = "\
# Every workshop command writes the second file, which names the repository by its full path: so `cargo workshop` works in
# the folders below this one, too.
include = [
  { path = \"alias.toml\", optional = true },
  { path = \"../../.workshop/alias.toml\", optional = true },
]

# One target folder for all backends, so that nothing is compiled twice.
[build]
target-dir = \"../target\"
";

/// The alias with the full path of the repository, which works everywhere; `None` if Cargo cannot take that path: it splits
/// an alias at spaces.
pub(super) fn full_alias(root: &Path) -> Option<String> {
    let manifest = root.join("Cargo.toml").into_os_string().into_string().ok()?;
    let is_taken = !manifest.contains(|letter: char| letter.is_whitespace() || letter == '\'');
    is_taken.then(|| {
        format!("# Written by `cargo workshop`.\n[alias]\nworkshop = 'run --quiet --manifest-path {manifest} --package launch --'\n")
    })
}

/// The root's manifest with the name of the backend: inherited values written out, the workspace, tests and benches left
/// out. The dependencies of all steps stay, so that no step needs a change here, nor a network.
pub(super) fn for_backend(root: &str, name: &str, lang: Lang) -> Result<String> {
    let mut manifest: DocumentMut = root.parse().map_err(|error| Error::invalid(FILE, error))?;
    let workspace = manifest.remove("workspace").ok_or_else(|| missing("[workspace]"))?;
    for part in ["dev-dependencies", "test", "bench"] {
        manifest.remove(part);
    }

    let inherited = |key: &str| workspace.get("package").and_then(|package| package.get(key)).cloned();
    let package = table(&mut manifest, "package")?;
    for (key, item) in package.iter_mut() {
        if item.get("workspace").is_some() {
            let missing = || missing(&format!("{key} in [workspace.package]"));
            *item = inherited(key.get()).ok_or_else(missing)?;
        }
    }
    package.insert("name", value(name));
    let mut workshop = Table::new();
    workshop.insert("lang", value(lang.code()));
    let mut metadata = Table::new();
    metadata.set_implicit(true);
    metadata.insert("workshop", Item::Table(workshop));
    package.insert("metadata", Item::Table(metadata));

    // The repository's folders are one level up from a backend.
    for (_, dependency) in table(&mut manifest, "dependencies")?.iter_mut() {
        if let Some(path) = dependency.get("path").and_then(Item::as_str) {
            dependency["path"] = value(format!("../{path}"));
        }
    }

    if let Some(binary) = manifest["bin"].as_array_of_tables_mut().and_then(|binaries| binaries.get_mut(0)) {
        binary.insert("name", value(name));
    }
    let lints = workspace.get("lints").and_then(Item::as_table).cloned();
    let mut lints = lints.ok_or_else(|| missing("[workspace.lints]"))?;
    for (_, tool) in lints.iter_mut() {
        if let Some(tool) = tool.as_table_mut() {
            tool.set_position(None);
        }
    }
    lints.set_implicit(true);
    manifest.insert("lints", Item::Table(lints));
    // A workspace of its own: a mistake in this manifest stops no other backend.
    let mut own = Table::new();
    own.decor_mut()
        .set_prefix("\n# A workspace of its own: a mistake in this file stops no other backend.\n");
    manifest.insert("workspace", Item::Table(own));
    Ok(manifest.to_string().trim_start().to_owned())
}

fn table<'a>(manifest: &'a mut DocumentMut, name: &str) -> Result<&'a mut Table> {
    manifest[name].as_table_mut().ok_or_else(|| missing(&format!("[{name}]")))
}

fn missing(part: &str) -> Error {
    Error::invalid(FILE, format!("{part} is missing"))
}

/// The first thing that one reads in the folder.
pub(super) fn readme(name: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "# {name}\n\n\
            A copy of the workshop's service. What is to be done is marked `TODO` and the id of a step.\n\n\
            ```sh\n\
            cargo run              # GET http://localhost:8080/handson\n\
            cargo workshop check   # which step works, by the telemetry that this service really emits\n\
            cargo workshop watch   # the same, at every save\n\
            ```\n"
        ),
        Lang::Ja => format!(
            "# {name}\n\n\
            ハンズオン用サービスのコピーです。作業する場所には `TODO` とステップの id が書かれています。\n\n\
            ```sh\n\
            cargo run              # GET http://localhost:8080/handson\n\
            cargo workshop check   # このサービスが実際に送るテレメトリーから、どのステップが動くかを判定します\n\
            cargo workshop watch   # 保存のたびに判定します\n\
            ```\n"
        ),
    }
}

//! The manifest of a backend: the root's manifest, changed to a package of its own.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, value};

use crate::error::{Error, Result};
use crate::steps::Lang;

const FILE: &str = "Cargo.toml";

/// The alias in a backend. Cargo resolves paths in an alias relative to the current folder, so this one works
/// only in the backend's top folder.
pub(super) const ALIAS: &str = "\
# `cargo workshop …` in this folder. In the folders below, .workshop/alias.toml defines it.
[alias]
workshop = \"run --quiet --manifest-path ../Cargo.toml --package launch --\"
";

/// One target folder, so that nothing is compiled twice, and an alias that works in all folders of a backend:
/// the second file overrides the first one if it exists.
pub(super) const CARGO_CONFIG: &str = "\
# Every workshop command writes the second file. It contains the full path of the repository, so that `cargo workshop` also
# works in the folders below this one.
include = [
  { path = \"alias.toml\", optional = true },
  { path = \"../../.workshop/alias.toml\", optional = true },
]

# One target folder for all backends, so that nothing is compiled twice.
[build]
target-dir = \"../target\"
";

/// The alias with the full path of the repository, which works in all folders; `None` if the path contains
/// spaces, because Cargo splits an alias at spaces.
pub(super) fn full_alias(root: &Path) -> Option<String> {
    let manifest = root.join("Cargo.toml").into_os_string().into_string().ok()?;
    let is_taken = !manifest.contains(|letter: char| letter.is_whitespace() || letter == '\'');
    is_taken.then(|| {
        format!("# Written by `cargo workshop`.\n[alias]\nworkshop = 'run --quiet --manifest-path {manifest} --package launch --'\n")
    })
}

/// The root's manifest with the name of the backend. Inherited values are written out; workspace, tests and
/// benches are left out. The dependencies of all steps stay, so that no step changes the manifest or needs a
/// network.
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
    // A workspace of its own, so that a mistake in this manifest does not affect other backends.
    let mut own = Table::new();
    own.decor_mut().set_prefix(
        "\n# A workspace of its own, so that a mistake in this file does not affect other backends.\n",
    );
    manifest.insert("workspace", Item::Table(own));
    Ok(manifest.to_string().trim_start().to_owned())
}

fn table<'a>(manifest: &'a mut DocumentMut, name: &str) -> Result<&'a mut Table> {
    manifest[name].as_table_mut().ok_or_else(|| missing(&format!("[{name}]")))
}

fn missing(part: &str) -> Error {
    Error::invalid(FILE, format!("{part} is missing"))
}

/// The README of a backend.
pub(super) fn readme(name: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "# {name}\n\n\
            A copy of the workshop's service. The places to change are marked `TODO` with the id of a step.\n\n\
            ```sh\n\
            cargo run              # GET http://localhost:8080/handson\n\
            cargo workshop check   # check which steps pass, by the telemetry that this service emits\n\
            cargo workshop watch   # the same, at every save\n\
            ```\n"
        ),
        Lang::Ja => format!(
            "# {name}\n\n\
            ハンズオン用サービスのコピーです。作業する場所には `TODO` とステップの ID が書かれています。\n\n\
            ```sh\n\
            cargo run              # GET http://localhost:8080/handson\n\
            cargo workshop check   # このサービスが実際に送るテレメトリーから、各ステップができたかを判定します\n\
            cargo workshop watch   # 保存のたびに判定します\n\
            ```\n"
        ),
    }
}

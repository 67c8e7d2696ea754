//! The manifest of a backend: the root's, made a package of its own.

use toml_edit::{DocumentMut, Item, Table, value};

use crate::steps::Lang;

/// Nothing is compiled twice, and `cargo workshop` works inside the folder too.
pub(super) const CARGO_CONFIG: &str = "\
# One target folder for all backends, so that nothing is compiled twice.
[build]
target-dir = \"../target\"

[alias]
workshop = \"run --manifest-path ../Cargo.toml --package workshop --\"
";

/// The root's manifest with the name of the backend: inherited values written out, the workspace, tests and benches left
/// out. The dependencies of all steps stay, so that no step needs a change here, nor a network.
pub(super) fn of_backend(root: &str, name: &str, lang: Lang) -> Result<String, String> {
    let mut manifest: DocumentMut = root.parse().map_err(|error| format!("Cargo.toml: {error}"))?;
    let workspace = manifest.remove("workspace").ok_or("Cargo.toml has no [workspace]")?;
    for part in ["dev-dependencies", "test", "bench"] {
        manifest.remove(part);
    }

    let inherited = |key: &str| workspace.get("package").and_then(|package| package.get(key)).cloned();
    let package = table(&mut manifest, "package")?;
    for (key, item) in package.iter_mut() {
        if item.get("workspace").is_some() {
            *item = inherited(key.get()).ok_or_else(|| format!("[workspace.package] has no {key}"))?;
        }
    }
    package.insert("name", value(name));
    let mut workshop = Table::new();
    workshop.insert("lang", value(lang.code()));
    let mut metadata = Table::new();
    metadata.set_implicit(true);
    metadata.insert("workshop", Item::Table(workshop));
    package.insert("metadata", Item::Table(metadata));

    if let Some(binary) = manifest["bin"].as_array_of_tables_mut().and_then(|binaries| binaries.get_mut(0)) {
        binary.insert("name", value(name));
    }
    let mut lints =
        workspace.get("lints").and_then(Item::as_table).cloned().ok_or("[workspace.lints] is missing")?;
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

fn table<'a>(manifest: &'a mut DocumentMut, name: &str) -> Result<&'a mut Table, String> {
    manifest[name].as_table_mut().ok_or_else(|| format!("Cargo.toml has no [{name}]"))
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

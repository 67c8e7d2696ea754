//! The meaning of markers, tested with sources of a few lines.

use std::fs;
use std::path::Path;

use workshop::source;
use workshop::steps::{Lang, Steps};

const STEPS: &str = r#"
[[step]]
id = "run"
kind = "telemetry"
chapter = "00.md"
title = { en = "Run", ja = "起動" }
hint = { en = "Run", ja = "起動" }

[[step]]
id = "first"
needs = ["run"]
kind = "telemetry"
chapter = "01.md"
title = { en = "First", ja = "一" }
hint = { en = "First", ja = "一" }

[[step]]
id = "second"
kind = "telemetry"
chapter = "02.md"
title = { en = "Second", ja = "二" }
hint = { en = "Second", ja = "二" }
"#;

/// Files of the last step, which are added to `STEPS`.
const FILES: &str = r#"files = ["src/late.rs", "src/parts/late.rs"]"#;

const MANIFEST: &str = r#"
[workspace]
members = []

[workspace.package]
version = "1.2.3"

[workspace.lints.rust]
unsafe_code = "forbid"

[package]
name = "handson"
version.workspace = true

# For step 1.
[dependencies]
serde = "1"

[dev-dependencies]
tempfile = "3"

[lints]
workspace = true

[[bin]]
name = "handson"
path = "src/main.rs"
"#;

/// `src/main.rs` at step `at`; `None` if the file is left out.
fn at(step: usize, source: &str) -> workshop::error::Result<Option<String>> {
    let root = repository(source);
    let steps = Steps::load(root.path())?;
    let tree = source::derive(root.path(), &steps, step, "backend-sakura", Lang::En)?;
    Ok(tree.files.get(Path::new("src/main.rs")).map(|text| String::from_utf8(text.clone()).unwrap()))
}

fn repository(source: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("workshop/steps.toml", STEPS),
        ("workshop/todo.ja.toml", "[first]\n\"do it.\" = \"やります。\"\n"),
        ("Cargo.toml", MANIFEST),
        ("build.rs", "fn main() {}\n"),
        ("rustfmt.toml", ""),
        ("migrations/1.sql", "SELECT 1;\n"),
        ("src/main.rs", source),
    ] {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

const SOURCE: &str = "\
fn main() {
    // BEFORE first: // TODO first: say one
    // BEFORE first: zero();
    // ANCHOR: first
    one();
    // BEFORE second: // TODO second: say two
    // ANCHOR: second
    two();
    // ANCHOR_END: second
    // ANCHOR_END: first

    end();
}
";

#[test]
fn a_region_of_a_later_step_is_removed_and_its_before_lines_are_inserted() {
    let base = at(0, SOURCE).unwrap().unwrap();
    assert_eq!(base, "fn main() {\n    // TODO first: say one\n    zero();\n\n    end();\n}\n");
}

#[test]
fn a_before_line_inside_a_removed_region_is_removed() {
    let first = at(1, SOURCE).unwrap().unwrap();
    assert_eq!(first, "fn main() {\n    one();\n    // TODO second: say two\n\n    end();\n}\n");
}

const PARAGRAPHS: &str = "\
/// Says it.
// BEFORE first: // TODO first: name it
#[name = \"one\"]
fn main() {
    // BEFORE first: // TODO first: say one
    // BEFORE first: zero();
    // Comes first.
    one();
    // BEFORE second: two_and_a_half();
    two();

    end();
    // BEFORE second: // TODO second: sum up
    sum();
}

// BEFORE second: // TODO second: count
impl Count for One {
    fn count() {}

    // BEFORE second: nothing
    fn number() {}
}

fn other() {}
";

#[test]
fn a_paragraph_below_a_line_before_a_later_step_goes_with_what_is_in_it() {
    let base = "\
/// Says it.
// TODO first: name it
fn main() {
    // TODO first: say one
    zero();

    end();
    // TODO second: sum up
}

// TODO second: count

fn other() {}
";
    assert_eq!(at(0, PARAGRAPHS).unwrap().unwrap(), base);
    let first = "\
/// Says it.
#[name = \"one\"]
fn main() {
    // Comes first.
    one();
    two_and_a_half();

    end();
    // TODO second: sum up
}

// TODO second: count

fn other() {}
";
    assert_eq!(at(1, PARAGRAPHS).unwrap().unwrap(), first);
}

#[test]
fn a_paragraph_is_there_from_its_step_on() {
    let is_code = |line: &&str| !line.trim_start().starts_with("// BEFORE ");
    let code: String = PARAGRAPHS.lines().filter(is_code).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(at(2, PARAGRAPHS).unwrap().unwrap(), code);
}

#[test]
fn a_file_that_a_step_replaces_is_another_one_before_it() {
    let root = repository("fn main() {}\n");
    let before = root.path().join("workshop/before/second/src/main.rs");
    fs::create_dir_all(before.parent().unwrap()).unwrap();
    fs::write(before, "fn main() {\n    // BEFORE first: zero();\n    one();\n}\n").unwrap();
    let steps = Steps::load(root.path()).unwrap();
    let texts = [0, 1, 2].map(|at| {
        let tree = source::derive(root.path(), &steps, at, "backend-sakura", Lang::En).unwrap();
        tree.text(Path::new("src/main.rs")).unwrap().to_owned()
    });
    assert_eq!(texts, ["fn main() {\n    zero();\n}\n", "fn main() {\n    one();\n}\n", "fn main() {}\n"]);
}

#[test]
fn no_marker_is_left_in_the_last_state() {
    let last = at(2, SOURCE).unwrap().unwrap();
    assert_eq!(last, "fn main() {\n    one();\n    two();\n\n    end();\n}\n");
}

#[test]
fn double_blank_lines_and_those_at_the_edge_of_a_block_are_removed() {
    let source = "\
fn main() {
    // ANCHOR: first
    one();
    // ANCHOR_END: first

    end();

    // ANCHOR: first
    one();
    // ANCHOR_END: first
}
";
    assert_eq!(at(0, source).unwrap().unwrap(), "fn main() {\n    end();\n}\n");
}

#[test]
fn a_file_without_code_is_removed() {
    let source = "// ANCHOR: first\n//! One.\n\nfn one() {}\n// ANCHOR_END: first\n";
    assert_eq!(at(0, source).unwrap(), None);
    assert_eq!(at(1, source).unwrap().unwrap(), "//! One.\n\nfn one() {}\n");
}

#[test]
fn a_file_of_a_later_step_is_removed_with_its_mod_line() {
    let source = "\
mod early;
/// Comes with the second step.
#[cfg(unix)]
pub(crate) mod late;
mod parts;

/// Stays.
fn main() {}
";
    let root = repository(source);
    fs::write(root.path().join("workshop/steps.toml"), format!("{STEPS}{FILES}")).unwrap();
    let parts = "//! Parts.\n\npub mod early;\npub mod late;\n";
    for (file, text) in [
        ("src/early.rs", ""),
        ("src/late.rs", "//! Late.\n"),
        ("src/parts.rs", parts),
        ("src/parts/early.rs", ""),
        ("src/parts/late.rs", "//! Late.\n"),
        // Another module with the same name, which belongs to no step.
        ("src/early/late.rs", ""),
    ] {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(root.path().join("src/early.rs"), "mod late;\n").unwrap();
    let steps = Steps::load(root.path()).unwrap();
    let derive = |at| source::derive(root.path(), &steps, at, "backend-sakura", Lang::En).unwrap();
    let text = |tree: &source::Tree, file: &str| tree.text(Path::new(file)).map(str::to_owned);

    let first = derive(1);
    assert_eq!(text(&first, "src/main.rs").unwrap(), "mod early;\nmod parts;\n\n/// Stays.\nfn main() {}\n");
    assert_eq!(text(&first, "src/parts.rs").unwrap(), "//! Parts.\n\npub mod early;\n");
    assert_eq!(text(&first, "src/early.rs").unwrap(), "mod late;\n");
    assert_eq!(text(&first, "src/late.rs"), None);
    assert_eq!(text(&first, "src/parts/late.rs"), None);

    let second = derive(2);
    assert_eq!(text(&second, "src/main.rs").unwrap(), source);
    assert_eq!(text(&second, "src/parts.rs").unwrap(), parts);
    assert_eq!(text(&second, "src/parts/late.rs").unwrap(), "//! Late.\n");
}

#[test]
fn a_missing_file_of_a_step_is_refused() {
    let root = repository("fn main() {}\n");
    fs::write(root.path().join("workshop/steps.toml"), format!("{STEPS}{FILES}")).unwrap();
    fs::write(root.path().join("src/late.rs"), "").unwrap();
    let steps = Steps::load(root.path()).unwrap();
    let error = source::derive(root.path(), &steps, 0, "backend-sakura", Lang::En).unwrap_err();
    assert_eq!(
        error.to_string(),
        "workshop/steps.toml: step 'second' lists src/parts/late.rs, which does not exist"
    );
}

#[test]
fn a_marker_of_an_unknown_step_is_refused_with_its_line() {
    let error = at(0, "fn a() {}\n// ANCHOR: third\n// ANCHOR_END: third\n").unwrap_err();
    assert_eq!(error.to_string(), "src/main.rs:2: 'third' is not a step in workshop/steps.toml");
}

#[test]
fn an_unclosed_or_wrongly_closed_region_is_refused() {
    let open = at(0, "// ANCHOR: first\nfn a() {}\n").unwrap_err().to_string();
    assert!(open.contains("the region 'first' is not closed"), "{open}");
    let crossed = at(0, "// ANCHOR: first\n// ANCHOR_END: second\nfn a() {}\n").unwrap_err().to_string();
    assert!(crossed.contains("expected ANCHOR_END of the open region 'first', got 'second'"), "{crossed}");
}

#[test]
fn a_step_may_need_only_steps_before_it() {
    let root = repository("fn main() {}\n");
    let file = root.path().join("workshop/steps.toml");
    fs::write(&file, STEPS.replace(r#"needs = ["run"]"#, r#"needs = ["second"]"#)).unwrap();
    let error = Steps::load(root.path()).unwrap_err().to_string();
    assert!(error.contains("step 'first' needs 'second'"), "{error}");
}

#[test]
fn a_todo_is_in_the_language_of_the_attendee() {
    let root = repository(
        "fn main() {\n    // BEFORE first: // TODO first: do it.\n    // ANCHOR: first\n    it();\n    // ANCHOR_END: first\n}\n",
    );
    let steps = Steps::load(root.path()).unwrap();
    for (lang, todo) in [(Lang::En, "// TODO first: do it."), (Lang::Ja, "// TODO first: やります。")] {
        let tree = source::derive(root.path(), &steps, 0, "backend-sakura", lang).unwrap();
        let text = String::from_utf8(tree.files[Path::new("src/main.rs")].clone()).unwrap();
        assert_eq!(text, format!("fn main() {{\n    {todo}\n}}\n"));
    }
}

#[test]
fn the_manifest_is_derived_from_the_roots() {
    let root = repository("fn main() {}\n");
    let steps = Steps::load(root.path()).unwrap();
    let tree = source::derive(root.path(), &steps, 0, "backend-sakura", Lang::Ja).unwrap();
    let manifest = String::from_utf8(tree.files[Path::new("Cargo.toml")].clone()).unwrap();
    for expected in [
        "name = \"backend-sakura\"\nversion = \"1.2.3\"\n",
        "lang = \"ja\"",
        "# For step 1.\n[dependencies]",
        "[lints.rust]\nunsafe_code = \"forbid\"",
        "[[bin]]\nname = \"backend-sakura\"",
        "[workspace]",
    ] {
        assert!(manifest.contains(expected), "{expected:?} is missing in\n{manifest}");
    }
    for left_out in ["dev-dependencies", "workspace = true", "members", ".workspace"] {
        assert!(!manifest.contains(left_out), "{left_out:?} is in\n{manifest}");
    }
}

//! Every step is complete: check, chapters, TODO or files, wrong answers.

use std::fs;
use std::path::{Path, PathBuf};

use workshop::new_step::{missing, new_step};
use workshop::steps::Steps;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn no_step_lacks_a_file() {
    let steps = Steps::load(&root()).unwrap();
    assert_eq!(missing(&root(), &steps).unwrap(), Vec::<String>::new());
}

/// A copy of the files that a new step changes.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in [
        "src",
        "migrations",
        "build.rs",
        "rustfmt.toml",
        "monitor.toml",
        "Cargo.toml",
        "workshop/before",
        "workshop/steps.toml",
        "workshop/src/checks.rs",
        "workshop/src/checks",
        "workshop/tests/checks",
        "workshop/guide",
    ] {
        copy_all(&root().join(path), &copy.path().join(path));
    }
    copy
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy_all(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

#[test]
fn a_new_step_has_everything_except_its_code() {
    let copy = copy();
    let tree = new_step(copy.path(), &Steps::load(copy.path()).unwrap(), "queue-metrics").unwrap();
    tree.write_to(copy.path()).unwrap();
    let steps = Steps::load(copy.path()).unwrap();
    assert_eq!(steps.all().last().unwrap().id, "queue-metrics");
    let missing = missing(copy.path(), &steps).unwrap();
    // The table of checks is compiled into this test, so it does not have the new row.
    assert_eq!(missing.len(), 2, "{missing:#?}");
    assert!(missing[0].contains("workshop/src/checks.rs has no check"), "{missing:#?}");
    assert!(
        missing[1].contains("no `// BEFORE queue-metrics: // TODO queue-metrics: …` in src/"),
        "{missing:#?}"
    );

    let read = |file: &str| fs::read_to_string(copy.path().join(file)).unwrap();
    let checks = read("workshop/src/checks.rs");
    assert!(checks.contains("mod metrics;\nmod queue_metrics;\nmod requests;\n"), "{checks}");
    assert!(checks.contains("    (\"queue-metrics\", Always(queue_metrics::judge)),\n];\n"), "{checks}");
    assert!(read("workshop/tests/checks/main.rs").contains("\nmod queue_metrics;\n"));
    assert!(read("workshop/tests/checks/queue_metrics.rs").contains("const STEP: &str = \"queue-metrics\";"));
    let number = steps.all().len() - 1;
    let chapter = read(&format!("workshop/guide/ja/{number}-queue-metrics.md"));
    assert!(chapter.starts_with(&format!("# {number} · Queue metrics\n")), "{chapter}");
    assert!(chapter.contains("`TODO queue-metrics`"), "{chapter}");
}

#[test]
fn the_files_of_a_new_step_are_formatted() {
    let copy = copy();
    let tree = new_step(copy.path(), &Steps::load(copy.path()).unwrap(), "a-step").unwrap();
    tree.write_to(copy.path()).unwrap();
    for file in tree.files.keys().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let output = std::process::Command::new("rustfmt")
            .args(["--check", "--edition", "2024"])
            .args(["--config-path", root().join("rustfmt.toml").to_str().unwrap()])
            .arg(copy.path().join(file))
            .output()
            .unwrap();
        let difference = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}: {difference}", file.display());
    }
}

#[test]
fn an_id_that_is_used_or_not_allowed_is_refused() {
    let steps = Steps::load(&root()).unwrap();
    for (id, words) in [
        ("metrics", "this is already step 8"),
        ("Metrics", "expected lower-case letters"),
        ("queue_metrics", "expected lower-case letters"),
        ("assert", "workshop/src/checks/assert.rs already exists"),
    ] {
        let error = new_step(&root(), &steps, id).unwrap_err().to_string();
        assert!(error.contains(words), "{id}: {error}");
    }
}

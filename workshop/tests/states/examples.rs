//! The examples in other languages: what is committed is what their markers give.
//! `workshop/tests/languages` runs them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use workshop::source::{EXAMPLES, derive_example, example_lines};
use workshop::steps::Steps;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn examples() -> impl Iterator<Item = (&'static str, PathBuf)> {
    EXAMPLES.into_iter().map(|language| (language, root().join("examples").join(language)))
}

#[test]
fn the_committed_before_is_what_after_gives() {
    let steps = Steps::load(&root()).unwrap();
    for (language, folder) in examples() {
        let derived = derive_example(&root(), &steps, 0, language).unwrap();
        let committed: BTreeMap<PathBuf, Vec<u8>> = fs::read_dir(folder.join("before"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            // A compiler leaves folders, and programs without extension.
            .filter(|path| path.is_file() && path.extension().is_some())
            .map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap()))
            .collect();
        assert!(committed == derived.files, "examples/{language}/before: run `cargo workshop base`");
    }
}

#[test]
fn no_marker_is_left_in_any_state() {
    let steps = Steps::load(&root()).unwrap();
    for (language, _) in examples() {
        for at in 0..steps.all().len() {
            for (path, content) in derive_example(&root(), &steps, at, language).unwrap().files {
                let text = String::from_utf8(content).unwrap();
                let marker = text.lines().find(|line| line.contains("ANCHOR") || line.contains(" BEFORE "));
                assert_eq!(marker, None, "{language} after step {at}, {}", path.display());
            }
        }
    }
}

#[test]
fn the_readmes_count_the_lines_of_each_step() {
    let steps = Steps::load(&root()).unwrap();
    for (language, folder) in examples() {
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        let counts = example_lines(&root(), &steps, language).unwrap();
        let counted = counts.iter().skip(1).filter(|count| count.is_required());
        let rows = counted
            .map(|count| format!("| {} `{}` | {} |", count.step.number, count.step.id, count.lines))
            .collect::<Vec<_>>()
            .join("\n");
        assert!(readme.contains(&rows), "examples/{language}/README.md should have\n{rows}");
    }
}

#[test]
fn a_decorator_of_a_later_step_goes_without_its_function() {
    let folder = tempfile::tempdir().unwrap();
    let after = folder.path().join("examples/python/after");
    fs::create_dir_all(&after).unwrap();
    let source = "\
# BEFORE first-span: # TODO first-span: give it a span.
@tracer.start_as_current_span(\"nap\")
def nap():
    sleep()
";
    fs::write(after.join("nap.py"), source).unwrap();
    let steps = Steps::load(&root()).unwrap();
    let at = |step: &str| {
        let step = steps.find(step).unwrap().number;
        let derived = derive_example(folder.path(), &steps, step, "python").unwrap();
        derived.text(Path::new("nap.py")).unwrap().to_owned()
    };
    assert_eq!(at("run"), "# TODO first-span: give it a span.\ndef nap():\n    sleep()\n");
    assert_eq!(at("first-span"), source.split_once('\n').unwrap().1);
}

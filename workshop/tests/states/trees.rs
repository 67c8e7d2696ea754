//! The real source: `backend-base/` as committed, and every state, built and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use workshop::run::{self, Program};
use workshop::source::{self, Tree};
use workshop::steps::{Kind, Lang, Step, Steps};
use workshop::{checks, deployment};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The `TODO`s of all states in a language, each once.
fn todos(lang: Lang) -> BTreeSet<String> {
    let steps = Steps::load(&root()).unwrap();
    let mut todos = BTreeSet::new();
    for at in 0..steps.all().len() {
        for (path, content) in source::derive(&root(), &steps, at, "backend-sakura", lang).unwrap().files {
            if path.starts_with("src") {
                let text = String::from_utf8(content).unwrap();
                todos.extend(
                    text.lines()
                        .filter_map(|line| line.split_once("// TODO "))
                        .map(|(_, todo)| todo.to_owned()),
                );
            }
        }
    }
    todos
}

#[test]
fn every_todo_has_a_japanese_translation_and_no_translation_is_unused() {
    let (english, japanese) = (todos(Lang::En), todos(Lang::Ja));
    assert_eq!(english.len(), japanese.len());
    for todo in &japanese {
        assert!(!english.contains(todo), "workshop/todo.ja.toml lacks {todo:?}");
    }
    let table = fs::read_to_string(root().join("workshop/todo.ja.toml")).unwrap();
    let entries = table.lines().filter(|line| line.starts_with('"')).count();
    assert_eq!(entries, english.len(), "an entry of workshop/todo.ja.toml has no TODO any more");
}

fn derive(at: usize, name: &str) -> Tree {
    let steps = Steps::load(&root()).unwrap();
    source::derive(&root(), &steps, at, name, Lang::En).unwrap()
}

#[test]
fn the_committed_base_equals_the_derived_one() {
    let derived = derive(0, "backend-base");
    let mut committed = BTreeMap::new();
    read_into(&mut committed, &root().join("backend-base"), Path::new(""));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&derived.files), "run `cargo workshop base`");
    for (path, content) in &derived.files {
        assert!(committed[path] == *content, "{} differs: run `cargo workshop base`", path.display());
    }
}

#[test]
fn the_lock_file_of_the_base_is_complete() {
    let workshop = root().join(".workshop");
    fs::create_dir_all(&workshop).unwrap();
    let folder = tempfile::tempdir_in(workshop).unwrap();
    one_folder_deeper(derive(0, "backend-sakura")).write_to(folder.path()).unwrap();
    let output = Command::new(env!("CARGO"))
        // Of this platform only: the crates of others need not be there.
        .args(["tree", "--locked", "--offline", "--quiet"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The same tree for a folder inside `.workshop`, because all states share the target folder and the crate of
/// layers.
fn one_folder_deeper(mut tree: Tree) -> Tree {
    for (file, from, to) in [
        (".cargo/config.toml", "\"../target\"", "\"../../target\""),
        ("Cargo.toml", "\"../instrumentation\"", "\"../../instrumentation\""),
    ] {
        let text = String::from_utf8(tree.files[Path::new(file)].clone()).unwrap();
        assert!(text.contains(from), "{from} in {file}");
        tree.files.insert(PathBuf::from(file), text.replace(from, to).into_bytes());
    }
    tree
}

/// Whether the step's answer is in `src/`, and not in separate files.
fn has_code(step: &Step) -> bool {
    step.kind != Kind::Deployment
        && (step.files.is_empty() || step.files.iter().any(|file| file.starts_with("src/")))
}

#[test]
fn every_state_except_the_last_has_a_todo_and_none_has_a_marker() {
    let steps = Steps::load(&root()).unwrap();
    let marked: Vec<_> = steps.all().iter().filter(|step| step.number > 0 && has_code(step)).collect();
    for at in 0..steps.all().len() {
        let tree = derive(at, "backend-sakura");
        let text: String = tree
            .files
            .iter()
            .filter(|(path, _)| path.starts_with("src"))
            .map(|(_, content)| String::from_utf8_lossy(content).into_owned())
            .collect();
        for marker in ["// ANCHOR", "// BEFORE"] {
            assert!(!text.contains(marker), "{marker} in the state at step {at}");
        }
        // A TODO of a later step may be inside a region that has not been added yet. That of the next step
        // never is.
        if let Some(next) = marked.iter().find(|step| step.number > at) {
            let todo = format!("// TODO {}: ", next.id);
            assert!(text.contains(&todo), "no {todo:?} in the state at step {at}");
        }
        for done in marked.iter().filter(|step| step.number <= at) {
            let todo = format!("TODO {}:", done.id);
            assert!(!text.contains(&todo), "{todo:?} in the state at step {at}");
        }
    }
}

#[test]
fn a_todo_of_a_later_step_is_in_each_earlier_state_that_has_its_file() {
    let steps = Steps::load(&root()).unwrap();
    let todos = |tree: &Tree, file: &Path, after: usize| -> Vec<String> {
        let later = steps.all()[after + 1..].iter().map(|step| format!("// TODO {}: ", step.id));
        let later: Vec<_> = later.collect();
        let lines = tree.text(file).unwrap_or_default().lines();
        lines.filter(|line| later.iter().any(|todo| line.contains(todo))).map(str::to_owned).collect()
    };
    for at in 1..steps.all().len() {
        let (before, after) = (derive(at - 1, "backend-sakura"), derive(at, "backend-sakura"));
        for file in after.files.keys().filter(|file| before.files.contains_key(*file)) {
            let (before, after) = (todos(&before, file, at), todos(&after, file, at));
            assert_eq!(before, after, "in {} before and after step {at}", file.display());
        }
    }
}

#[test]
fn no_answer_changes_a_comment_so_a_replaced_file_is_like_the_one_that_replaces_it() {
    let steps = Steps::load(&root()).unwrap();
    let comments = |tree: &Tree, file: &Path| -> Vec<String> {
        let lines = tree.text(file).unwrap_or_default().lines().map(str::trim_start);
        let is_comment = |line: &&str| line.starts_with("//") && !line.starts_with("// TODO ");
        lines.filter(is_comment).map(str::to_owned).collect()
    };
    for at in 1..steps.all().len() {
        let (before, after) = (derive(at - 1, "backend-sakura"), derive(at, "backend-sakura"));
        for file in before.files.keys() {
            let after = comments(&after, file);
            let lost: Vec<_> =
                comments(&before, file).into_iter().filter(|line| !after.contains(line)).collect();
            assert!(lost.is_empty(), "step {at} changes comments of {}: {lost:#?}", file.display());
        }
    }
}

/// A test for each state, because they take minutes, and while one is running, another one can be built:
/// `cargo test --workspace --test states -- --ignored`.
macro_rules! states {
    ($($name:ident $at:literal)*) => {
        /// The states that have a test.
        const STATES: &[usize] = &[$($at),*];

        $(
            #[tokio::test]
            #[ignore = "builds the service"]
            async fn $name() {
                passes_the_steps_up_to_it_and_fails_the_next($at).await;
            }
        )*
    };
}

states! {
    state_0_passes_its_step_and_fails_the_next 0
    state_1_passes_the_steps_up_to_it_and_fails_the_next 1
    state_2_passes_the_steps_up_to_it_and_fails_the_next 2
    state_3_passes_the_steps_up_to_it_and_fails_the_next 3
    state_4_passes_the_steps_up_to_it_and_fails_the_next 4
    state_5_passes_the_steps_up_to_it_and_fails_the_next 5
    state_6_passes_the_steps_up_to_it_and_fails_the_next 6
    state_7_passes_the_steps_up_to_it_and_fails_the_next 7
    state_8_passes_the_steps_up_to_it_and_fails_the_next 8
    state_9_passes_the_steps_up_to_it_and_fails_the_next 9
    state_10_passes_the_steps_up_to_it_and_fails_the_next 10
    state_11_passes_the_steps_up_to_it_and_fails_the_next 11
    state_12_passes_the_steps_up_to_it_and_fails_the_next 12
    state_13_passes_all_steps 13
}

#[test]
fn every_state_has_a_test() {
    let steps = Steps::load(&root()).unwrap();
    assert_eq!(STATES, (0..steps.all().len()).collect::<Vec<_>>());
}

async fn passes_the_steps_up_to_it_and_fails_the_next(at: usize) {
    let steps = Steps::load(&root()).unwrap();
    let all = steps.all();
    let name = format!("backend-state-{at}");
    // Inside the repository, so that all states share its target folder.
    let folder = root().join(".workshop").join(&name);
    let _ = fs::remove_dir_all(&folder);
    one_folder_deeper(derive(at, &name)).write_to(&folder).unwrap();

    cargo(&folder, &["fmt", "--check"], &[]);
    cargo(&folder, &["build", "--locked", "--offline"], &[("RUSTFLAGS", None)]);
    cargo(&folder, &["clippy", "--locked", "--offline", "--", "-D", "warnings"], &[]);

    let built = run::build(&folder).await.unwrap_or_else(|error| panic!("{at}: {}", error.seen()));
    let backend = run::backend(&built, &folder);
    let program = Program::Executable(built.executable);
    let mut evidence = run::gather(&backend, &program).await.unwrap_or_else(|t| panic!("{at}: {}", t.seen()));
    let files = deployment::at(&root(), &steps, &format!("state-{at}"), at).unwrap();
    evidence.backend.deployment = Some(files);
    // A step with a feature needs a separate build, beginning with the state before it.
    if all[..(at + 2).min(all.len())].iter().any(|step| step.kind == Kind::BuildFeature) {
        cargo(
            &folder,
            &["clippy", "--locked", "--offline", "--features", "datadog", "--", "-D", "warnings"],
            &[],
        );
        evidence.datadog = Some(run::gather_datadog(&backend, &folder).await.map_err(Into::into));
    }
    // The runs with a faulty collector are needed from the state before the step `delivery` on.
    if at + 1 >= steps.find("delivery").unwrap().number {
        evidence.delivery = Some(run::gather_delivery(&backend, &program).await.map_err(Into::into));
    }
    let up_to_the_next = &all[..(at + 2).min(all.len())];
    for step in up_to_the_next {
        let failed: Vec<_> =
            checks::judge(&step.id, &evidence).unwrap().into_iter().filter(|e| !e.is_met()).collect();
        if step.number <= at {
            assert!(failed.is_empty(), "state {at} fails step {}: {failed:#?}", step.id);
        } else {
            assert!(!failed.is_empty(), "state {at} passes step {} already", step.id);
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}

fn cargo(folder: &Path, arguments: &[&str], environment: &[(&str, Option<&str>)]) {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(folder);
    // Cargo's variables about this test must not reach another Cargo: ring's build script depends on them and
    // would run again, and all crates that depend on ring would be compiled again.
    for (name, _) in std::env::vars() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|own| name.starts_with(own)) {
            command.env_remove(name);
        }
    }
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo {arguments:?}\n{stderr}{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(!stderr.contains("warning:"), "cargo {arguments:?}\n{stderr}");
}

fn read_into(files: &mut BTreeMap<PathBuf, Vec<u8>>, folder: &Path, below: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            read_into(files, &entry.path(), &path);
        } else {
            files.insert(path, fs::read(entry.path()).unwrap());
        }
    }
}

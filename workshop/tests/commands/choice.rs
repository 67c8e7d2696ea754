//! Which backend and which steps a command selects.

use std::fs;

use super::Repository;

/// A program that ends at once, so that a check has a report after a second.
const SERVICE: &str = "fn main() {}\n";
const MANIFEST: &str = "[package]\nname = \"backend-sakura\"\nversion = \"0.1.0\"\nedition = \"2024\"\nbuild = false\n[workspace]\n";

/// A backend whose program compiles in a second, and fails step `run`.
fn quick_backend(repository: &Repository) {
    repository.run(&["new", "sakura"]).succeeds();
    let folder = repository.path("backend-sakura");
    fs::remove_dir_all(folder.join("src")).unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/main.rs"), SERVICE).unwrap();
    fs::write(folder.join("Cargo.toml"), MANIFEST).unwrap();
    fs::remove_file(folder.join("Cargo.lock")).unwrap();
}

#[test]
fn new_accepts_the_name_of_the_folder_and_remove_accepts_what_new_printed() {
    let repository = Repository::new();
    let printed = repository.run(&["new", "backend-sakura"]).succeeds();
    assert!(printed.contains("Created backend-sakura"), "{printed}");
    assert!(repository.path("backend-sakura").is_dir());
    assert!(!repository.path("backend-backend-sakura").exists());
    repository.run(&["remove", "backend-sakura"]).succeeds();
    assert!(!repository.path("backend-sakura").exists());
    repository
        .run(&["new", "backend-backend-x"])
        .refuses_with("the prefix 'backend-' is added automatically");
}

#[test]
fn a_mistyped_step_or_name_is_answered_with_a_suggestion() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    for (arguments, meant) in [
        (&["check", "server-span"][..], "did you mean 'server-spans'?"),
        (&["check", "sakura", "metric"], "did you mean 'metrics'?"),
        (&["check", "skaura"], "did you mean 'sakura'?"),
        (&["goto", "sakura", "log-correlatio"], "did you mean 'log-correlation'?"),
        (&["answer", "first-spam"], "did you mean 'first-span'?"),
        (&["diff", "--at", "error"], "did you mean 'errors'?"),
        (&["remove", "sakra"], "did you mean 'sakura'?"),
        (&["infra", "sakur"], "did you mean 'sakura'?"),
    ] {
        repository.run(arguments).refuses_with(meant);
    }
    let unlike = repository.run(&["check", "xyz"]);
    assert!(!unlike.stderr.contains("did you mean"), "{}", unlike.stderr);
}

#[test]
fn a_plain_check_leaves_out_optional_steps() {
    let repository = Repository::new();
    quick_backend(&repository);
    let ran = repository.run(&["check", "--json"]);
    assert!(ran.stdout.contains("\"alert\"") && !ran.stdout.contains("datadog-sdk"), "{}", ran.stdout);
    let ran = repository.run(&["check"]);
    assert_eq!(ran.status, 1, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("optional; to check it: cargo workshop check datadog-sdk"), "{}", ran.stdout);
    let ran = repository.run(&["check", "run"]);
    assert!(!ran.stdout.contains("datadog-sdk"), "it was not selected: {}", ran.stdout);
    let ran = repository.run(&["check", "datadog-sdk", "--json"]);
    assert!(ran.stdout.contains("datadog-sdk"), "{}", ran.stdout);
}

#[test]
fn check_and_up_select_the_same_backend_if_none_is_named() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    fs::write(repository.path("backend-sakura/Cargo.toml"), "no manifest").unwrap();
    let only = "backend-sakura";
    let up = ["up", "--port", "0", "--httpbin-port", "0", "--console-port", "0", "--otlp-port", "0"];
    let up = [&up[..], &["--otlp-grpc-port", "0"]].concat();
    repository.run(&["check"]).refuses_with(only);
    repository.run(&up).refuses_with(only);
    repository.run(&["new", "momiji"]).succeeds();
    repository.run(&["check"]).refuses_with("missing NAME: name a backend");
    repository.run(&up).refuses_with("missing NAME: name a backend");
    repository.run(&up).refuses_with("`cargo workshop up handson` starts the finished service");
    repository.run(&["new", "handson"]).refuses_with("reserved for the workshop");
}

#[test]
fn answer_counts_the_lines_to_type() {
    let repository = Repository::new();
    let table = repository.run(&["answer", "--lines"]).succeeds();
    let counts: Vec<usize> =
        table.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse().ok()).collect();
    assert_eq!(counts.len(), 14, "a count for each step:\n{table}");
    assert!(counts[2] > 0 && counts[9] > 0, "{table}");
    assert!(table.lines().last().unwrap().starts_with("steps 0 to 9 "), "{table}");
    repository.run(&["answer"]).refuses_with("required");
    repository.run(&["answer", "metrics", "--lines"]).refuses_with("cannot be used with");
}

#[test]
fn a_report_for_people_shows_code_without_backticks_and_one_for_programs_keeps_them() {
    let repository = Repository::new();
    quick_backend(&repository);
    let output = repository.run(&["check", "run"]).stdout;
    assert!(output.contains("cargo run") && !output.contains('`'), "{output}");
    let json = repository.run(&["check", "run", "--json"]).stdout;
    assert!(json.contains("`cargo run`"), "{json}");
}

#[test]
fn diff_ignores_line_ends() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    let file = repository.path("backend-sakura/src/handson.rs");
    let text = fs::read_to_string(&file).unwrap().replace('\n', "\r\n");
    fs::write(&file, &text).unwrap();
    let output = repository.run(&["diff", "sakura"]).succeeds();
    assert!(output.contains("does not differ from the state after step 0 run"), "{output}");
    fs::write(&file, text.replace("Hello, {}", "Hi, {}")).unwrap();
    let output = repository.run(&["diff", "sakura"]).succeeds();
    assert_eq!(output.lines().filter(|line| line.starts_with(['+', '-'])).count(), 2, "{output}");
}

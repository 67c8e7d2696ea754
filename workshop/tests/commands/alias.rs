//! The alias `cargo workshop`, with the real Cargo, in every folder.

use std::fs;
use std::process::{Command, Output};

use super::Repository;

/// A repository in which the package `launch` prints its arguments, because the real one would compile the
/// workshop.
fn repository() -> Repository {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    let write = |file: &str, text: &str| {
        let path = repository.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"launch\"]\n");
    write("launch/Cargo.toml", "[package]\nname = \"launch\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    write(
        "launch/src/main.rs",
        "fn main() { println!(\"launched with {:?}\", std::env::args().skip(1).collect::<Vec<_>>()); }\n",
    );
    fs::remove_file(repository.path("Cargo.lock")).unwrap();
    repository
}

fn cargo_workshop(repository: &Repository, folder: &str) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["workshop", "check"]).current_dir(repository.path(folder)).env_remove("CARGO_TARGET_DIR");
    cargo.output().unwrap()
}

#[track_caller]
fn assert_works(repository: &Repository, folder: &str) {
    let output = cargo_workshop(repository, folder);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(stdout, "launched with [\"check\"]\n", "in {folder}: {stderr}");
}

#[test]
fn cargo_workshop_works_from_every_folder_of_a_backend() {
    let repository = repository();
    for folder in
        ["backend-sakura", "backend-sakura/src", "backend-sakura/src/config", "backend-sakura/migrations"]
    {
        assert_works(&repository, folder);
    }
    // A mistake in the manifest must not stop the command.
    fs::write(repository.path("backend-sakura/Cargo.toml"), "no manifest").unwrap();
    assert_works(&repository, "backend-sakura/src");
}

#[test]
fn a_copied_backend_works_in_its_own_folder_before_any_command() {
    let repository = repository();
    fs::remove_file(repository.path(".workshop/alias.toml")).unwrap();
    assert_works(&repository, "backend-sakura");
}

#[test]
fn a_repository_that_has_moved_is_found_again_after_the_next_command() {
    let repository = repository();
    let alias = repository.path(".workshop/alias.toml");
    let moved = fs::read_to_string(&alias).unwrap().replace("--manifest-path /", "--manifest-path /nowhere/");
    fs::write(&alias, moved).unwrap();
    assert!(!cargo_workshop(&repository, "backend-sakura/src").status.success());
    repository.run(&["answer", "run"]).succeeds();
    assert_works(&repository, "backend-sakura/src");
}

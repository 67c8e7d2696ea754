//! What the first command in a clone prints before anything is compiled.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::process::Command;

#[test]
fn the_first_command_prints_at_once_what_is_compiled_and_how_long_that_takes() {
    // A target folder without the workshop's program, and a Cargo that fails instead of building for minutes.
    let target = std::env::temp_dir().join(format!("first-words-{}", std::process::id()));
    fs::create_dir_all(&target).unwrap();
    let launch = target.join("launch");
    fs::copy(env!("CARGO_BIN_EXE_launch"), &launch).unwrap();
    let output = Command::new(&launch).arg("doctor").env("CARGO", "false").output().unwrap();
    fs::remove_dir_all(&target).unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.starts_with("Compiling the workshop and its dependencies."), "{message}");
    assert!(message.contains("two to four minutes, once"), "{message}");
    assert_eq!(output.status.code(), Some(101), "as Cargo ends when a build fails");
}

//! `check --command`: programs that are not a backend. The tests use the finished service as a program in
//! another language, because only its environment and its telemetry connect it with the check.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::{Ran, Repository};

/// The finished service, built once.
fn service() -> &'static str {
    static SERVICE: OnceLock<PathBuf> = OnceLock::new();
    SERVICE
        .get_or_init(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            // Cargo's variables for this test would make build scripts run again.
            for (name, _) in std::env::vars()
                .filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
            {
                cargo.env_remove(name);
            }
            let built = cargo.args(["build", "--workspace", "--bin", "handson"]).current_dir(root).status();
            assert!(built.unwrap().success());
            Path::new(env!("CARGO_BIN_EXE_workshop")).with_file_name("handson")
        })
        .to_str()
        .unwrap()
}

/// A repository with the folder `elsewhere` of a program that has a monitor.
fn repository() -> Repository {
    let repository = Repository::new();
    fs::create_dir(repository.path("elsewhere")).unwrap();
    fs::copy(repository.path("monitor.toml"), repository.path("elsewhere/monitor.toml")).unwrap();
    repository
}

fn check(repository: &Repository, command: &str, more: &[&str]) -> Ran {
    repository.run(&[&["check", "--command", command, "--dir", "elsewhere"], more].concat())
}

/// The steps of a report in JSON with their states: `0 run passed`.
#[track_caller]
fn states(report: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(report).unwrap_or_else(|error| panic!("{error}: {report}"));
    let steps = report["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            let text = |key: &str| step[key].as_str().unwrap().to_owned();
            format!("{} {} {}", step["number"], text("id"), text("state"))
        })
        .collect()
}

#[test]
fn a_command_that_keeps_the_contract_passes_steps_0_to_9() {
    let repository = repository();
    let ran = check(&repository, service(), &["--json"]);
    let states = states(&ran.stdout);
    assert_eq!(states.len(), 10, "{states:?}");
    assert!(states.iter().all(|state| state.ends_with(" passed")), "{}", ran.stdout);
    assert_eq!(ran.status, 0);
    assert!(ran.stderr.contains("it has 2m to compile and to listen"), "{}", ran.stderr);
    assert!(repository.path(".workshop/command_elsewhere/report.json").is_file());
}

#[test]
fn a_wrapper_that_ends_before_its_program_loses_nothing() {
    // Like `go run`, the shell dies of SIGTERM at once, and its program ends later.
    let ran = check(&repository(), &format!("sh -c '{} ; true'", service()), &["--json"]);
    assert_eq!(ran.status, 0, "{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn the_environment_of_the_check_does_not_change_the_result() {
    let repository = repository();
    let output = Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(["check", "--command", service(), "--dir", "elsewhere", "run", "first-span"])
        .current_dir(repository.path(""))
        .envs([("RANDOM_ERROR_RATE", "1"), ("PORT", "1"), ("OTEL_SDK_DISABLED", "true"), ("DD_ENV", "x")])
        .envs([("HTTP_PROXY", "http://127.0.0.1:1"), ("http_proxy", "http://127.0.0.1:1")])
        .output()
        .unwrap();
    let ran = Ran::from_output(&output);
    assert_eq!(ran.status, 0, "{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn a_wrong_program_is_red_at_its_step_with_a_hint_that_does_not_speak_of_rust() {
    let ran = check(&repository(), &format!("env LOG_FORMAT=text {}", service()), &[]);
    assert_eq!(ran.status, 1, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("✗  1 structured-logs"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Give the logger a formatter"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("src/logs.rs"), "{}", ran.stdout);
}

#[test]
fn a_program_that_ends_at_once_fails_step_0_with_its_output() {
    let ran = check(&repository(), "sh -c 'echo no such module: flask; exit 3'", &[]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    for words in ["✗  0 run", "exit status 3", "no such module: flask"] {
        assert!(ran.stdout.contains(words), "{words:?} is missing in\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("cargo"), "{}", ran.stdout);
}

#[test]
fn a_program_that_never_listens_fails_step_0_with_its_output() {
    let ran = check(&repository(), "sh -c 'echo compiling; exec sleep 600'", &["--start-timeout", "1s"]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    for words in ["/healthz did not answer 200 in time", "compiling"] {
        assert!(ran.stdout.contains(words), "{words:?} is missing in\n{}", ran.stdout);
    }
}

#[test]
fn watch_checks_a_command_again_when_a_file_in_its_folder_changes() {
    let repository = repository();
    let file = repository.path("elsewhere/app/version");
    fs::create_dir(repository.path("elsewhere/app")).unwrap();
    fs::write(&file, "one\n").unwrap();
    let mut watching = Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(["watch", "--command", "sh -c 'cat app/version; exit 3'", "--dir", "elsewhere"])
        .current_dir(repository.path(""))
        .env_remove("CARGO_MANIFEST_DIR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut report =
        || lines.by_ref().take_while(|line| !line.ends_with("/10")).collect::<Vec<_>>().join("\n");
    let first = report();
    fs::write(&file, "another\n").unwrap();
    let second = report();
    Command::new("kill").args(["-INT", &watching.id().to_string()]).status().unwrap();
    let ended = watching.wait().unwrap();
    assert!(first.contains("one") && first.contains("exit status 3"), "{first}");
    assert!(second.contains("another"), "{second}");
    assert!(ended.success(), "{ended}");
}

#[test]
fn what_cannot_be_a_command_is_refused() {
    let repository = repository();
    repository.run(&["new", "sakura"]).succeeds();
    for (arguments, error) in [
        (&["check", "--command", ""][..], "expected a program and its arguments, such as 'go run .'"),
        (&["check", "--command", "sh -c 'echo"], "a quote or a backslash is not closed"),
        (&["check", "--command", "no-such-program x"], "no-such-program cannot be started"),
        (&["check", "--command", "./no-such-program"], "./no-such-program cannot be started"),
        (
            &["check", "--command", "true", "--dir", "nowhere"],
            "invalid value 'nowhere' for --dir: expected a folder",
        ),
        (&["check", "--dir", "elsewhere"], "--command <COMMAND>"),
        (
            &["check", "sakura", "--command", "true"],
            "'sakura' names a backend, and cannot be used with --command",
        ),
        (&["check", "backend-sakura", "--command", "true"], "cannot be used with --command"),
        (&["check", "--command", "true", "server-span"], "did you mean 'server-spans'?"),
        (
            &["watch", "sakura", "--command", "true"],
            "'sakura' names a backend, and cannot be used with --command",
        ),
        (
            &["up", "sakura", "--command", "true"],
            "'sakura' names a backend, and cannot be used with --command",
        ),
        (
            &["up", "--command", "true", "--dir", "nowhere"],
            "invalid value 'nowhere' for --dir: expected a folder",
        ),
        (&["check", "--command", "true", "deploy"], "with --command, expected a step from 0 to 9"),
        (&["check", "--command", "true", "13"], "invalid value 'delivery' for STEP: with --command"),
        (
            &["check", "--command", "true", "--start-timeout", "soon"],
            "invalid value 'soon' for '--start-timeout",
        ),
    ] {
        repository.run(arguments).refuses_with(error);
    }
}

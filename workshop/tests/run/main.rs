//! Backends that misbehave: each gets a clear verdict, and leaves no process behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod delivery;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use workshop::evidence::{Backend, Ending, Evidence, NoAnswer, Origin};
use workshop::run::{self, CommandLine, Program, RunError};

/// A server of a few lines, compiled once. Its first argument says how it misbehaves.
const SERVER: &str = r#"
use std::io::{Read, Write};
use std::net::TcpListener;
fn main() {
    let how = std::env::args().nth(1).unwrap_or_default();
    let mut port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    if how == "elsewhere" { port = 0; }
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    println!("listens on http://{}", listener.local_addr().unwrap());
    if how == "grandchild" {
        let child = std::process::Command::new("/bin/sleep").arg("600").spawn().unwrap();
        println!("grandchild {}", child.id());
    }
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap_or(0);
        let health = String::from_utf8_lossy(&request[..read]).starts_with("GET /healthz");
        if how == "flood" && !health { loop { println!("flood"); } }
        if how == "hang" && !health { std::thread::sleep(std::time::Duration::from_secs(600)); }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    }
}
"#;

fn server() -> &'static Path {
    static SERVER_PATH: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    &SERVER_PATH
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let source = folder.path().join("server.rs");
            fs::write(&source, SERVER).unwrap();
            let program = folder.path().join("server");
            let done =
                Command::new("rustc").args(["--edition", "2024", "-o"]).arg(&program).arg(&source).status();
            assert!(done.unwrap().success());
            (folder, program)
        })
        .1
}

/// A program that is a shell script.
fn script(folder: &Path, text: &str) -> Program {
    let path = folder.join("backend");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Program::Executable(path)
}

fn backend() -> Backend {
    Backend {
        name: "backend-test".to_owned(),
        service: "handson-test".to_owned(),
        origin: Origin::Package { version: "0.1.0".to_owned() },
        environment: "staging".to_owned(),
        monitor: None,
        commit: None,
        repository: None,
        deployment: None,
    }
}

async fn gather(text: &str) -> Result<Evidence, RunError> {
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let outcome = run::gather(&backend(), &script(folder.path(), text)).await;
    assert!(started.elapsed() < Duration::from_secs(60), "the verdict took {:?}", started.elapsed());
    outcome
}

fn server_that(how: &str) -> String {
    format!("exec {} {how}", server().display())
}

#[track_caller]
fn assert_reports(error: &RunError, words: &[&str]) {
    let reported = format!("{}\n{}", error.seen(), error.cause());
    for words in words {
        assert!(reported.contains(words), "should report {words:?}, but reports:\n{reported}");
    }
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_reported_with_its_status_and_last_lines() {
    let error = gather("echo 'PORT=x is refused' >&2; exit 2").await.unwrap_err();
    assert_reports(&error, &["exit status 2", "PORT=x is refused"]);
    assert!(error.is_caused_by_service());
}

#[tokio::test]
async fn a_service_that_listens_elsewhere_is_reported_with_its_output() {
    let error = gather(&server_that("elsewhere")).await.unwrap_err();
    assert_reports(&error, &["/healthz did not answer 200", "listens on http://127.0.0.1:", "HOST and PORT"]);
}

#[tokio::test]
async fn a_service_that_floods_its_log_is_killed() {
    let error = gather(&server_that("flood")).await.unwrap_err();
    assert!(matches!(error, RunError::FloodsLog), "{error:?}");
}

#[tokio::test]
async fn a_service_that_hangs_gives_evidence_of_an_unanswered_request() {
    let evidence = gather(&server_that("hang")).await.unwrap();
    let unanswered = evidence.calm.exchanges.iter().find_map(|exchange| exchange.answer.as_ref().err());
    assert_eq!(unanswered, Some(&NoAnswer::TimedOut(Duration::from_secs(10))));
}

#[tokio::test]
async fn a_service_that_ignores_sigterm_is_killed_and_reported() {
    // The shell ignores the signal, and the server inherits that.
    let evidence = gather(&format!("trap '' TERM\n{}", server_that("well"))).await.unwrap();
    assert!(matches!(evidence.calm.ending, Ending::Killed(_)), "{:?}", evidence.calm.ending);
}

#[tokio::test]
async fn child_processes_of_a_service_are_also_ended() {
    let evidence = gather(&server_that("grandchild")).await.unwrap();
    for run in [&evidence.calm, &evidence.errors] {
        let line = run.stdout.iter().find_map(|line| line.strip_prefix("grandchild ")).unwrap();
        let alive = Command::new("kill").args(["-0", line]).output().unwrap().status.success();
        assert!(!alive || is_zombie(line), "process {line} still runs");
    }
}

/// The output of a run of a program that writes `SIGTERM` each time that it gets one, started by a command in
/// the folder of its script `program`.
async fn output_of_wrapped(command: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "{} well & server=$!\ntrap 'echo SIGTERM; sleep 0.2; kill $server' TERM\nwait; wait; wait",
        server().display()
    );
    fs::write(folder.path().join("program"), text).unwrap();
    let command = CommandLine::parse(command, folder.path(), Duration::from_secs(15)).unwrap();
    let evidence = run::gather(&run::command_backend(&command), &Program::Command(command)).await.unwrap();
    assert!(matches!(evidence.calm.ending, Ending::Ended { .. }), "{:?}", evidence.calm.ending);
    evidence.calm.stdout
}

#[tokio::test]
async fn a_program_gets_sigterm_once_whether_its_wrapper_passes_it_on_or_not() {
    for wrapper in [
        "sh program",
        // Like `go run`, it ends at once, and its program does not get the signal.
        "sh -c 'sh program; true'",
        // Like `npm`, it passes the signal on, and waits.
        "sh -c 'sh program & program=$!; trap \"kill $program\" TERM; wait; wait'",
        // It ignores the signal.
        "sh -c 'sh program & trap : TERM; wait; wait'",
    ] {
        let output = output_of_wrapped(wrapper).await;
        let signals = output.iter().filter(|line| *line == "SIGTERM").count();
        assert_eq!(signals, 1, "{wrapper}: {output:?}");
    }
}

#[tokio::test]
async fn an_interrupted_run_leaves_no_process_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("pid");
    let text = format!("echo $$ > {}\n{}", mark.display(), server_that("hang"));
    let running = tokio::spawn(async move { gather(&text).await.map(drop) });
    let pid = loop {
        match fs::read_to_string(&mark) {
            Ok(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
            _ => tokio::task::yield_now().await,
        }
    };
    running.abort();
    let _ = running.await;
    // The signal is sent when the future is dropped, but the process ends a little later.
    let deadline = Instant::now() + Duration::from_secs(10);
    while Command::new("kill").args(["-0", &pid]).output().unwrap().status.success() && !is_zombie(&pid) {
        assert!(Instant::now() < deadline, "process {pid} still runs");
        tokio::task::yield_now().await;
    }
}

/// Whether the process has ended, but its parent has not waited for it yet.
fn is_zombie(pid: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().starts_with('Z')
}

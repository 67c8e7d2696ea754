//! Runs with a faulty collector: a small program that uses only the standard library and follows the contract
//! passes the step, and its mistakes are noticed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use workshop::evidence::Evidence;
use workshop::{checks, run};

use super::{backend, script};

/// The path of the server, which is compiled once.
fn server() -> &'static Path {
    static PATH: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    &PATH
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run/fixtures/exporting_server.rs");
            let program = folder.path().join("exporting-server");
            let done =
                Command::new("rustc").args(["--edition", "2024", "-o"]).arg(&program).arg(source).status();
            assert!(done.unwrap().success());
            (folder, program)
        })
        .1
}

/// The evidence of the program, and the duration of the runs with a faulty collector.
async fn gather(mistake: &str) -> (Evidence, Duration) {
    let folder = tempfile::tempdir().unwrap();
    // The standard library cannot handle signals, so the shell creates a file at SIGTERM.
    let stop = folder.path().join("stop.$$");
    let text = format!(
        "trap 'touch {stop}' TERM\n{} {mistake} {stop} &\nwait $!\nwait $!",
        server().display(),
        stop = stop.display()
    );
    let program = script(folder.path(), &text);
    let backend = backend();
    let mut evidence = run::gather(&backend, &program).await.unwrap();
    let started = Instant::now();
    evidence.delivery = Some(run::gather_delivery(&backend, &program).await.map_err(Into::into));
    let took = started.elapsed();
    fs::remove_dir_all(folder.path()).unwrap();
    (evidence, took)
}

/// Everything that the step reports as wrong.
fn failures(evidence: &Evidence) -> String {
    let expectations = checks::judge("delivery", evidence).unwrap();
    assert!(!expectations.is_empty());
    let failed = expectations.into_iter().filter_map(|it| Some((it.expected, it.failure?)));
    failed
        .map(|(expected, why)| format!("{expected}\n  seen: {}\n  cause: {}\n", why.seen, why.cause))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_program_that_counts_what_it_drops_passes_delivery_within_seconds() {
    let (evidence, took) = gather("none").await;
    assert_eq!(failures(&evidence), "");
    // Twice the time that the runs should take.
    assert!(took < Duration::from_secs(20), "the runs took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_exports_while_the_request_waits_fails_delivery() {
    let (evidence, _) = gather("export-in-the-request").await;
    let reported = failures(&evidence);
    assert!(reported.contains("The request waits for the exporter"), "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_retries_after_400_fails_delivery() {
    let (evidence, _) = gather("send-again").await;
    let reported = failures(&evidence);
    assert!(reported.contains("400 means that the request itself is not valid"), "{reported}");
}

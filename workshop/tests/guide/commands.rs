//! Every command of the guide works, in the order in which attendees read them.
//!
//! A fence `sh` runs and must succeed. `sh background` runs until its chapter ends. `sh no-run: reason` does
//! not run here.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use workshop::steps::Steps;

use super::{Fence, chapters, fences, root};

/// Time for a build and a start.
const START: Duration = Duration::from_secs(300);
const END: Duration = Duration::from_secs(20);

#[test]
fn fences_have_a_known_kind_and_few_do_not_run() {
    let mut not_run = Vec::new();
    for (file, text) in chapters("en") {
        for fence in fences(&text) {
            match fence.kind.split_once(": ") {
                Some(("sh no-run", reason)) => not_run.push(format!("{file}: {reason}")),
                _ => assert!(
                    ["sh", "sh background", "rust", "go", "python", "toml", "yaml", "hcl", "json", "text"]
                        .contains(&fence.kind.as_str()),
                    "{file}: a fence of kind {:?}",
                    fence.kind
                ),
            }
        }
    }
    not_run.dedup();
    assert_eq!(
        not_run,
        ["10-deploy.md: it needs a repository on GitHub", "11-canary.md: it needs a load balancer in AWS",]
    );
}

/// An attendee's shell: a copy of the repository, the current folder, and the command in the other terminal.
struct Shell {
    repository: tempfile::TempDir,
    folder: PathBuf,
    background: Option<Child>,
}

impl Shell {
    fn new() -> Self {
        let repository = tempfile::tempdir().unwrap();
        let listed = Command::new("git")
            .args(["ls-files", "-co", "--exclude-standard"])
            .current_dir(root())
            .output()
            .unwrap();
        let is_own = |file: &&str| !file.starts_with("backend-") || file.starts_with("backend-base/");
        for file in String::from_utf8(listed.stdout).unwrap().lines().filter(is_own) {
            let (from, to) = (root().join(file), repository.path().join(file));
            if from.is_file() {
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(from, to).unwrap();
            }
        }
        let folder = repository.path().to_owned();
        Self { repository, folder, background: None }
    }

    fn bash(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", target());
        // These variables describe this test. The attendee's Cargo must not see them.
        let of_this_test =
            |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|own| name.starts_with(own));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_this_test)) {
            command.env_remove(name);
        }
        command
    }

    /// Runs a fence to its end. The next one starts in the folder in which it ended.
    fn run(&mut self, chapter: &str, script: &str) {
        let place = self.repository.path().join(".git-place");
        let output = self.bash(&format!("{script}\npwd >'{}'", place.display())).output().unwrap();
        assert!(
            output.status.success(),
            "{chapter}: in {}:\n{script}\n{}\n{}",
            self.folder.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        self.folder = fs::read_to_string(place).unwrap().trim().into();
    }

    /// Starts a command in the other terminal, and waits until the service responds.
    fn start(&mut self, chapter: &str, script: &str) {
        assert!(self.background.is_none(), "{chapter}: a second `sh background`");
        let log = self.repository.path().join("background.log");
        let file = fs::File::create(&log).unwrap();
        let mut command = self.bash(script);
        command.process_group(0).stdin(Stdio::null()).stderr(file.try_clone().unwrap()).stdout(file);
        let child = self.background.insert(command.spawn().unwrap());
        let started = Instant::now();
        let answers = || {
            let mut curl = Command::new("curl");
            curl.args(["-sf", "-o", "/dev/null", "localhost:8080/healthz"]).status().unwrap().success()
        };
        while !answers() {
            let ended = child.try_wait().unwrap();
            let log = || fs::read_to_string(&log).unwrap();
            assert!(ended.is_none(), "{chapter}: {script} has ended, {ended:?}\n{}", log());
            assert!(started.elapsed() < START, "{chapter}: {script}: the service does not answer\n{}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Presses Ctrl-C in the other terminal.
    fn stop(&mut self) {
        let Some(mut child) = self.background.take() else { return };
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        // The command may already have ended.
        let _ = kill_process_group(group, Signal::INT);
        let started = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if started.elapsed() > END {
                let _ = kill_process_group(group, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The target folder of this test, so that little is compiled twice.
fn target() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_workshop")).ancestors().nth(2).unwrap()
}

/// Uses the ports 8080 and 4000, as an attendee does.
#[test]
#[ignore = "builds the service, and takes its ports"]
fn every_command_of_the_guide_runs_in_order() {
    let steps = Steps::load(root()).unwrap();
    let mut shell = Shell::new();
    let guide = chapters("en");
    let mut count = 0;
    for step in steps.all() {
        let chapter = &step.chapter;
        if step.number > 0 {
            // The chapter's code is written with the command that an attendee could use.
            shell.run(chapter, &format!("cargo workshop goto {}", step.id));
        }
        for Fence { kind, text } in fences(&guide[chapter]) {
            let started = Instant::now();
            match kind.as_str() {
                "sh" => shell.run(chapter, &text),
                "sh background" => shell.start(chapter, &text),
                _ => continue,
            }
            count += 1;
            println!(
                "{:6.1} s  {chapter}  {}",
                started.elapsed().as_secs_f64(),
                text.trim().replace('\n', "; ")
            );
        }
        shell.stop();
    }
    assert!(count > steps.all().len(), "{count} commands");
}

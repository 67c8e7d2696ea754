//! The commands of `cargo workshop`, run as a program in a small repository.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alias;
mod choice;
mod command;
mod infra;
mod sampling;
mod up;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A copy of everything that the commands read: the real sources and steps.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let real = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let copy = tempfile::tempdir().unwrap();
        for path in [
            "src",
            "migrations",
            "build.rs",
            "rustfmt.toml",
            "Cargo.toml",
            "Cargo.lock",
            "monitor.toml",
            ".gitattributes",
            ".github/workflows",
            "infrastructure/env",
            "workshop/steps.toml",
            "workshop/todo.ja.toml",
            "workshop/before",
        ] {
            copy_all(&real.join(path), &copy.path().join(path));
        }
        copy_all(&real.join("backend-base/Cargo.lock"), &copy.path().join("backend-base/Cargo.lock"));
        Self(copy)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in("", arguments)
    }

    fn run_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_workshop"))
            .args(arguments)
            .current_dir(self.path(folder))
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("LC_ALL")
            .env_remove("LANG")
            .output()
            .unwrap();
        Ran::from_output(&output)
    }

    /// All files by path, except the alias that every command writes.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect(self.0.path(), &mut files);
        files.retain(|file| !file.ends_with(".workshop/alias.toml"));
        files.sort();
        files
    }
}

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn from_output(output: &Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn succeeds(self) -> String {
        assert_eq!(self.status, 0, "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    #[track_caller]
    fn refuses_with(self, words: &str) {
        assert_eq!(self.status, 2, "{}\n{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(words), "should contain {words:?}, but is:\n{}", self.stderr);
    }
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

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

#[test]
fn new_creates_a_backend_and_names_the_next_step() {
    let repository = Repository::new();
    let output = repository.run(&["new", "sakura"]).succeeds();
    for words in ["open the folder backend-sakura", "TODO structured-logs", "cargo workshop check"] {
        assert!(output.contains(words), "{words:?} is missing in\n{output}");
    }
    let manifest = fs::read_to_string(repository.path("backend-sakura/Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"backend-sakura\""), "{manifest}");
    assert!(
        fs::read_to_string(repository.path("backend-sakura/Cargo.lock"))
            .unwrap()
            .contains("\"backend-sakura\"")
    );
}

#[test]
fn new_in_japanese_prints_titles_in_japanese() {
    let repository = Repository::new();
    let output = repository.run(&["new", "sakura", "--lang", "ja"]).succeeds();
    assert!(output.contains("テキストログを"), "{output}");
    let source = fs::read_to_string(repository.path("backend-sakura/src/telemetry.rs")).unwrap();
    assert!(source.contains("// TODO first-span: テレメトリーの宛先を"), "{source}");
}

#[test]
fn commands_print_in_the_language_of_the_backend_or_of_the_option() {
    let repository = Repository::new();
    let output = repository.run(&["new", "sakura", "--lang", "ja"]).succeeds();
    assert!(output.contains("backend-sakura を、ステップ 0 run を終えた状態で作成しました。"), "{output}");
    let output = repository.run(&["goto", "sakura", "first-span"]).succeeds();
    assert!(output.contains("それまでのファイルは .workshop/sakura/1 に残してあります。"), "{output}");
    let output = repository.run(&["diff", "--at", "2", "--lang", "en"]).succeeds();
    assert!(output.contains("does not differ from the state after step 2 first-span"), "{output}");
    repository.run(&["goto", "first-spam"]).refuses_with("'first-span' の間違いではありませんか。");
    repository.run(&["--lang", "ja", "new", "Sakura"]).refuses_with("NAME の値 'Sakura' が正しくありません");
    let output = repository.run(&["doctor"]).stdout;
    assert!(output.contains("C コンパイラー"), "{output}");
}

#[test]
fn new_refuses_invalid_names_with_the_rule() {
    let repository = Repository::new();
    let before = repository.files();
    for (name, words) in [
        ("Sakura", "2 to 15 lower-case letters"),
        ("s", "2 to 15 lower-case letters"),
        ("1sakura", "starting with a letter"),
        ("sakura-", "not ending with a dash"),
        ("sa--kura", "single dashes"),
        ("sakura_x", "2 to 15 lower-case letters"),
        ("a-name-of-sixteen", "2 to 15 lower-case letters"),
        ("base", "reserved for the workshop"),
        ("canary", "reserved for the workshop"),
        ("metrics", "the id of a step"),
    ] {
        repository.run(&["new", name]).refuses_with(words);
    }
    assert_eq!(repository.files(), before, "a refused name leaves nothing behind");
}

#[test]
fn new_refuses_an_existing_folder_and_does_not_change_it() {
    let repository = Repository::new();
    fs::create_dir(repository.path("backend-sakura")).unwrap();
    fs::write(repository.path("backend-sakura/mine"), "work").unwrap();
    repository.run(&["new", "sakura"]).refuses_with("backend-sakura already exists");
    assert_eq!(fs::read_to_string(repository.path("backend-sakura/mine")).unwrap(), "work");
}

#[test]
fn new_refuses_a_name_that_is_a_package_the_service_depends_on() {
    let repository = Repository::new();
    let lock = repository.path("Cargo.lock");
    let text =
        fs::read_to_string(&lock).unwrap() + "\n[[package]]\nname = \"backend-trace\"\nversion = \"0.3.0\"\n";
    fs::write(&lock, text).unwrap();
    repository.run(&["new", "trace"]).refuses_with("the service depends on a package backend-trace");
}

#[test]
fn new_refuses_a_step_that_does_not_exist() {
    let repository = Repository::new();
    repository
        .run(&["new", "sakura", "--at", "spans"])
        .refuses_with("invalid value 'spans' for STEP: expected a step: 0 run, ");
}

#[test]
fn new_writes_all_or_nothing() {
    let repository = Repository::new();
    fs::write(repository.path("src/zz.rs"), "// ANCHOR: metrics\nfn open() {}\n").unwrap();
    repository.run(&["new", "sakura"]).refuses_with("src/zz.rs:2: the region 'metrics' is not closed");
    assert!(!repository.path("backend-sakura").exists());
}

#[test]
fn goto_keeps_the_work_and_prints_the_folder() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    fs::write(repository.path("backend-sakura/src/handson.rs"), "// my work\n").unwrap();
    let output = repository.run(&["goto", "sakura", "first-span"]).succeeds();
    assert!(output.contains("kept in .workshop/sakura/1"), "{output}");
    let kept = fs::read_to_string(repository.path(".workshop/sakura/1/src/handson.rs")).unwrap();
    assert_eq!(kept, "// my work\n");
    let provider =
        |file: &str| fs::read_to_string(repository.path(file)).unwrap().contains("SdkTracerProvider");
    assert!(provider("backend-sakura/src/telemetry/traces.rs"));
    // Inside the folder, the name may be left out. The kept work stays where it is.
    let output = repository.run_in("backend-sakura", &["goto", "0"]).succeeds();
    assert!(output.contains("kept in ../.workshop/sakura/2"), "as one would type it there: {output}");
    assert!(provider(".workshop/sakura/2/src/telemetry/traces.rs"));
}

#[test]
fn goto_does_not_replace_the_folder_that_a_shell_is_in() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    let folder = fs::File::open(repository.path("backend-sakura")).unwrap();
    repository.run_in("backend-sakura", &["goto", "2"]).succeeds();
    let inode = |metadata: fs::Metadata| std::os::unix::fs::MetadataExt::ino(&metadata);
    let now = fs::metadata(repository.path("backend-sakura")).unwrap();
    assert_eq!(inode(folder.metadata().unwrap()), inode(now), "the folder is another one");
    assert!(
        fs::read_dir(repository.path(".workshop"))
            .unwrap()
            .flatten()
            .all(|entry| ["sakura", "alias.toml"].contains(&entry.file_name().to_str().unwrap()))
    );
}

#[test]
fn remove_moves_a_backend_to_the_backups() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    repository.run(&["remove", "sakura"]).succeeds();
    assert!(!repository.path("backend-sakura").exists());
    assert!(repository.path(".workshop/sakura/1/Cargo.toml").exists());
    repository.run(&["remove", "sakura"]).refuses_with("invalid value 'sakura' for NAME");
    repository.run(&["remove", "base"]).refuses_with("belongs to the workshop");
}

#[test]
fn answer_shows_what_a_step_adds_and_removes() {
    let repository = Repository::new();
    let output = repository.run(&["answer", "5"]).succeeds();
    assert!(output.contains("+type Pool = instrumentation::database::Pool<sqlx::Sqlite>;"), "{output}");
    assert!(output.contains("-    // TODO db-spans: wrap the pool."), "{output}");
    assert!(!output.contains('\u{1b}'), "no colours in a pipe: {output}");
}

#[test]
fn a_file_of_a_step_names_the_backend_from_that_step_on() {
    let repository = Repository::new();
    let output = repository.run(&["answer", "alert"]).succeeds();
    assert!(output.contains("+service = \"handson-NAME\""), "{output}");
    repository.run(&["new", "sakura", "--at", "metrics"]).succeeds();
    assert!(!repository.path("backend-sakura/monitor.toml").exists());
    repository.run(&["goto", "sakura", "alert"]).succeeds();
    let monitor = fs::read_to_string(repository.path("backend-sakura/monitor.toml")).unwrap();
    assert!(monitor.contains("service = \"handson-sakura\""), "{monitor}");
    assert!(
        repository
            .run(&["diff", "sakura", "--at", "alert"])
            .succeeds()
            .contains("does not differ from the state after step 9 alert")
    );
}

#[test]
fn diff_shows_what_was_changed_by_hand() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    let output = repository.run(&["diff"]).succeeds();
    assert!(output.contains("backend-sakura does not differ from the state after step 0 run"), "{output}");
    let file = repository.path("backend-sakura/src/handson.rs");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("Hello, {}", "Hi, {}")).unwrap();
    let output = repository.run(&["diff", "sakura"]).succeeds();
    assert!(output.contains("src/handson.rs (changed)") && output.contains("Hi, {}"), "{output}");
}

#[test]
fn a_command_that_cannot_determine_its_backend_lists_all() {
    let repository = Repository::new();
    repository.run(&["check"]).refuses_with("there is no backend yet; `cargo workshop new NAME` creates one");
    repository.run(&["new", "sakura"]).succeeds();
    repository.run(&["new", "momiji"]).succeeds();
    repository.run(&["check"]).refuses_with("backends: momiji, sakura");
    repository
        .run(&["check", "ume"])
        .refuses_with("invalid value 'ume' for NAME: expected a backend or a step");
    repository.run(&["check", "sakura", "spans"]).refuses_with("invalid value 'spans' for STEP");
}

#[test]
fn a_broken_manifest_is_reported_by_cargo_and_gives_no_verdict() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    fs::write(repository.path("backend-sakura/Cargo.toml"), "[package\n").unwrap();
    let ran = repository.run(&["check", "sakura"]);
    assert!(
        ran.stderr.contains("unclosed table") || ran.stderr.contains("invalid table header"),
        "{}",
        ran.stderr
    );
    ran.refuses_with("cannot check backend-sakura");
}

#[test]
fn an_interrupted_check_leaves_no_process_behind() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    let folder = repository.path("backend-sakura");
    // A service that never listens, and writes its process id to a file.
    fs::remove_dir_all(folder.join("src")).unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    let service = r#"fn main() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/pid"), format!("{}\n", std::process::id())).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(600));
    }"#;
    fs::write(folder.join("src/main.rs"), service).unwrap();
    let manifest = "[package]\nname = \"backend-sakura\"\nversion = \"0.1.0\"\nedition = \"2024\"\nbuild = false\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::remove_file(folder.join("Cargo.lock")).unwrap();

    let mut check = Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(["check", "sakura"])
        .current_dir(repository.path(""))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let pid = loop {
        match fs::read_to_string(folder.join("pid")) {
            Ok(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
            _ => assert!(check.try_wait().unwrap().is_none(), "the check has ended"),
        }
        std::thread::yield_now();
    };
    let interrupted = Command::new("kill").args(["-INT", &check.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    Ran::from_output(&check.wait_with_output().unwrap()).refuses_with("interrupted. Nothing is left behind.");
    let alive = || Command::new("kill").args(["-0", &pid]).output().unwrap().status.success();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while alive() && !is_zombie(&pid) {
        assert!(std::time::Instant::now() < deadline, "process {pid} still runs");
        std::thread::yield_now();
    }
}

/// The process has ended, but its parent has not waited for it yet.
fn is_zombie(pid: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().starts_with('Z')
}

#[test]
fn outside_a_repository_the_commands_report_an_error() {
    let elsewhere = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(["new", "sakura"])
        .current_dir(elsewhere.path())
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .unwrap();
    Ran::from_output(&output).refuses_with("expected workshop/steps.toml here or in a parent folder");
}

#[test]
fn doctor_names_the_process_that_uses_a_port() {
    // If another test already uses port 4000, the doctor names that process.
    let held = std::net::TcpListener::bind("127.0.0.1:4000");
    let repository = Repository::new();
    let output = repository.run(&["doctor"]).stdout;
    let line = output.lines().find(|line| line.contains("port 4000")).unwrap();
    assert!(line.contains("is taken"), "{output}");
    if cfg!(target_os = "linux") && held.is_ok() {
        assert!(line.contains(&format!("(process {})", std::process::id())), "{line}");
    }
}

#[test]
fn up_reports_in_one_line_what_it_cannot_start() {
    let repository = Repository::new();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    let refused = |arguments: &[&str], message: &str| {
        let ran = repository.run(&[&["up"], arguments].concat());
        assert!(ran.stderr.lines().count() == 1, "{}", ran.stderr);
        ran.refuses_with(message);
    };
    refused(&["nobody"], "invalid value 'nobody' for NAME");
    refused(&["--port", &port], &format!("port {port}, for the service, is taken"));
    let free = ["--port", "0", "--httpbin-port", "0"];
    let console = [&free[..], &["--console-port", "0", "--otlp-port", &port]].concat();
    refused(&console, &format!("port {port}, for OTLP over HTTP, is taken"));
    repository.run(&["up", "--error-rate", "2"]).refuses_with("expected a number from 0 to 1");
}

#[test]
fn a_game_day_refuses_what_it_decides_itself_and_says_what_is_allowed() {
    let repository = Repository::new();
    for (arguments, message) in [
        (&["--fault", "lock"][..], "possible values: random, slow-query, slow-upstream, pool"),
        (&["--fault", "pool", "--error-rate", "0.5"], "cannot be used with '--error-rate <R>'"),
        (&["--fault", "pool", "--fault-after", "9s..3s"], "or a range such as 30s..90s"),
        (&["--seed", "1"], "--fault <NAME>"),
        (&["--fault", "pool", "--env", "DATABASE_URL=x"], "with --fault, `up` sets DATABASE_URL itself"),
    ] {
        repository.run(&[&["up"], arguments].concat()).refuses_with(message);
    }
}

#[test]
fn an_answer_is_refused_without_a_game_day_and_with_a_time_that_is_none() {
    let repository = Repository::new();
    let answer = |since: &str, console: &str| {
        let place = ["--what", "pool", "--where", "httpbin"];
        repository.run(&[&["gameday"][..], &place, &["--since", since, "--console", console]].concat())
    };
    answer("noon", "http://127.0.0.1:9").refuses_with("expected a time such as 10:42:10");
    answer("10:42:10", "http://127.0.0.1:9").refuses_with("no console answers at http://127.0.0.1:9");
}

#[test]
fn up_reports_in_one_line_that_a_backend_does_not_build() {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    let manifest = repository.path("backend-sakura/Cargo.toml");
    fs::write(&manifest, "no manifest").unwrap();
    let ports = [
        "--port",
        "0",
        "--httpbin-port",
        "0",
        "--console-port",
        "0",
        "--otlp-port",
        "0",
        "--otlp-grpc-port",
        "0",
    ];
    let ran = repository.run(&[&["up", "sakura"], &ports[..]].concat());
    let last = ran.stderr.lines().last().unwrap().to_owned();
    assert!(last.contains("cannot start backend-sakura: cargo build failed"), "{}", ran.stderr);
    ran.refuses_with("cannot start");
}

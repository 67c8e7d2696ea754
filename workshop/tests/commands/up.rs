//! `up` with programs that compile in a second: what it starts, replaces and leaves running.

mod lines;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::Repository;

/// Time for a build and a start.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A service that takes a moment to listen, and records its starts and its environment.
const SERVICE: &str = r#"
use std::io::{Read, Write};
fn main() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let arguments: Vec<String> = std::env::args().collect();
    let port = if arguments.len() > 1 { arguments[3].clone() } else {
        let environment: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
        let mut starts = std::fs::OpenOptions::new().create(true).append(true).open(format!("{folder}/starts")).unwrap();
        writeln!(starts, "{}", environment.join("\t")).unwrap();
        if std::env::var("REFUSE").is_ok() {
            eprintln!("invalid value for REFUSE");
            std::process::exit(2);
        }
        std::env::var("PORT").unwrap()
    };
    println!("version 0");
    std::thread::sleep(std::time::Duration::from_millis(300));
    for stream in std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap().incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
}
"#;

/// A load generator that records each request, and each failed one.
const LOADTEST: &str = r#"
use std::io::{Read, Write};
fn main() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let url = std::env::args().last().unwrap();
    let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    loop {
        let answered = std::net::TcpStream::connect(&address).is_ok_and(|mut stream| {
            stream.write_all(b"GET /handson HTTP/1.1\r\nhost: localhost\r\n\r\n").is_ok()
                && stream.read(&mut [0; 16]).is_ok_and(|bytes| bytes > 0)
        });
        let name = if answered { "answered" } else { "failed" };
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(format!("{folder}/{name}")).unwrap();
        writeln!(file, "{address}").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
"#;

fn manifest(name: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nbuild = false\n[workspace]\n"
    )
}

/// A repository with the backend `sakura`, a finished service and a load generator, each with a few lines of
/// code.
fn repository() -> Repository {
    let repository = Repository::new();
    repository.run(&["new", "sakura"]).succeeds();
    let write = |file: &str, text: &str| {
        let path = repository.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    fs::remove_dir_all(repository.path("backend-sakura/src")).unwrap();
    fs::remove_file(repository.path("backend-sakura/Cargo.lock")).unwrap();
    write("backend-sakura/src/main.rs", SERVICE);
    write("backend-sakura/Cargo.toml", &manifest("backend-sakura"));
    fs::remove_file(repository.path("Cargo.lock")).unwrap();
    write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"handson\", \"loadtest\", \"workshop\"]\n",
    );
    write("handson/Cargo.toml", &manifest("handson").replace("[workspace]\n", ""));
    write("handson/src/main.rs", SERVICE);
    write("loadtest/Cargo.toml", &manifest("loadtest").replace("[workspace]\n", ""));
    write("loadtest/src/main.rs", LOADTEST);
    // The workshop is running, so it must not be built.
    write("workshop/Cargo.toml", &manifest("workshop").replace("[workspace]\n", ""));
    write("workshop/src/main.rs", "compile_error!(\"the workshop is built\");");
    repository
}

/// A running `up`. It gets SIGINT when this value is dropped.
struct Up<'a> {
    repository: &'a Repository,
    process: Child,
    lines: Receiver<String>,
    console: String,
}

impl<'a> Up<'a> {
    fn start(repository: &'a Repository, arguments: &[&str]) -> Self {
        Self::start_service(repository, &["sakura"], arguments)
    }

    /// Starts it with this program as the backend.
    fn start_with(repository: &'a Repository, program: &str, arguments: &[&str]) -> Self {
        fs::write(repository.path("backend-sakura/src/main.rs"), program).unwrap();
        Self::start(repository, arguments)
    }

    /// Starts it with what `service` chooses.
    fn start_service(repository: &'a Repository, service: &[&str], arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_workshop"))
            .args(["up", "--port", "0", "--httpbin-port", "0"])
            .args(service)
            .args(["--console-port", "0", "--otlp-port", "0", "--otlp-grpc-port", "0"])
            .args(arguments)
            .current_dir(repository.path(""))
            .env_remove("CARGO_MANIFEST_DIR")
            // Each test builds its own backend-sakura.
            .env_remove("CARGO_TARGET_DIR")
            // Variables that a shell may have for other programs.
            .env("HTTP_PROXY", "http://127.0.0.1:9")
            .env("ALL_PROXY", "http://127.0.0.1:9")
            .env("ENV", "somewhere-else")
            .env("DATABASE_URL", "postgres://somewhere-else")
            .env("OTEL_SDK_DISABLED", "true")
            .env("OTEL_TRACES_EXPORTER", "console")
            .env("OTEL_SERVICE_NAME", "somebody-else")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let outputs: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(process.stdout.take().unwrap()), Box::new(process.stderr.take().unwrap())];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                // The test may not read any more lines.
                BufReader::new(output).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
            });
        }
        let mut up = Self { repository, process, lines, console: String::new() };
        up.console = up.line("  open ").split_whitespace().last().unwrap().to_owned();
        up
    }

    /// Waits for a line that contains `text`.
    #[track_caller]
    fn line(&self, text: &str) -> String {
        let (started, mut seen) = (Instant::now(), String::new());
        loop {
            let line = self.lines.recv_timeout(TIMEOUT.saturating_sub(started.elapsed()));
            let line = line.unwrap_or_else(|_| panic!("no line with {text:?} came, but\n{seen}"));
            if line.contains(text) {
                return line;
            }
            seen.push_str(&line);
            seen.push('\n');
        }
    }

    /// The lines that a program has written to a file.
    fn recorded(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.repository.path(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn starts(&self) -> Vec<String> {
        self.recorded("backend-sakura/starts")
    }

    /// A page of the console as JSON, as soon as `is_right`.
    #[track_caller]
    fn page(&self, path: &str, is_right: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let started = Instant::now();
        loop {
            let url = format!("{}{path}", self.console);
            let curl = ["-s", "--noproxy", "*", "-H", "accept: application/json", &url];
            let output = Command::new("curl").args(curl).output().unwrap();
            let page = serde_json::from_slice(&output.stdout).unwrap_or_default();
            if is_right(&page) {
                return page;
            }
            assert!(started.elapsed() < TIMEOUT, "{path} never became what was expected: {page:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A page of the console.
    fn html(&self, path: &str) -> String {
        let url = format!("{}{path}", self.console);
        let output = Command::new("curl").args(["-s", "--noproxy", "*", &url]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < TIMEOUT, "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn save(&self, text: &str) {
        fs::write(self.repository.path("backend-sakura/src/main.rs"), text).unwrap();
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

/// The state of the program `name` in the JSON of the overview.
fn state<'a>(page: &'a serde_json::Value, name: &str) -> &'a str {
    let processes = page["processes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let process = processes.iter().find(|process| process["name"] == name);
    process.and_then(|process| process["state"].as_str()).unwrap_or_default()
}

#[test]
fn up_defines_the_environment_of_its_programs() {
    let repository = repository();
    let up = Up::start(&repository, &["--rate", "0", "--env", "LOG_LEVEL=debug"]);
    up.wait_until("the service starts", || !up.starts().is_empty());
    let starts = up.starts();
    let names: Vec<&str> = starts[0].split('\t').filter_map(|variable| variable.split('=').next()).collect();
    for name in &names {
        let is_ours = name.starts_with("OTEL_EXPORTER_OTLP_")
            || name.starts_with("OTEL_B")
            || ["HOST", "PORT", "HTTPBIN_URL", "LOG_LEVEL", "OTEL_METRIC_EXPORT_INTERVAL"].contains(name);
        assert!(is_ours, "{name} is of the shell: {names:?}");
    }
    assert!(names.contains(&"LOG_LEVEL"), "{names:?}");
}

#[test]
fn a_program_that_rejects_its_options_is_not_restarted() {
    let repository = repository();
    let up = Up::start(&repository, &["--rate", "0", "--env", "REFUSE=1"]);
    let message = up.line("rejected its options");
    assert!(message.contains("backend-sakura rejected its options (exit status 2)"), "{message}");
    up.line("invalid value for REFUSE");
    up.page("/", |page| state(page, "backend-sakura").contains("not restarted before the next build"));
    // A restart would happen one second after the failure.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(up.starts().len(), 1);
    up.save(&SERVICE.replace("\"REFUSE\"", "\"REFUSE_NO_MORE\""));
    up.page("/", |page| state(page, "backend-sakura") == "runs");
}

#[test]
fn no_request_is_sent_to_a_service_that_is_starting() {
    let repository = repository();
    let up = Up::start(&repository, &[]);
    let answered = || up.recorded("loadtest/answered").len();
    up.wait_until("requests are answered", || answered() > 20);
    for round in 1..=3 {
        up.save(&SERVICE.replace("version 0", &format!("version {round}")));
        up.line("backend-sakura is restarting");
        let before = answered();
        up.wait_until("requests are answered again", || answered() > before + 20);
        assert_eq!(up.starts().len(), 1 + round);
    }
    assert_eq!(
        up.recorded("loadtest/failed"),
        Vec::<String>::new(),
        "requests to a service that is not ready"
    );
}

#[test]
fn a_save_that_changes_nothing_in_the_program_restarts_nothing() {
    let repository = repository();
    let up = Up::start(&repository, &["--rate", "0"]);
    up.page("/", |page| state(page, "backend-sakura") == "runs");
    fs::write(repository.path("backend-sakura/monitor.toml"), "service = \"handson-sakura\"\n").unwrap();
    up.line("backend-sakura: the program has not changed");
    assert_eq!(up.starts().len(), 1);
}

#[test]
fn a_failed_build_is_shown_on_the_page_of_steps_with_the_compilers_first_error() {
    let repository = repository();
    let up = Up::start(&repository, &["--rate", "0"]);
    up.page("/", |page| state(page, "backend-sakura") == "runs");
    up.save("fn main() { nonsense(); more_nonsense(); }");
    let page = up.page("/steps", |page| page["build_error"].is_string());
    let error = page["build_error"].as_str().unwrap();
    assert!(
        error.contains("cannot find function `nonsense`") && !error.contains("more_nonsense`"),
        "{error}"
    );
    let overview = up.page("/", |_| true);
    assert!(state(&overview, "build of backend-sakura").contains("has failed"), "{overview:#}");
    up.save(SERVICE);
    up.page("/steps", |page| page["build_error"].is_null());
    up.page("/", |page| state(page, "backend-sakura") == "runs");
    assert_eq!(up.starts().len(), 1, "the program that was built before went on, and is the same as now");
}

#[test]
fn a_command_is_the_service_and_is_restarted_at_every_save() {
    let repository = repository();
    fs::create_dir(repository.path("elsewhere")).unwrap();
    let monitor = fs::read_to_string(repository.path("monitor.toml")).unwrap();
    let monitor = monitor.replace("\"handson\"", "\"handson-elsewhere\"");
    fs::write(repository.path("elsewhere/monitor.toml"), monitor).unwrap();

    // The finished service is the local httpbin, and here also the program of the command. Its wrapper ends
    // before it: the port would not be free for the next one.
    let command = "sh -c '../target/debug/handson; true'";
    let up = Up::start_service(&repository, &["--command", command, "--dir", "elsewhere"], &["--rate", "0"]);
    let starts = || up.recorded("handson/starts");
    let page = up.page("/", |page| state(page, command) == "runs");
    assert_eq!(state(&page, "build of handson"), "has succeeded");
    let environment = starts()[0].clone();
    for variable in ["PATH=", "PORT=", "HTTPBIN_URL=", "OTEL_SERVICE_NAME=handson-elsewhere\t"] {
        assert!(environment.contains(variable), "{variable} is missing: {environment}");
    }
    for value in ["somewhere-else", "somebody-else", "OTEL_SDK_DISABLED"] {
        assert!(!environment.contains(value), "{value} is of the shell: {environment}");
    }
    let page = up.page("/steps", |page| page["backend"].is_string());
    assert_eq!(page["backend"], command);

    fs::write(repository.path("elsewhere/main.py"), "changed").unwrap();
    up.line("is restarting");
    up.wait_until("the command starts again", || starts().len() == 2);
    up.page("/", |page| state(page, command) == "runs");
}

#[test]
fn a_renamed_folder_is_reported_and_watched_again_when_it_is_back() {
    let repository = repository();
    let up = Up::start(&repository, &["--rate", "0"]);
    up.page("/", |page| state(page, "backend-sakura") == "runs");
    let (here, away) = (repository.path("backend-sakura"), repository.path("elsewhere"));
    fs::rename(&here, &away).unwrap();
    up.line("backend-sakura does not exist");
    fs::rename(&away, &here).unwrap();
    up.page("/steps", |page| page["build_error"].is_null());
    let before = up.starts().len();
    up.save(&SERVICE.replace("version 0", "version 1"));
    up.line("backend-sakura is restarting");
    up.wait_until("the new program starts", || up.starts().len() > before);
}

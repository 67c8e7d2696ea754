//! Runs an example as a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A running example. It is killed if a test panics before [`Process::terminate`].
pub struct Process {
    child: Child,
    /// The address on which it listens: `http://127.0.0.1:41234`.
    pub url: String,
    lines: Option<JoinHandle<Vec<String>>>,
}

impl Process {
    /// Starts the example `name` as the service with that name, and waits until it listens.
    pub fn start(name: &str, endpoint: &str) -> Self {
        // `cargo test` puts the examples of the package next to the folder of its tests.
        let test = std::env::current_exe().expect("a test is a program");
        let program = test.parent().and_then(|deps| deps.parent()).expect("target/debug/deps");
        let program = program.join("examples").join(name);
        let mut child = Command::new(&program)
            // No variable of the shell that runs the test is passed on, such as a proxy.
            .env_clear()
            .envs([("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_SERVICE_NAME", name)])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start {}: {error}; `cargo build --examples` makes it", program.display())
            });
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, listening) = mpsc::channel();
        let lines = thread::spawn(move || {
            let lines = stdout.lines().map_while(Result::ok);
            lines
                .inspect(|line| {
                    if let Some((_, rest)) = line.split_once("listening on ") {
                        let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
                        let _ = sender.send(rest[..end].to_owned());
                    }
                })
                .collect()
        });
        let mut process = Self { child, url: String::new(), lines: Some(lines) };
        process.url = listening.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| {
            panic!("{name} does not say where it listens; its lines: {:#?}", process.terminate())
        });
        process
    }

    /// Stops it by SIGTERM, as a container would, and returns its lines.
    pub fn terminate(&mut self) -> Vec<String> {
        let pid = self.child.id().to_string();
        // This fails if the process has already ended; the status and the lines then show why.
        let _ = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        let status = self.child.wait().expect("it is a child");
        let lines = self.lines.take().map(|lines| lines.join().expect("reading does not panic"));
        let lines = lines.unwrap_or_default();
        assert!(status.success(), "{status}, expected 0; its lines: {lines:#?}");
        lines
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // This fails if the process has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

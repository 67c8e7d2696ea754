//! The program under test: the real binary, in an environment that only the test defines.

use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::client::{self, Answer};
use super::{TIMEOUT, until};
use otlp::Receiver;
use upstream::Upstream;

/// How to start the program. It takes a free port, and telemetry is off unless the test sets a destination.
#[derive(Debug, Clone)]
pub struct Setup {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Setup {
    /// `handson` without any arguments.
    pub fn new() -> Self {
        let setup = Self { arguments: Vec::new(), variables: Vec::new() };
        setup.with("PORT", "0").with("OTEL_SDK_DISABLED", "true")
    }

    /// `handson`, with telemetry to `collector`.
    pub fn exporting_to(collector: &Receiver) -> Self {
        Self::exporting_to_endpoint(collector.endpoint())
    }

    /// `handson`, with telemetry over OTLP/HTTP to this endpoint, which need not exist.
    pub fn exporting_to_endpoint(endpoint: &str) -> Self {
        Self::new().without("OTEL_SDK_DISABLED").with("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    }

    /// With these arguments.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// With this environment variable.
    pub fn with(self, name: &str, value: impl ToString) -> Self {
        let mut setup = self.without(name);
        setup.variables.push((name.to_owned(), value.to_string()));
        setup
    }

    /// Without this environment variable.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(given, _)| given != name);
        self
    }

    /// With this httpbin.
    pub fn calling(self, upstream: &Upstream) -> Self {
        self.with("HTTPBIN_URL", upstream.url(""))
    }

    /// Starts the program, and waits until it accepts connections.
    pub async fn start(self) -> Service {
        let mut service = self.spawn();
        let listens = |output: &Output| match output.port() {
            None if output.ended => Some(None),
            port => port.map(Some),
        };
        let port = until(&service.output, "the start-up line", listens).await;
        service.port = port.expect("it listens, and does not end before");
        service
    }

    /// Starts the program, which listens on `port` but does not log that.
    pub async fn start_on(self, port: u16) -> Service {
        let mut service = self.with("PORT", port).spawn();
        service.port = port;
        let deadline = Instant::now() + TIMEOUT;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(Instant::now() < deadline, "nobody listens on port {port}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        service
    }

    /// Runs the program until it ends by itself.
    pub async fn run(self) -> Ended {
        self.spawn().ended().await
    }

    fn spawn(self) -> Service {
        let mut child = Command::new(env!("CARGO_BIN_EXE_handson"))
            .args(&self.arguments)
            .env_clear()
            .envs(self.variables.clone())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = watch::Sender::new(Output::default());
        let out = read(child.stdout.take().unwrap(), output.clone(), Output::add_stdout);
        let err = read(child.stderr.take().unwrap(), output.clone(), Output::add_stderr);
        let end = output.clone();
        let reader = tokio::spawn(async move {
            tokio::join!(out, err);
            end.send_modify(|output| output.ended = true);
        });
        Service { setup: self, child, output, reader, port: 0, client: client::new() }
    }
}

/// The output of the program.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Lines on stdout, in order.
    pub stdout: Vec<String>,
    /// The lines that are JSON.
    pub lines: Vec<Value>,
    /// Lines on stderr.
    pub stderr: Vec<String>,
    ended: bool,
}

impl Output {
    fn add_stdout(&mut self, line: String) {
        self.lines.extend(serde_json::from_str::<Value>(&line).ok().filter(Value::is_object));
        self.stdout.push(line);
    }

    fn add_stderr(&mut self, line: String) {
        self.stderr.push(line);
    }

    /// The port in the start-up line, which is the same in both formats.
    fn port(&self) -> Option<u16> {
        let (_, rest) = self.stdout.iter().find_map(|l| l.split_once(" listens on http://127.0.0.1:"))?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    }

    /// The lines with this message.
    pub fn with_message(&self, message: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["message"] == message).collect()
    }

    /// The lines at this level.
    pub fn at_level(&self, level: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["level"] == level).collect()
    }
}

async fn read(stream: impl AsyncRead + Unpin, output: watch::Sender<Output>, add: fn(&mut Output, String)) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        output.send_modify(|output| add(output, line));
    }
}

/// The running program. It is killed when this value is dropped; in a failing test, it prints its output.
#[derive(Debug)]
pub struct Service {
    setup: Setup,
    child: Child,
    output: watch::Sender<Output>,
    reader: JoinHandle<()>,
    client: reqwest::Client,
    /// The port on which it listens.
    pub port: u16,
}

/// The program after its end, with its status and output.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub output: Output,
}

impl Service {
    /// `http://127.0.0.1:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        client::send(&self.client, &self.url(path)).await.unwrap()
    }

    /// `GET path` with additional headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.client.get(self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// The client, for other requests.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The output so far.
    pub fn output(&self) -> Output {
        self.output.borrow().clone()
    }

    /// Waits for a line of JSON on stdout.
    pub async fn until_line(&self, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let find = |output: &Output| output.lines.iter().find(|line| matches(line)).cloned();
        until(&self.output, what, find).await
    }

    /// Sends a signal: `TERM`, `INT`.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap();
        assert!(status.success(), "kill -{name} {pid}: {status}");
    }

    /// Waits until the program has ended and all output was read.
    pub async fn ended(mut self) -> Ended {
        let status = tokio::time::timeout(TIMEOUT, self.child.wait()).await;
        let status = status.expect("it ends").unwrap();
        (&mut self.reader).await.unwrap();
        Ended { status, output: self.output() }
    }

    /// Stops it as a container would, by SIGTERM. It must deliver what it recorded, and exit with status 0.
    pub async fn stop(self) -> Output {
        self.signal("TERM").await;
        let Ended { status, output } = self.ended().await;
        assert!(status.success(), "ended with {status}: {output:#?}");
        output
    }

    /// Resident memory in bytes, if the system reports it (Linux does).
    pub fn resident_memory(&self) -> Option<u64> {
        let file = format!("/proc/{}/status", self.child.id().expect("it runs"));
        let status = std::fs::read_to_string(file).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kibibytes * 1024)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Output { stdout, stderr, .. } = self.output();
            eprintln!("--- {:?} ---", self.setup);
            // Prints the beginning and the end of a long output.
            for (number, line) in stdout.iter().enumerate() {
                if number < 20 || number + 20 >= stdout.len() {
                    eprintln!("{line}");
                }
            }
            for line in stderr.iter().take(20) {
                eprintln!("{line}");
            }
        }
    }
}

//! The program under test: the real binary, in an environment that only the test defines.

mod ended;

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use ended::Ended;

use super::{TIMEOUT, until};
use upstream::Upstream;

/// How to start the program.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// Where the summary is exported.
    folder: Option<Arc<TempDir>>,
}

impl Setup {
    /// `loadtest` with these arguments.
    pub fn new(arguments: &str) -> Self {
        Self::default().and(arguments)
    }

    /// `loadtest` that calls `/handson` of `target` and does not wait for its health, with these arguments.
    pub fn against(target: &Upstream, arguments: &str) -> Self {
        let setup = Self::new(arguments).variable("LOADTEST_URL", target.url("/handson"));
        setup.variable("LOADTEST_WAIT_TIMEOUT", "0s")
    }

    /// With additional arguments, separated by spaces.
    pub fn and(mut self, arguments: &str) -> Self {
        self.arguments.extend(arguments.split_whitespace().map(str::to_owned));
        self
    }

    /// With this option, whose value may contain spaces.
    pub fn argument(mut self, option: &str, value: &str) -> Self {
        self.arguments.extend([option.to_owned(), value.to_owned()]);
        self
    }

    /// With this option, whose value may begin with a dash.
    pub fn value(mut self, option: &str, value: &str) -> Self {
        self.arguments.push(format!("{option}={value}"));
        self
    }

    /// With this environment variable; the last value of a name is used.
    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// With `--summary-export`; [`Ended::exported`] reads it.
    pub fn exporting(mut self) -> Self {
        self.folder = Some(Arc::new(TempDir::new().unwrap()));
        let file = self.export().unwrap();
        self.argument("--summary-export", file.to_str().unwrap())
    }

    fn export(&self) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.path().join("summary.json"))
    }

    /// Starts the program.
    pub fn start(self) -> Program {
        self.start_with(Stdio::piped())
    }

    /// Starts the program without reading its output.
    pub fn start_unread(self) -> Program {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        self.start_with(writer.into())
    }

    fn start_with(self, stdout: Stdio) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(&self.arguments)
            .env_clear()
            .envs(self.variables.clone())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = watch::Sender::new(Output::default());
        let out = child.stdout.take();
        let err = read(child.stderr.take().unwrap(), output.clone(), |output| &mut output.stderr);
        let to = output.clone();
        let reader = tokio::spawn(async move {
            let out = async {
                if let Some(out) = out {
                    read(out, to, |output| &mut output.stdout).await;
                }
            };
            tokio::join!(out, err);
        });
        Program { setup: self, child, output, reader }
    }

    /// Runs the program until it ends by itself.
    pub async fn run(self) -> Ended {
        self.start().ended().await
    }
}

/// The lines that the program wrote.
#[derive(Debug, Clone, Default)]
pub struct Output {
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
}

async fn read(
    stream: impl AsyncRead + Unpin,
    output: watch::Sender<Output>,
    lines_of: fn(&mut Output) -> &mut Vec<String>,
) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        output.send_modify(|output| lines_of(output).push(line));
    }
}

/// The running program. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Program {
    setup: Setup,
    child: Child,
    output: watch::Sender<Output>,
    reader: JoinHandle<()>,
}

impl Program {
    /// Waits for a message, a line on stderr.
    pub async fn until_message(&self, part: &str) {
        let find = |output: &Output| output.stderr.iter().any(|line| line.contains(part)).then_some(());
        until(&self.output, &format!("a message with: {part}"), find).await;
    }

    /// Sends a signal: `TERM`, `INT`, `STOP`.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap();
        assert!(status.success(), "kill -{name} {pid}: {status}");
    }

    /// Resident memory in KiB, if the system reports it (Linux does).
    pub fn resident_memory(&self) -> Option<u64> {
        let file = format!("/proc/{}/status", self.child.id().expect("it runs"));
        let status = std::fs::read_to_string(file).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Waits until the program has ended and all output was read. The timeout begins with this call.
    pub async fn ended(mut self) -> Ended {
        let status = tokio::time::timeout(TIMEOUT, self.child.wait()).await;
        let status = status.expect("it ends").unwrap();
        (&mut self.reader).await.unwrap();
        Ended { setup: self.setup.clone(), status, output: self.output.borrow().clone() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            print(&self.setup, &self.output.borrow());
        }
    }
}

fn print(setup: &Setup, output: &Output) {
    let variables = setup.variables.iter().map(|(name, value)| format!("{name}='{value}' "));
    let arguments = setup.arguments.iter().map(|argument| format!(" '{argument}'"));
    eprintln!("--- {}loadtest{} ---", variables.collect::<String>(), arguments.collect::<String>());
    for (name, lines) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        eprintln!("--- {name} ---");
        // Prints the beginning and the end of a long output.
        for (number, line) in lines.iter().enumerate() {
            if number < 20 || number + 60 >= lines.len() {
                eprintln!("{line}");
            }
        }
    }
}

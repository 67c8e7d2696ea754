//! A program that is kept running: it starts again when it ends, and tells of it.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::output::Output;
use crate::console::{Console, Process};

/// Time to end after SIGTERM: a service answers what it has accepted, and flushes its telemetry.
const END: Duration = Duration::from_secs(17);
/// From the first fall to the next start; it doubles at each further one.
const PAUSE: Duration = Duration::from_secs(1);
/// It does not get longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Who has run for so long has not fallen over at its start.
const STABLE: Duration = Duration::from_secs(20);

/// What is to be run.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) executable: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
    /// Where its output goes.
    pub(super) log: PathBuf,
}

/// How all of them fare, as the console shows it.
pub(super) struct Board {
    console: Arc<Console>,
    processes: Mutex<Vec<Process>>,
}

impl Board {
    pub(super) fn new(console: Arc<Console>) -> Arc<Self> {
        Arc::new(Self { console, processes: Mutex::default() })
    }

    pub(super) fn set(&self, name: &str, state: &str, good: bool) {
        let process = Process { name: name.to_owned(), state: state.to_owned(), good };
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        match processes.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = process,
            None => processes.push(process),
        }
        self.console.set_processes(processes.clone());
    }
}

/// A program that runs, or will again.
pub(super) struct Running {
    orders: mpsc::Sender<Order>,
    keeper: JoinHandle<()>,
}

enum Order {
    /// End, and go on with this program.
    Replace(PathBuf),
    /// End.
    Stop,
}

impl Running {
    /// Starts `program` in the process group.
    ///
    /// # Errors
    ///
    /// Where the log cannot be written. A program that does not start is tried again.
    pub(super) fn start(program: Program, group: Pid, board: Arc<Board>) -> std::io::Result<Self> {
        let (orders, received) = mpsc::channel(4);
        let output = Output::create(&program.log)?;
        let keeper = Keeper { program, group, board, output, orders: received, pause: PAUSE, fallen: None };
        Ok(Self { orders, keeper: tokio::spawn(keeper.run()) })
    }

    /// Ends it, and starts the program anew that was built.
    pub(super) async fn replace(&self, executable: PathBuf) {
        // It fails once the keeper has ended, and then there is nothing to replace.
        let _ = self.orders.send(Order::Replace(executable)).await;
    }

    /// Ends it by SIGTERM, and waits for it.
    pub(super) async fn stop(self) {
        let _ = self.orders.send(Order::Stop).await;
        let _ = self.keeper.await;
    }
}

struct Keeper {
    program: Program,
    group: Pid,
    board: Arc<Board>,
    output: Output,
    orders: mpsc::Receiver<Order>,
    pause: Duration,
    /// How often it has ended by itself, and how it did last.
    fallen: Option<(u32, String)>,
}

impl Keeper {
    async fn run(mut self) {
        loop {
            let started = Instant::now();
            let order = match self.spawn() {
                Ok(mut child) => {
                    tokio::select! {
                        status = child.wait() => {
                            if started.elapsed() > STABLE {
                                self.pause = PAUSE;
                            }
                            let told = status.map_or_else(|error| error.to_string(), in_words);
                            self.fell(&format!("ended with {told}"));
                            None
                        }
                        order = self.orders.recv() => {
                            end(&mut child).await;
                            Some(order)
                        }
                    }
                }
                Err(error) => {
                    self.fell(&format!("cannot be started: {error}"));
                    None
                }
            };
            let order = match order {
                Some(order) => order,
                None => match tokio::time::timeout(self.pause, self.orders.recv()).await {
                    Ok(order) => order,
                    Err(_) => {
                        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
                        continue;
                    }
                },
            };
            match order {
                Some(Order::Replace(executable)) => {
                    self.program.executable = executable;
                    (self.pause, self.fallen) = (PAUSE, None);
                    anstream::println!("{} is started anew", self.program.name);
                }
                Some(Order::Stop) | None => return,
            }
        }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let Program { executable, arguments, environment, name, .. } = &self.program;
        let mut command = Command::new(executable);
        // What a shell has for other programs: their telemetry would go elsewhere, or all have one name.
        for (name, _) in std::env::vars_os() {
            let of_others =
                |name: &str| name.starts_with("OTEL_EXPORTER_OTLP") || name == "OTEL_SERVICE_NAME";
            if name.to_str().is_some_and(of_others) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            // What `cargo run` sets for this program is not meant for another.
            .env_remove("CARGO_MANIFEST_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(self.group.as_raw_nonzero().get())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(stdout) = child.stdout.take() {
            self.output.follow(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            self.output.follow(stderr);
        }
        match &self.fallen {
            None => self.board.set(name, "runs", true),
            Some((1, how)) => self.board.set(name, &format!("runs again; it {how}"), false),
            Some((times, how)) => {
                self.board.set(name, &format!("runs again; it has fallen {times} times, and {how}"), false);
            }
        }
        Ok(child)
    }

    fn fell(&mut self, how: &str) {
        let Program { name, log, .. } = &self.program;
        let times = self.fallen.as_ref().map_or(0, |(times, _)| *times) + 1;
        let pause = self.pause.as_secs();
        self.board.set(name, &format!("{how}; it starts again in {pause} s"), false);
        let last: String = self.output.last().iter().map(|line| format!("\n    {line}")).collect();
        anstream::eprintln!("{name} {how}; it starts again in {pause} s. {} has more.{last}", log.display());
        self.fallen = Some((times, format!("{how} at {}", now_in_words())));
    }
}

/// Ends it by SIGTERM, and by force where that does not help.
async fn end(child: &mut Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(id) = id {
        // It may have ended by itself.
        let _ = kill_process(id, Signal::TERM);
    }
    if tokio::time::timeout(END, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

fn in_words(status: ExitStatus) -> String {
    status.code().map_or_else(|| "a signal".to_owned(), |code| format!("exit status {code}"))
}

/// RFC 3339, to the second.
fn now_in_words() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

//! Keeps a program running: restarts it if it ends, and replaces it after a build.

use std::convert::Infallible;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use tokio::sync::mpsc;

use super::gate::{Gate, Needs};
use super::output::Output;
use super::process::{self, Process};
use super::program::{Build, Program};
use super::status_board::StatusBoard;
use super::supervised::{Order, Started};
use crate::commands::print;
use crate::messages::Message;
use crate::steps::Lang;
use crate::text;

/// Time from the first failure to the next start; it doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest time from a failure to the next start.
const MAX_PAUSE: Duration = Duration::from_secs(15);
/// A program that has run this long did not fail at its start, so the pause begins at its minimum again.
const STABLE_AFTER: Duration = Duration::from_secs(20);
/// clap's exit status for options or variables that are not valid.
const REFUSES_OPTIONS: i32 = 2;

/// The task that owns the process.
pub(super) struct Supervisor {
    program: Program,
    needs: Needs,
    group: Pid,
    status: Status,
    output: Output,
    orders: mpsc::Receiver<Order>,
    started: Started,
    ready: Arc<Gate>,
    pause: Duration,
    /// How often the process has failed, and how it failed the last time.
    failures: Option<(u32, Message)>,
}

/// Where the state of the program is shown, and in which language.
pub(super) struct Status {
    pub(super) board: Arc<StatusBoard>,
    pub(super) lang: Lang,
}

impl Status {
    fn set(&self, name: &str, state: &Message, good: bool) {
        self.board.set(name, &state.in_lang(self.lang), good);
    }
}

/// Why a process is no longer running.
enum Ended {
    /// An order stopped it.
    Ordered(Order),
    /// A program that it needs is not ready.
    NeedNotReady,
    /// It failed, and may succeed the next time.
    Failed,
    /// It rejected its options, and would do so again.
    Refused,
    /// The handle that sends orders was dropped.
    Abandoned,
}

impl Supervisor {
    /// # Errors
    ///
    /// The log cannot be written.
    pub(super) fn new(
        program: Program,
        needs: Needs,
        group: Pid,
        status: Status,
        orders: mpsc::Receiver<Order>,
        started: Started,
        ready: Arc<Gate>,
    ) -> std::io::Result<Self> {
        let output = Output::create(&program.log)?;
        let pause = FIRST_PAUSE;
        Ok(Self { program, needs, group, status, output, orders, started, ready, pause, failures: None })
    }

    pub(super) async fn run(mut self) {
        loop {
            let ended = tokio::select! {
                order = self.orders.recv() => order.map_or(Ended::Abandoned, Ended::Ordered),
                () = self.needs.wait_until_ready() => self.run_once().await,
            };
            let order = match ended {
                Ended::Ordered(order) => Some(order),
                Ended::NeedNotReady => continue,
                Ended::Failed => match tokio::time::timeout(self.pause, self.orders.recv()).await {
                    Ok(order) => order,
                    Err(_) => {
                        self.pause = (2 * self.pause).min(MAX_PAUSE);
                        continue;
                    }
                },
                Ended::Refused => self.orders.recv().await,
                Ended::Abandoned => None,
            };
            let order = match order {
                Some(Order::Hold) => self.orders.recv().await,
                order => order,
            };
            match order {
                Some(Order::Replace(program)) => {
                    self.program.program = program;
                    (self.pause, self.failures) = (FIRST_PAUSE, None);
                    print(self.status.lang, &text!("{program} is restarting", program = &self.program.name));
                }
                // It is already held.
                Some(Order::Hold) => {}
                Some(Order::Stop) | None => return,
            }
        }
    }

    /// Runs the process until it ends.
    async fn run_once(&mut self) -> Ended {
        let start = Instant::now();
        // Taken before the start, so that the program it needs waits for its end in any case.
        let pass = self.needs.only_while.as_ref().map(Gate::enter);
        let mut process = match Process::start(&self.program, self.group, &self.output) {
            Ok(process) => process,
            Err(error) => return self.failed(text!("cannot be started: {error}", error = error.to_string())),
        };
        self.started.set(Build::open(&self.program.program));
        let ended = tokio::select! {
            status = process.wait() => {
                if start.elapsed() > STABLE_AFTER {
                    self.pause = FIRST_PAUSE;
                }
                self.ready.shut();
                self.output.wait_until_read().await;
                self.ended(status)
            }
            order = self.orders.recv() => {
                self.ready.close().await;
                process.end().await;
                order.map_or(Ended::Abandoned, Ended::Ordered)
            }
            () = self.needs.wait_until_gone() => {
                process.end().await;
                self.status.set(&self.program.name, &text!("waits for the service"), true);
                Ended::NeedNotReady
            }
            never = becomes_ready(&self.program, &self.status, &self.ready, self.failures.as_ref()) => match never {},
        };
        drop(pass);
        ended
    }

    fn ended(&mut self, status: std::io::Result<ExitStatus>) -> Ended {
        match status {
            // Programs in other languages may use this status for other reasons.
            Ok(status) if status.code() == Some(REFUSES_OPTIONS) && !self.program.program.is_command() => {
                let refused =
                    text!("rejected its options (exit status 2), and is not restarted before the next build");
                self.status.set(&self.program.name, &refused, false);
                self.report(&refused);
                Ended::Refused
            }
            Ok(status) => self.failed(text!("ended with {status}", status = process::describe(status))),
            Err(error) => self.failed(text!("ended: {error}", error = error.to_string())),
        }
    }

    fn failed(&mut self, how: Message) -> Ended {
        let times = self.failures.as_ref().map_or(0, |(times, _)| *times) + 1;
        let state = text!("{how}; restarting in {seconds} s", how = &how, seconds = self.pause.as_secs());
        self.status.set(&self.program.name, &state, false);
        self.report(&state);
        self.failures = Some((times, text!("{how} at {time}", how, time = process::timestamp())));
        Ended::Failed
    }

    /// Prints the new state of the program, and the last lines of its output.
    fn report(&self, state: &Message) {
        let Program { name, log, .. } = &self.program;
        let last: String = self.output.last().iter().map(|line| format!("\n    {line}")).collect();
        let message = text!(
            "{name} {state}. Its full output is in {log}{last}",
            name,
            state,
            log = log.display().to_string(),
            last
        );
        anstream::eprintln!("{}", message.in_lang(self.status.lang));
    }
}

/// Opens the gate when the program listens, and updates the status board.
async fn becomes_ready(
    program: &Program,
    status: &Status,
    ready: &Gate,
    failures: Option<&(u32, Message)>,
) -> Infallible {
    let name = &program.name;
    if let Some(port) = program.port {
        match failures {
            None => status.set(name, &text!("is starting"), true),
            Some((_, how)) => status.set(name, &text!("is restarting; it {how}", how), false),
        }
        if tokio::time::timeout(program.program.start_timeout(), process::wait_until_listening(port))
            .await
            .is_err()
        {
            status.set(name, &text!("runs, but does not listen on port {port}", port), false);
            process::wait_until_listening(port).await;
        }
    }
    match failures {
        None => status.set(name, &text!("runs"), true),
        Some((1, how)) => status.set(name, &text!("runs again; it {how}", how), false),
        Some((times, how)) => {
            let times = *times;
            status.set(
                name,
                &text!("runs again after {times} failures; the last time, it {how}", times, how),
                false,
            );
        }
    }
    ready.open();
    std::future::pending().await
}

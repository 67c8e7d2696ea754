//! A process: waits until it listens, stops it, and describes its exit status.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use super::group::Group;
use super::output::Output;
use super::program::Program;
use crate::messages::Message;
use crate::run;
use crate::text;

/// Time to end after SIGTERM: a service finishes running requests, and flushes its telemetry.
const STOP_TIMEOUT: Duration = Duration::from_secs(17);
/// Time between two attempts to connect to a program that starts.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// A running process.
pub(super) struct Process {
    child: Child,
    /// The group of a command: it is often a wrapper that does not pass signals on to the program that
    /// listens. Dropping the group kills its remaining processes.
    own_group: Option<Group>,
    port: Option<u16>,
}

impl Process {
    /// Starts `program`, in the process group `group` unless it is a command.
    pub(super) fn start(program: &Program, group: Pid, output: &Output) -> io::Result<Self> {
        let own_group = program.program.is_command().then(Group::start).transpose()?;
        let group = own_group.as_ref().map_or(group, Group::id);
        Ok(Self { child: program.spawn(group, output)?, own_group, port: program.port })
    }

    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Stops it by SIGTERM, and by SIGKILL if it does not end in time.
    pub(super) async fn end(&mut self) {
        if tokio::time::timeout(STOP_TIMEOUT, self.stop()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }

    async fn stop(&mut self) -> io::Result<ExitStatus> {
        if let (Some(group), Some(port)) = (&self.own_group, self.port) {
            return run::stop_command(&mut self.child, group.id(), port).await;
        }
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // It may already have ended.
            let _ = kill_process(id, Signal::TERM);
        }
        self.child.wait().await
    }
}

/// Waits until a connection to `port` is accepted.
pub(super) async fn wait_until_listening(port: u16) {
    while !run::is_open(port).await {
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
}

pub(super) fn describe(status: ExitStatus) -> Message {
    match status.code() {
        Some(code) => text!("exit status {code}", code),
        None => text!("a signal"),
    }
}

/// RFC 3339, to the second.
pub(super) fn timestamp() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

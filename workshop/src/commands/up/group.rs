//! All started processes form one process group, and end together, even if this program is killed.

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, getpgrp, kill_process_group};
use tokio::runtime::Runtime;

/// Time to end after SIGTERM if this program was killed.
const TERM_TIMEOUT: Duration = Duration::from_secs(1);

/// A process group. Its first process, the guard, reads from a pipe whose other end only this program holds:
/// at the end of the pipe, it stops the group.
pub(super) struct Group {
    guard: Child,
    id: Pid,
}

impl Group {
    pub(super) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("guard").stdin(Stdio::piped()).stdout(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let guard = command.spawn()?;
        let id = i32::try_from(guard.id()).ok().and_then(Pid::from_raw);
        Ok(Self { guard, id: id.ok_or_else(|| io::Error::other("a process without an id"))? })
    }

    /// The id of the group, which a new process joins.
    pub(super) fn id(&self) -> Pid {
        self.id
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Kills all remaining processes, including the guard.
        let _ = kill_process_group(self.id, Signal::KILL);
        let _ = self.guard.wait();
    }
}

/// Waits until the other end of standard input is closed, then stops its process group, itself included.
pub(in crate::commands) fn guard() -> Result<u8> {
    let runtime = Runtime::new().context("cannot start threads")?;
    // SIGTERM to the group must not end the guard first.
    let handlers = runtime.spawn(async {
        loop {
            let _ = shutdown::interrupted().await;
        }
    });
    let mut rest = Vec::new();
    let _ = io::stdin().read_to_end(&mut rest);
    let _ = kill_process_group(getpgrp(), Signal::TERM);
    std::thread::sleep(TERM_TIMEOUT);
    handlers.abort();
    let _ = kill_process_group(getpgrp(), Signal::KILL);
    Ok(0)
}

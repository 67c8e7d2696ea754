//! A running generator, and its measurements from `/proc`.

use std::{
    collections::HashMap,
    fs,
    process::{Child, Command},
    thread,
    time::Duration,
};

use crate::Result;

/// Time between two measurements of its memory while it ends.
const LOOK: Duration = Duration::from_millis(5);

/// A process that is killed when this value is dropped.
pub struct Process {
    child: Child,
    /// CPU time of each thread at the last measurement, in nanoseconds.
    cpu_of_threads: HashMap<String, u64>,
}

impl Process {
    /// Starts the process.
    pub fn start(command: &mut Command) -> Result<Self> {
        Ok(Self { child: command.spawn()?, cpu_of_threads: HashMap::new() })
    }

    /// An error if the process has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("it has ended before its time, {status}").into()),
            None => Ok(()),
        }
    }

    /// CPU time, user and system, that all threads have used since the last call.
    ///
    /// It comes from `schedstat` in nanoseconds, because `stat` has a resolution of 10 ms. CPU time of a
    /// thread between the last call and its end is missed; the threads of these programs live as long as the
    /// process.
    pub fn cpu_time(&mut self) -> Result<Duration> {
        let mut used = 0;
        let tasks = fs::read_dir(self.proc("task"))
            .map_err(|error| format!("CPU time, which is read from /proc (Linux): {error}"))?;
        for task in tasks {
            let task = task?;
            // A thread that has just ended no longer has statistics.
            let Ok(statistics) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            let now = statistics.split(' ').next().ok_or("schedstat is empty")?.parse()?;
            let thread = task.file_name().to_string_lossy().into_owned();
            let before = self.cpu_of_threads.insert(thread, now).unwrap_or(0);
            used += now.saturating_sub(before);
        }
        Ok(Duration::from_nanos(used))
    }

    /// Waits for its end, and returns the maximum of its resident memory in MiB, because some need most of it
    /// at the end. Its exit status is ignored, because the target knows what arrived.
    pub fn wait(mut self) -> Result<f64> {
        let mut peak = None;
        while self.child.try_wait()?.is_none() {
            // The process may have ended in between, and then there is nothing to read.
            peak = self.peak_mib().or(peak);
            thread::sleep(LOOK);
        }
        peak.ok_or_else(|| "no VmHWM in /proc (Linux)".into())
    }

    fn peak_mib(&self) -> Option<f64> {
        let status = fs::read_to_string(self.proc("status")).ok()?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))?;
        Some(kib.parse::<f64>().ok()? / 1024.0)
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both calls fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

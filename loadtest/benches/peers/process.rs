//! A running generator, looked at through `/proc`.

use std::{
    collections::HashMap,
    fs,
    process::{Child, Command},
    thread,
    time::Duration,
};

use crate::Result;

/// Distance of two looks at its memory while it ends.
const LOOK: Duration = Duration::from_millis(5);

/// A process, which is killed when this is dropped.
pub struct Process {
    child: Child,
    /// CPU time that each thread had used at the last look, in nanoseconds.
    cpu_of_threads: HashMap<String, u64>,
}

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Result<Self> {
        Ok(Self { child: command.spawn()?, cpu_of_threads: HashMap::new() })
    }

    /// An error once it has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("it has ended before its time, {status}").into()),
            None => Ok(()),
        }
    }

    /// CPU time, user and system, that all threads have used since the last call.
    ///
    /// From `schedstat`, in nanoseconds, because `stat` counts in ticks of 10 ms. What a thread used between the last
    /// call and its end is missed; the threads of these programs live as long as the process.
    pub fn cpu_time(&mut self) -> Result<Duration> {
        let mut used = 0;
        let tasks = fs::read_dir(self.proc("task"))
            .map_err(|error| format!("CPU time, which is read from /proc (Linux): {error}"))?;
        for task in tasks {
            let task = task?;
            // A thread that has just ended has no statistics any more.
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

    /// Waits for its end, and gives the most memory that was ever resident, in MiB: some need most of it at the end.
    /// Whether it was content with the run is not asked, as the target knows what came.
    pub fn wait(mut self) -> Result<f64> {
        let mut peak = None;
        while self.child.try_wait()?.is_none() {
            // It may end in between, and then there is nothing to read.
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
        // Both fail only when it has ended already, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

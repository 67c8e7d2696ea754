//! A process under test: started, looked at through `/proc`, and never left behind.

use std::{
    collections::HashMap,
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use url::Url;

use crate::{
    Result,
    client::{self, Load},
};

/// How long a process may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Distance of two looks at whether it answers.
const START_POLL: Duration = Duration::from_micros(200);

/// A running process, which is killed when this is dropped.
pub struct Process {
    name: String,
    child: Child,
    /// CPU time that each thread had used at the last look, in nanoseconds.
    cpu_of_threads: HashMap<String, u64>,
    /// From the start of the process to its first good answer.
    pub start_to_ready: Duration,
}

impl Process {
    /// Starts `command` and waits until `url` answers with 200.
    ///
    /// Its standard output goes to `/dev/null`: the service writes each line all the same, but no reader takes part
    /// of the machine. That is the cheapest output there is, on both sides of a ratio, so it makes no ratio smaller.
    pub async fn start(name: &str, command: &mut Command, url: &Url) -> Result<Self> {
        let start = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("`{name}` does not start: {error}"))?;
        let mut process = Self {
            name: name.to_owned(),
            child,
            cpu_of_threads: HashMap::new(),
            start_to_ready: Duration::ZERO,
        };
        while !client::answers(url).await {
            process.check_alive()?;
            if start.elapsed() > START_LIMIT {
                return Err(
                    format!("`{name}` runs, but {url} does not answer 200 within {START_LIMIT:?}").into()
                );
            }
            // Not tokio's sleep, whose grain of a millisecond is a good part of the time that is measured.
            thread::sleep(START_POLL);
        }
        process.start_to_ready = start.elapsed();
        Ok(process)
    }

    /// An error once the process has ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("`{}` has ended by itself, {status}", self.name).into()),
            None => Ok(()),
        }
    }

    /// Says of a failed load which service it was, and that its process has ended if that is the reason.
    pub fn explain(&mut self, outcome: Result<Load>) -> Result<Load> {
        self.check_alive()?;
        outcome.map_err(|error| format!("load on `{}`: {error}", self.name).into())
    }

    /// CPU time that all threads have used since the last call.
    ///
    /// From `schedstat`, in nanoseconds, because `stat` counts in ticks of 10 ms. What a thread used between the last
    /// call and its end is missed; the threads of these services live as long as the process.
    pub fn cpu_time(&mut self) -> Result<Duration> {
        let mut used = 0;
        let tasks = fs::read_dir(self.proc("task")).map_err(|error| {
            format!("CPU time of `{}`, which is read from /proc (Linux): {error}", self.name)
        })?;
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

    /// Resident memory at this moment, in MiB.
    pub fn resident_mib(&self) -> Result<f64> {
        self.memory("VmRSS:")
    }

    /// The most memory that was ever resident, in MiB.
    pub fn peak_mib(&self) -> Result<f64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> Result<f64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let kib: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"))
            .ok_or_else(|| format!("no {field} of `{}`", self.name))?
            .parse()?;
        Ok(kib / 1024.0)
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

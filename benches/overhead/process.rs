//! A process under test: it is started, measured through `/proc`, and always stopped.

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

/// Time for a process to respond.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Time between two checks whether it responds.
const START_POLL: Duration = Duration::from_micros(200);

/// A running process, which is killed when this value is dropped.
pub struct Process {
    name: String,
    child: Child,
    /// CPU time of each thread at the last measurement, in nanoseconds.
    cpu_of_threads: HashMap<String, u64>,
    /// Time from the start of the process to its first successful response.
    pub start_to_ready: Duration,
}

impl Process {
    /// Starts `command` and waits until `url` answers with 200.
    ///
    /// Its standard output is discarded by `/dev/null`: the service still writes each line, but no reader
    /// uses the machine. This is the cheapest output, with and without telemetry, so it makes no ratio
    /// smaller.
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
            // tokio's sleep has a resolution of a millisecond, which is a large part of the measured time.
            thread::sleep(START_POLL);
        }
        process.start_to_ready = start.elapsed();
        Ok(process)
    }

    /// An error if the process has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("`{}` has ended by itself, {status}", self.name).into()),
            None => Ok(()),
        }
    }

    /// Adds the name of the service to the error of a failed load, and whether its process has ended.
    pub fn explain(&mut self, outcome: Result<Load>) -> Result<Load> {
        self.check_alive()?;
        outcome.map_err(|error| format!("load on `{}`: {error}", self.name).into())
    }

    /// CPU time that all threads have used since the last call.
    ///
    /// It comes from `schedstat` in nanoseconds, because `stat` has a resolution of 10 ms. CPU time of a
    /// thread between the last call and its end is missed; the threads of these services live as long as the
    /// process.
    pub fn cpu_time(&mut self) -> Result<Duration> {
        let mut used = 0;
        let tasks = fs::read_dir(self.proc("task")).map_err(|error| {
            format!("CPU time of `{}`, which is read from /proc (Linux): {error}", self.name)
        })?;
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

    /// Current resident memory, in MiB.
    pub fn resident_mib(&self) -> Result<f64> {
        self.memory("VmRSS:")
    }

    /// Maximum of resident memory, in MiB.
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
        // Both calls fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

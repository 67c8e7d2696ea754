//! A program that `up` starts: its command line, its environment, and the file that takes its output.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use otlp::model::now;
use rustix::process::Pid;
use tokio::process::Child;

use super::lines::Lines;
use super::output::Output;
use crate::run;

/// Number of bytes that are compared at a time.
const CHUNK: usize = 64 * 1024;

/// A program to run.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) program: run::Program,
    pub(super) arguments: Vec<String>,
    /// Its environment. Only a command also inherits the variables of the shell.
    pub(super) environment: Vec<(String, String)>,
    /// The port on which it listens when it is ready; `None` if it does not listen.
    pub(super) port: Option<u16>,
    /// The file for its output.
    pub(super) log: PathBuf,
    /// Shows its output in the console, too.
    pub(super) lines: Option<Lines>,
}

impl Program {
    /// Starts it in the process group.
    ///
    /// Only the variables given here are set, as in a check. A proxy, a service name or an exporter that the
    /// shell sets for other programs would send its telemetry elsewhere, or keep it from starting.
    pub(super) fn spawn(&self, group: Pid, output: &Output) -> io::Result<Child> {
        let mut child = self
            .program
            .process()
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(group.as_raw_nonzero().get())
            .kill_on_drop(true)
            .spawn()?;
        let started = now();
        let stream = |name| self.lines.as_ref().map(|lines| lines.stream(name, started));
        if let Some(stdout) = child.stdout.take() {
            output.follow(stdout, stream("stdout"));
        }
        if let Some(stderr) = child.stderr.take() {
            output.follow(stderr, stream("stderr"));
        }
        Ok(child)
    }
}

/// The file of a program that was started. It stays open, so that it can be compared with the build that
/// replaces it.
pub(super) struct Build(File);

impl Build {
    /// `None` if the file cannot be read, or is not known because a command builds the program itself.
    pub(super) fn open(program: &run::Program) -> Option<Self> {
        match program {
            run::Program::Executable(path) => File::open(path).ok().map(Self),
            run::Program::Command(_) => None,
        }
    }

    /// Whether `executable` is the same program: the same file, or another one with the same content.
    pub(super) fn is_same_as(&self, executable: &Path) -> bool {
        self.compare(executable).unwrap_or(false)
    }

    fn compare(&self, executable: &Path) -> io::Result<bool> {
        let (mut old, mut new) = (&self.0, File::open(executable)?);
        let (one, other) = (old.metadata()?, new.metadata()?);
        if (one.dev(), one.ino(), one.mtime(), one.mtime_nsec())
            == (other.dev(), other.ino(), other.mtime(), other.mtime_nsec())
        {
            return Ok(true);
        }
        if one.len() != other.len() {
            return Ok(false);
        }
        old.seek(SeekFrom::Start(0))?;
        let (mut before, mut after) = (vec![0; CHUNK], vec![0; CHUNK]);
        let mut left = one.len();
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            old.read_exact(&mut before[..length])?;
            new.read_exact(&mut after[..length])?;
            if before[..length] != after[..length] {
                return Ok(false);
            }
            left -= length as u64;
        }
        Ok(true)
    }
}

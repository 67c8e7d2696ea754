//! The program that is checked: the executable of a backend, or a command in any language.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::error::{Error, Result};
use crate::text;

/// Variables that change the behavior of the service. A command inherits all others.
const CONTRACT: [&str; 15] = [
    "BACKEND_NAME",
    "DATABASE_URL",
    "ENV",
    "GRACE_PERIOD",
    "HOST",
    "HTTPBIN_DELAY",
    "HTTPBIN_TIMEOUT",
    "HTTPBIN_URL",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "PORT",
    "RANDOM_ERROR_RATE",
    "RANDOM_SEED",
    "REQUEST_TIMEOUT",
    "RUST_LOG",
];
/// The same, by prefix: settings of OpenTelemetry's and Datadog's SDKs.
const CONTRACT_PREFIXES: [&str; 2] = ["OTEL_", "DD_"];

/// How the checked program is started.
#[derive(Debug, Clone)]
pub enum Program {
    /// The executable of a backend. Its environment contains only the variables of the run.
    Executable(PathBuf),
    /// A command in any language. It inherits the environment of this process, in which its tools find their
    /// caches, without the variables of the contract.
    Command(CommandLine),
}

impl Program {
    /// The process, without the variables of the run.
    pub(crate) fn process(&self) -> Command {
        match self {
            Self::Executable(path) => {
                let mut process = Command::new(path);
                process.env_clear();
                process
            }
            Self::Command(line) => line.process(),
        }
    }

    /// The program, for a message.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Executable(path) => path.display().to_string(),
            Self::Command(line) => line.program.clone(),
        }
    }

    /// Whether it may be a wrapper around the program that listens, such as `go run .` or `npm start`.
    pub(crate) fn is_command(&self) -> bool {
        matches!(self, Self::Command(_))
    }

    /// Time to listen. A backend has been built, and its debug build needs milliseconds; a command may
    /// compile first.
    pub(crate) fn start_timeout(&self) -> Duration {
        match self {
            Self::Executable(_) => Duration::from_secs(15),
            Self::Command(line) => line.start_timeout,
        }
    }
}

/// A command, and the folder in which it runs.
#[derive(Debug, Clone)]
pub struct CommandLine {
    text: String,
    program: String,
    arguments: Vec<String>,
    folder: PathBuf,
    start_timeout: Duration,
}

impl CommandLine {
    /// Splits `text` into words as a shell does, with quotes and backslashes. No shell runs it: variables,
    /// `|` and `&&` need `sh -c '…'`. A relative path of the program starts at `folder`. `start_timeout` is
    /// the time to listen, a build included.
    ///
    /// # Errors
    ///
    /// It has no word or an open quote, or there is no such folder.
    pub fn parse(text: &str, folder: &Path, start_timeout: Duration) -> Result<Self> {
        let refused = |reason| Err(Error::value(text, "--command", reason));
        let Some(words) = shlex::split(text) else {
            return refused(text!("a quote or a backslash is not closed"));
        };
        let Some((program, arguments)) = words.split_first().filter(|(program, _)| !program.is_empty())
        else {
            return refused(text!("expected a program and its arguments, such as 'go run .'"));
        };
        let folder = match folder.canonicalize() {
            Ok(folder) if folder.is_dir() => folder,
            _ => {
                let folder = folder.display().to_string();
                return Err(Error::value(&folder, "--dir", text!("expected a folder that exists")));
            }
        };
        Ok(Self {
            text: text.trim().to_owned(),
            program: program.clone(),
            arguments: arguments.to_vec(),
            folder,
            start_timeout,
        })
    }

    /// The command as it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The folder, absolute.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Time to listen, a build included.
    pub fn start_timeout(&self) -> Duration {
        self.start_timeout
    }

    fn process(&self) -> Command {
        // What a shell does after `cd`; the standard library leaves it open.
        let program = match self.program.contains('/') {
            true => self.folder.join(&self.program).into_os_string(),
            false => OsString::from(&self.program),
        };
        let mut process = Command::new(program);
        process.args(&self.arguments).current_dir(&self.folder);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_left_out)) {
            process.env_remove(name);
        }
        // Everything that it calls in a run is on this machine.
        for name in ["NO_PROXY", "no_proxy"] {
            let others = env::var(name).map(|others| format!(",{others}")).unwrap_or_default();
            process.env(name, format!("127.0.0.1,localhost{others}"));
        }
        process
    }
}

fn is_left_out(name: &str) -> bool {
    CONTRACT.contains(&name)
        || CONTRACT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || super::build::is_of_this_program(name)
}

//! What `check`, `watch` and `up` check: a backend, or a command in any language.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::repository::{Repository, environment_language};
use super::watcher::{SaveWatcher, Scope};
use super::{fail, first_build, names};
use crate::deployment;
use crate::error::Error;
use crate::evidence::Backend;
use crate::run::{self, CommandLine, Program, RunError};
use crate::steps::{Lang, Step, Text};
use crate::text;

/// A command instead of a backend.
#[derive(Debug, Args)]
pub(super) struct CommandOptions {
    /// Run this command instead of a backend: a program in any language that keeps the contract, such as 'go
    /// run .'
    ///
    /// It is split into words like in a shell, but runs without one. docs/contract.md says what the program
    /// must do.
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// The folder in which the command runs, and in which monitor.toml and git are looked up [default: the
    /// current folder]
    #[arg(long, value_name = "DIR", requires = "command")]
    dir: Option<PathBuf>,
    /// Time for the command to listen at each start, compiling included
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = humantime::parse_duration, requires = "command")]
    start_timeout: Duration,
}

impl CommandOptions {
    /// Whether there is a command.
    pub(super) fn is_given(&self) -> bool {
        self.command.is_some()
    }

    /// The command; `None` if a backend is checked.
    pub(super) fn command(&self) -> Result<Option<CommandLine>> {
        let folder = self.dir.as_deref().unwrap_or(Path::new("."));
        Ok(self
            .command
            .as_deref()
            .map(|text| CommandLine::parse(text, folder, self.start_timeout))
            .transpose()?)
    }
}

/// What is checked.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// The backend with this name, without `backend-`.
    Backend(String),
    /// A command in any language.
    Command(CommandLine),
}

impl Subject {
    /// What the options or the optional NAME choose.
    pub(super) fn choose(
        repository: &Repository,
        options: &CommandOptions,
        name: Option<&str>,
    ) -> Result<Self> {
        match (options.command()?, name) {
            (None, name) => Ok(Self::Backend(repository.backend(name)?)),
            (Some(command), None) => Ok(Self::Command(command)),
            (Some(_), Some(name)) => Err(name_and_command(name)),
        }
    }

    /// What to check, and which steps, from arguments that may begin with a NAME.
    pub(super) fn with_steps<'a>(
        repository: &'a Repository,
        options: &CommandOptions,
        arguments: &[String],
    ) -> Result<(Self, Vec<&'a Step>)> {
        let Some(command) = options.command()? else {
            let (name, steps) = repository.backend_and_steps(arguments)?;
            return Ok((Self::Backend(name), steps));
        };
        if let Some(first) = arguments.first()
            && repository.steps.find(first).is_err()
            && repository.folder(names::plain(first)).is_dir()
        {
            return Err(name_and_command(first));
        }
        let steps =
            arguments.iter().map(|step| repository.steps.find(step)).collect::<Result<Vec<_>, _>>()?;
        if let Some(step) = steps.iter().find(|step| step.hint_any.is_none()) {
            let expected = text!(
                "with --command, expected a step from 0 to 9; this one is about Rust or about the deployment of a backend"
            );
            return Err(Error::value(&step.id, "STEP", expected).into());
        }
        Ok((Self::Command(command), steps))
    }

    /// The steps that are checked if none is named.
    pub(super) fn required_steps<'a>(&self, repository: &'a Repository) -> Vec<&'a Step> {
        let mut steps = repository.steps.required();
        if matches!(self, Self::Command(_)) {
            steps.retain(|step| step.hint_any.is_some());
        }
        steps
    }

    /// `backend-sakura`, or the command.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Backend(name) => format!("backend-{name}"),
            Self::Command(command) => command.text().to_owned(),
        }
    }

    /// Its folder.
    pub(super) fn folder(&self, repository: &Repository) -> PathBuf {
        match self {
            Self::Backend(name) => repository.folder(name),
            Self::Command(command) => command.folder().to_owned(),
        }
    }

    /// Calls `saved` at every save of its files, as long as the watcher exists.
    pub(super) fn watch(
        &self,
        repository: &Repository,
        saved: impl Fn() + Send + Sync + 'static,
    ) -> Result<SaveWatcher> {
        let scope = match self {
            Self::Backend(_) => Scope::Backend,
            Self::Command(_) => Scope::AllFiles,
        };
        SaveWatcher::watch(&self.folder(repository), scope, saved)
    }

    /// What to try in a step.
    pub(super) fn hint<'a>(&self, step: &'a Step) -> &'a Text {
        match self {
            Self::Backend(_) => &step.hint,
            Self::Command(_) => step.hint_any.as_ref().unwrap_or(&step.hint),
        }
    }

    /// The arguments of `check` and `watch` for it, each with a space in front.
    pub(super) fn arguments(&self, repository: &Repository) -> String {
        match self {
            // In its folder, the command finds the backend without arguments; elsewhere, the user has named
            // it.
            Self::Backend(_) => String::new(),
            Self::Command(command) => {
                let folder = repository.shown(command.folder());
                let words =
                    ["--command", command.text(), "--dir", if folder.is_empty() { "." } else { &folder }];
                // A null byte, which cannot be quoted, cannot be in an argument.
                shlex::try_join(words).map(|words| format!(" {words}")).unwrap_or_default()
            }
        }
    }

    /// The steps that can be checked, each with the hint for it.
    pub(super) fn steps(&self, repository: &Repository) -> Vec<Step> {
        let mut steps = repository.steps.all().to_vec();
        if let Self::Command(_) = self {
            steps.retain(|step| step.hint_any.is_some());
            for step in &mut steps {
                step.hint = self.hint(step).clone();
            }
        }
        steps
    }

    /// The language of reports about it.
    pub(super) fn language(&self, repository: &Repository) -> Lang {
        match self {
            Self::Backend(name) => repository.language(name),
            Self::Command(_) => environment_language(),
        }
    }

    /// The file with the last report about it.
    pub(super) fn report(&self, repository: &Repository) -> PathBuf {
        match self {
            Self::Backend(name) => repository.report(name),
            // No backend can have such a name, because of the underscore.
            Self::Command(command) => {
                repository.report(&format!("command_{}", slug(&repository.root, command.folder())))
            }
        }
    }

    /// Builds a backend for a run; a command builds its program when it starts. With `by_name`, steps about
    /// its deployment are checked even if it has no files for that.
    ///
    /// # Errors
    ///
    /// The backend does not build, or its deployment files cannot be read.
    pub(super) async fn prepare(
        &self,
        repository: &Repository,
        lang: Lang,
        by_name: bool,
    ) -> Result<(Backend, Program), RunError> {
        match self {
            Self::Backend(name) => {
                first_build::announce(&self.label(), lang);
                let folder = repository.folder(name);
                let built = run::build(&folder).await?;
                let mut backend = run::backend(&built, &folder);
                // Most attendees have no AWS account. Without deployment files, those steps are checked only
                // if they are named.
                let files = deployment::read(&repository.root, name).map_err(|error| {
                    RunError::Machine(io::Error::other(format!("{:#}", anyhow::Error::from(error))))
                })?;
                backend.deployment = (by_name || deployment::has_own_files(&files, name)).then_some(files);
                Ok((backend, Program::Executable(built.executable)))
            }
            Self::Command(command) => Ok((run::command_backend(command), Program::Command(command.clone()))),
        }
    }
}

fn name_and_command(name: &str) -> anyhow::Error {
    fail(text!("'{name}' names a backend, and cannot be used with --command", name))
}

/// A folder as a part of a file name: `examples-go` for `examples/go` in the repository.
fn slug(root: &Path, folder: &Path) -> String {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let folder = folder.strip_prefix(root).unwrap_or(folder);
    let slug: String = folder
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '.' { c } else { '-' })
        .collect();
    slug.trim_matches('-').to_owned()
}

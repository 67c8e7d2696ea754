//! The commands of `cargo workshop`.

mod backup;
mod base;
mod check;
mod console;
mod diff;
mod doctor;
mod first_build;
mod gameday;
mod guide;
mod infra;
mod line_counts;
mod names;
mod new;
mod repository;
mod sampling;
mod step;
mod subject;
mod up;
mod watch;
mod watcher;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::messages::Message;
use crate::steps::Lang;
use crate::text;
use repository::{Repository, environment_language};
use subject::CommandOptions;

/// Learn OpenTelemetry by instrumenting a real service
#[derive(Debug, Parser)]
#[command(name = "cargo workshop", bin_name = "cargo workshop", version)]
pub struct Arguments {
    /// Language of the output; for `new`, of the backend's TODOs too [default: the language of the backend,
    /// otherwise of LC_ALL or LANG]
    #[arg(long, value_enum, global = true)]
    lang: Option<Lang>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the service or a backend, with a local httpbin, a load generator and the web console
    ///
    /// A backend is rebuilt and restarted at every save. Ctrl-C stops everything.
    Up(up::Options),
    /// Judge what you have found on a game day, which `up --fault` starts, by the telemetry
    ///
    /// Exit status: 0 if all of the answer is right, 1 if not, 2 if it could not be judged.
    Gameday(gameday::Options),
    /// Start only the web console, for any program that exports OTLP
    Console(::console::options::ConsoleArguments),
    /// Stop a process group when the other end of standard input is closed
    #[command(hide = true)]
    Guard,
    /// Create a backend: the service without telemetry, or as it is after a step
    New {
        /// 2 to 15 lower-case letters, digits and single dashes, starting with a letter; the prefix
        /// `backend-` is optional
        name: String,
        /// Id or number of the step after which it starts
        #[arg(long, value_name = "STEP", default_value = "run")]
        at: String,
    },
    /// Build and run a backend, and check its steps by the telemetry that it emits
    ///
    /// Optional steps are checked only if they are named. With --command, steps 0 to 9 of a program in any
    /// language are checked. Exit status: 0 if all checked steps passed, 1 if a step failed, 2 if a check
    /// could not run.
    Check {
        /// The backend, and ids or numbers of steps [default: the current backend; all steps that are not
        /// optional]
        #[arg(value_name = "NAME|STEP")]
        arguments: Vec<String>,
        #[command(flatten)]
        command: CommandOptions,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
        /// Show all failed steps, not only the first
        #[arg(long)]
        keep_going: bool,
    },
    /// Check a backend, or a program in any language, at every save
    Watch {
        /// The backend [default: the current one]
        name: Option<String>,
        #[command(flatten)]
        command: CommandOptions,
    },
    /// Replace a backend by its state after a step; your work is kept under .workshop/
    Goto {
        /// The backend [default: the current one], and the id or number of a step
        #[arg(value_name = "[NAME] STEP", required = true)]
        arguments: Vec<String>,
    },
    /// Show what a step adds
    Answer {
        /// Id or number of the step
        #[arg(required_unless_present = "lines")]
        step: Option<String>,
        /// Instead, count the lines to type in each step
        #[arg(long, conflicts_with = "step")]
        lines: bool,
    },
    /// Show what you have changed in a backend
    Diff {
        /// The backend [default: the current one]
        name: Option<String>,
        /// Compare with the state after this step
        #[arg(long, value_name = "STEP", default_value = "run")]
        at: String,
    },
    /// Add the files that deploy a backend to ECS: lines in Terraform, a workflow, a PipeCD application
    ///
    /// The backend's own files are not changed if they already exist.
    Infra {
        /// The backend
        name: String,
    },
    /// Remove a backend and its deployment files; everything is kept under .workshop/
    Remove {
        /// The backend
        name: String,
    },
    /// Check this machine for prerequisites and suggest fixes
    Doctor,
    /// Judge the configuration of a Collector for tail sampling by the traces that it keeps
    ///
    /// Starts the Collector, sends 2,000 traces through it, and compares what arrives with what was sent.
    /// The chapter 15-sampling.md of the guide says what is expected. Exit status: 0 if all of it holds, 1 if
    /// not, 2 if the Collector could not be run.
    Sampling(sampling::Options),
    /// Work on the steps of the workshop
    #[command(subcommand)]
    Step(StepCommand),
    /// Write backend-base/ again from src/
    Base,
    /// Check that the code in the guide is the code in src/
    Guide {
        /// Update the code in the guide
        #[arg(long)]
        sync: bool,
    },
}

#[derive(Debug, Subcommand)]
enum StepCommand {
    /// Create the files of a new step: entry in steps.toml, check, chapters, and a failing test
    New {
        /// Lower-case letters, digits and single dashes, such as queue-metrics
        id: String,
    },
}

/// Runs the command, and returns its exit status. An error is printed, with exit status 2.
pub fn run(arguments: Arguments) -> u8 {
    let Arguments { lang, command } = arguments;
    execute(command, lang).unwrap_or_else(|error| {
        let lang = match Repository::here() {
            Ok(repository) => repository.output_language(lang),
            Err(_) => lang.unwrap_or_else(environment_language),
        };
        anstream::eprintln!("error: {}", message(&error).in_lang(lang));
        2
    })
}

fn execute(command: Command, lang: Option<Lang>) -> Result<u8> {
    // Searched only by the commands that need it: the console and the doctor work without a repository.
    let repository = Repository::here;
    match command {
        Command::Up(options) => up::up(repository()?, &options, lang),
        Command::Gameday(options) => gameday::gameday(&options, lang),
        Command::Console(options) => console::console(&options),
        Command::Guard => up::guard(),
        Command::New { name, at } => {
            new::new(&repository()?, &name, &at, lang.unwrap_or_else(environment_language))
        }
        Command::Check { arguments, command, json, keep_going } => {
            check::check(&repository()?, &arguments, &command, json, keep_going, lang)
        }
        Command::Watch { name, command } => watch::watch(&repository()?, name.as_deref(), &command, lang),
        Command::Goto { arguments } => new::goto(&repository()?, &arguments, lang),
        Command::Answer { step, .. } => match step {
            Some(step) => diff::answer(&repository()?, &step, lang),
            None => line_counts::line_counts(&repository()?),
        },
        Command::Diff { name, at } => diff::diff(&repository()?, name.as_deref(), &at, lang),
        Command::Infra { name } => infra::infra(&repository()?, &name, lang),
        Command::Remove { name } => new::remove(&repository()?, &name, lang),
        Command::Doctor => Ok(doctor::doctor(lang)),
        Command::Sampling(options) => sampling::sampling(&options, lang),
        Command::Step(StepCommand::New { id }) => step::new(&repository()?, &id),
        Command::Base => base::base(&repository()?),
        Command::Guide { sync } => guide::guide(&repository()?, sync),
    }
}

/// Prints a message on a line of its own.
fn print(lang: Lang, message: &Message) {
    anstream::println!("{}", message.in_lang(lang));
}

/// An error with this message.
fn fail(message: Message) -> anyhow::Error {
    anyhow::Error::new(message)
}

/// The error with its causes.
fn message(error: &anyhow::Error) -> Message {
    let translatable = |cause: &(dyn std::error::Error + 'static)| {
        let own = cause.downcast_ref::<Error>().map(Error::message);
        own.or_else(|| cause.downcast_ref::<Message>().cloned()).unwrap_or_else(|| Message::verbatim(cause))
    };
    let mut messages = error.chain().map(translatable).rev();
    let last = messages.next().unwrap_or_else(|| Message::verbatim(""));
    messages.fold(last, |cause, message| text!("{message}: {cause}", message, cause))
}

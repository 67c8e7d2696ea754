//! What `cargo workshop …` does.

mod backup;
mod base;
mod check;
mod console;
mod diff;
mod doctor;
mod first_build;
mod guide;
mod infra;
mod line_counts;
mod names;
mod new;
mod repository;
mod step;
mod up;
mod watch;
mod watcher;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::steps::Lang;
use repository::Repository;

/// Learn OpenTelemetry by instrumenting a real service
#[derive(Debug, Parser)]
#[command(name = "cargo workshop", version, about)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All of it: the service or a backend, httpbin's stand-in, a load generator, and the console in a browser
    ///
    /// A backend is built and restarted at every save. Ctrl-C ends all of it.
    Up(up::Options),
    /// The console alone, for any program that exports OTLP
    Console(::console::options::ConsoleOptions),
    /// Ends a group of processes when whoever holds its standard input is gone
    #[command(hide = true)]
    Guard,
    /// Make backend-NAME: the service without telemetry, or as it is after a step
    New {
        /// 2 to 15 lower-case letters, digits and single dashes, beginning with a letter; `backend-` may stand before it
        name: String,
        /// Id or number of a step
        #[arg(long, default_value = "run")]
        at: String,
        /// Language of titles and hints
        #[arg(long, value_enum, default_value_t = repository::environment_language())]
        lang: Lang,
    },
    /// Run a backend, and judge its steps by the telemetry that it emits
    ///
    /// Steps are optional if they need a long build of their own: they are checked only when they are named.
    /// Exit status: 0 where all that was asked passed, 1 where a step failed, 2 where it could not be judged.
    Check {
        /// NAME, unless it is known, and ids or numbers of steps [default: all but optional ones]
        #[arg(value_name = "NAME|STEP")]
        arguments: Vec<String>,
        /// The report as JSON on stdout
        #[arg(long)]
        json: bool,
        /// Show all steps that fail, and not only the first
        #[arg(long)]
        keep_going: bool,
        /// Language of the report [default: that of the backend]
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Check at every save
    Watch {
        /// The backend, unless it is known
        name: Option<String>,
        /// Language of the report [default: that of the backend]
        #[arg(long, value_enum)]
        lang: Option<Lang>,
    },
    /// Begin anew after a step; what was there is kept under .workshop/
    Goto {
        /// NAME, unless it is known, and the id or number of a step
        #[arg(value_name = "[NAME] STEP", required = true)]
        arguments: Vec<String>,
    },
    /// Show what a step adds
    Answer {
        /// Id or number of a step
        #[arg(required_unless_present = "lines")]
        step: Option<String>,
        /// Count the lines that one types in each step instead
        #[arg(long, conflicts_with = "step")]
        lines: bool,
    },
    /// Show what a backend has changed
    Diff {
        /// The backend, unless it is known
        name: Option<String>,
        /// Compare with the state after this step
        #[arg(long, default_value = "run")]
        at: String,
    },
    /// Add the files that bring a backend to ECS: its lines in Terraform, its workflow, its folder of PipeCD
    ///
    /// What is there already stays as it is.
    Infra {
        /// The backend
        name: String,
    },
    /// Take a backend away, with the files of its deployment; all of it is kept under .workshop/
    Remove {
        /// The backend
        name: String,
    },
    /// Whether this machine has what is needed, and how to mend what is not
    Doctor,
    /// Work on the steps of the workshop
    #[command(subcommand)]
    Step(StepCommand),
    /// Write backend-base/ anew from src/
    Base,
    /// Whether the code in the guide is that of src/
    Guide {
        /// Write it anew
        #[arg(long)]
        sync: bool,
    },
}

#[derive(Debug, Subcommand)]
enum StepCommand {
    /// Lay out a new step: its entry in steps.toml, its check, its chapters, and a test that fails
    New {
        /// Lower-case letters, digits and single dashes, such as queue-metrics
        id: String,
    },
}

/// Does what was asked, and gives the exit status.
///
/// # Errors
///
/// The command could not be carried out.
pub fn run(arguments: Arguments) -> Result<u8> {
    // Asked for where it is needed: the console and the doctor do without the repository.
    let repository = Repository::here;
    match arguments.command {
        Command::Up(options) => up::up(repository()?, &options),
        Command::Console(options) => console::console(&options),
        Command::Guard => up::guard(),
        Command::New { name, at, lang } => new::new(&repository()?, &name, &at, lang),
        Command::Check { arguments, json, keep_going, lang } => {
            check::check(&repository()?, &arguments, json, keep_going, lang)
        }
        Command::Watch { name, lang } => watch::watch(&repository()?, name.as_deref(), lang),
        Command::Goto { arguments } => new::goto(&repository()?, &arguments),
        Command::Answer { step, .. } => match step {
            Some(step) => diff::answer(&repository()?, &step),
            None => line_counts::line_counts(&repository()?),
        },
        Command::Diff { name, at } => diff::diff(&repository()?, name.as_deref(), &at),
        Command::Infra { name } => infra::infra(&repository()?, &name),
        Command::Remove { name } => new::remove(&repository()?, &name),
        Command::Doctor => Ok(doctor::doctor()),
        Command::Step(StepCommand::New { id }) => step::new(&repository()?, &id),
        Command::Base => base::base(&repository()?),
        Command::Guide { sync } => guide::guide(&repository()?, sync),
    }
}

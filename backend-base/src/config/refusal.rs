//! A bad value, told in one line: which variable, which value, what is allowed.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// Why the program does not start with this configuration; or that it was only asked for help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    message: String,
    /// 2, as is usual for wrong usage; 0 after `--help` and `--version`.
    exit_status: u8,
}

impl Refusal {
    /// `variable` was set to `value`, but only `allowed` would do.
    pub fn value(variable: &str, value: &str, allowed: &str) -> Self {
        Self { message: format!("{variable}={value} is refused; allowed: {allowed}"), exit_status: 2 }
    }

    /// Prints it where it belongs, and gives the exit status of the process.
    pub fn tell(&self) -> ExitCode {
        let printed = match self.exit_status {
            0 => writeln!(io::stdout(), "{self}"),
            _ => writeln!(io::stderr(), "{self}"),
        };
        // Where nobody listens, the exit status says it all.
        drop(printed);
        ExitCode::from(self.exit_status)
    }

    pub(super) fn new(error: &clap::Error, command: &Command) -> Self {
        let message = match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                return Self { message: error.to_string(), exit_status: 0 };
            }
            ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
                return invalid_value(error, command);
            }
            ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
                let unknown = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand]
                    .into_iter()
                    .find_map(|kind| text(error, kind))
                    .unwrap_or_default();
                format!("{unknown} is not known; allowed: what handson --help lists")
            }
            _ => {
                let rendered = error.to_string();
                let first_line = rendered.lines().next().unwrap_or_default();
                format!("{}; see handson --help", first_line.trim_start_matches("error: "))
            }
        };
        Self { message, exit_status: 2 }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.trim_end())
    }
}

fn invalid_value(error: &clap::Error, command: &Command) -> Refusal {
    let option = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    let variable = argument(command, &option)
        .and_then(Arg::get_env)
        .map_or(option.clone(), |name| name.to_string_lossy().into_owned());
    let allowed = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => values.join(", "),
        _ => error.source().map(ToString::to_string).unwrap_or_default(),
    };
    Refusal::value(&variable, &value, &allowed)
}

/// clap names an argument as it shows it, `--port <PORT>`; subcommands have arguments of their own.
fn argument<'a>(command: &'a Command, shown: &str) -> Option<&'a Arg> {
    command
        .get_arguments()
        .find(|argument| argument.to_string() == shown)
        .or_else(|| command.get_subcommands().find_map(|subcommand| argument(subcommand, shown)))
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    error.get(kind).map(ToString::to_string)
}

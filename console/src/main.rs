//! The console as a separate program.

use std::process::ExitCode;

use clap::Parser;
use console::options::ConsoleArguments;
use console::{Extension, options};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Show traces, logs, metrics and errors that arrive over OTLP in a browser
#[derive(Debug, Parser)]
#[command(name = "handson-console", version, about)]
struct Arguments {
    #[command(flatten)]
    arguments: ConsoleArguments,
}

fn main() -> ExitCode {
    match options::run(&Arguments::parse().arguments, Extension::default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

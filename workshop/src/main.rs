//! `cargo workshop …`

use std::process::ExitCode;

use clap::Parser;
use workshop::commands::{self, Arguments};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(commands::run(Arguments::parse()))
}
